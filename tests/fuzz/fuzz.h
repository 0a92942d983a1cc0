/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fuzzers share. Each is one fuzz_NAME.c: it gives any bytes to a parser and aborts when an answer breaks what
 * the parser's header promises; crashes and undefined behaviour are the sanitizers' to find. Adding that file, and
 * seeds for it in seeds/NAME, is all it takes to add one.
 */
#ifndef LG_FUZZ_H
#define LG_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libFuzzer's: called with each input; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise of the code under test. */
static inline void fuzz_check(int holds, const char *promise)
{
	if (holds)
		return;
	fprintf(stderr, "broken promise: %s\n", promise);
	abort();
}

#define FUZZ_CHECK(condition) fuzz_check(!!(condition), #condition)

/* A copy that ends where the bytes end, so that any read beyond is seen. With a NUL byte behind; free() it. */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

/* Where the line that begins at `data` ends: its newline, or the end of the bytes. */
static inline size_t fuzz_line(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;

	return end ? (size_t)(end - data) : size;
}

/*
 * What may reach a terminal: printable UTF-8 without a control byte, C1 controls included. Newlines are the output's
 * own.
 */
static inline void fuzz_check_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const unsigned char *s = (const unsigned char *)text + i;
		unsigned more = *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : *s >= 0x80 ? 1 : 0;

		FUZZ_CHECK(*s == '\n' || (*s >= 0x20 && *s < 0x7f) || *s >= 0xc2);
		FUZZ_CHECK(more < len - i);
		for (unsigned n = 1; n <= more; n++)
			FUZZ_CHECK((s[n] & 0xc0) == 0x80);
		FUZZ_CHECK(*s != 0xc2 || s[1] >= 0xa0);
		i += more;
	}
}

#endif
