/* SPDX-License-Identifier: BSD-2-Clause */
/* Untrusted bytes on their way to a terminal or into JSON. The first two bytes choose the room there is. */
#include <jansson.h>

#include "base/text.h"
#include "fuzz.h"

static void escape_check(const uint8_t *data, size_t size, size_t room, bool utf8)
{
	char *out = malloc(room);
	unsigned columns;

	if (!out)
		abort();
	columns = text_escape(out, room, data, size, utf8);
	FUZZ_CHECK(memchr(out, 0, room) && columns == text_columns(out));
	FUZZ_CHECK(!strchr(out, '\n'));
	fuzz_check_printable(out, strlen(out));
	for (const char *p = out; !utf8 && *p; p++)
		FUZZ_CHECK(*p > 0);
	free(out);
}

static void fit_check(const uint8_t *data, size_t size, unsigned columns, bool utf8, enum text_cut cut)
{
	size_t room = size * 8 + 8; /* text_escape() makes at most eight bytes of one */
	char *whole = malloc(room), *cut_text = malloc(room);
	unsigned all;

	if (!whole || !cut_text)
		abort();
	all = text_escape(whole, room, data, size, utf8);
	FUZZ_CHECK(text_fit(cut_text, room, whole, columns, cut, utf8) <= columns);
	FUZZ_CHECK(text_columns(cut_text) <= columns);
	FUZZ_CHECK(all > columns || !strcmp(whole, cut_text));
	fuzz_check_printable(cut_text, strlen(cut_text));
	free(cut_text);
	free(whole);
}

static void json_check(const uint8_t *data, size_t size)
{
	char *out = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&out, &len);
	json_t *value;

	if (!file)
		abort();
	text_put_json(file, data, size);
	fclose(file);
	FUZZ_CHECK(!memchr(out, '\n', len));
	fuzz_check_printable(out, len);
	value = json_loadb(out, len, JSON_DECODE_ANY, NULL);
	FUZZ_CHECK(json_is_string(value));
	json_decref(value);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool utf8;

	if (size < 2)
		return 0;
	utf8 = data[1] & 1;
	escape_check(data + 2, size - 2, 1 + data[0], utf8);
	fit_check(data + 2, size - 2, data[0], utf8, data[1] & 2 ? TEXT_CUT_MIDDLE : TEXT_CUT_END);
	json_check(data + 2, size - 2);
	return 0;
}
