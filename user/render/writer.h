/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes JSON onto a stream as it goes: commas and escaping are right by construction, nothing is kept in memory.
 * It does not check that objects are closed; write errors stay in the stream (ferror).
 *
 * `key` is the name within an object (ours, so it is written as it is), NULL within an array or at the top.
 */
#ifndef LG_RENDER_WRITER_H
#define LG_RENDER_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct writer {
	FILE *out;
	bool comma; /* the next value follows another one */
};

void writer_object(struct writer *w, const char *key);
void writer_object_end(struct writer *w);
void writer_array(struct writer *w, const char *key);
void writer_array_end(struct writer *w);
/* Ends the top object and its line. */
void writer_line_end(struct writer *w);

void writer_u64(struct writer *w, const char *key, uint64_t value);
void writer_i64(struct writer *w, const char *key, int64_t value);
/* ns as microseconds with a fraction: 1234.567 */
void writer_us(struct writer *w, const char *key, uint64_t ns);
void writer_bool(struct writer *w, const char *key, bool value);
void writer_null(struct writer *w, const char *key);
/* Untrusted bytes; NULL is told as null. */
void writer_string(struct writer *w, const char *key, const char *value);
/* The same, and an empty string is told as null too. */
void writer_name(struct writer *w, const char *key, const char *value);
/* part / whole as 0.000000 .. 1.000000; null when `whole` is 0. */
void writer_share(struct writer *w, const char *key, uint64_t part, uint64_t whole);

#endif
