/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hostile target may name itself, and what of it reaches a terminal or a JSON string. */
#define _GNU_SOURCE /* posix_openpt() */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"

static void escapes(const char *raw, size_t len, bool utf8, const char *want, unsigned columns)
{
	char out[256];

	assert_int_equal(text_escape(out, sizeof(out), raw, len, utf8), columns);
	assert_string_equal(out, want);
	assert_int_equal(text_columns(out), columns);
}

static void test_escape_plain(void **state)
{
	(void)state;
	escapes("GET /a b~", 9, true, "GET /a b~", 9);
	escapes("", 0, true, "", 0);
	escapes("caf\u00e9", 5, true, "caf\u00e9", 4);
	escapes("cafe\u0301", 6, true, "cafe\u0301", 4);
	escapes("\u6f22\u5b57", 6, true, "\u6f22\u5b57", 4);
	escapes("\U0001f525", 4, true, "\U0001f525", 2);
}

static void test_escape_controls(void **state)
{
	(void)state;
	escapes("\033[2J", 4, true, "\\x1b[2J", 7);
	escapes("a\nb\tc\0d", 7, true, "a\\x0ab\\x09c\\x00d", 16);
	escapes("\x7f", 1, true, "\\x7f", 4);
	escapes("\xc2\x9b"
		"31m",
		5, true, "\\u{9b}31m", 9);
	escapes("C:\\x1b", 6, true, "C:\\\\x1b", 7);
}

static void test_escape_deceivers(void **state)
{
	(void)state;
	escapes("\u202eevil", 7, true, "\\u{202e}evil", 12);
	escapes("a\u200bb", 5, true, "a\\u{200b}b", 10);
	escapes("\u2066", 3, true, "\\u{2066}", 8);
	escapes("\ufeff", 3, true, "\\u{feff}", 8);
	escapes("\u2028", 3, true, "\\u{2028}", 8);
	escapes("\u00a0", 2, true, "\\u{a0}", 6);
	escapes("\u3164", 3, true, "\\u{3164}", 8);
	escapes("\U000e0041", 4, true, "\\u{e0041}", 9);
	escapes("\ue000", 3, true, "\\u{e000}", 8);
}

static void test_escape_invalid(void **state)
{
	(void)state;
	escapes("\x80", 1, true, "\\x80", 4);
	escapes("\xc0\xaf", 2, true, "\\xc0\\xaf", 8);
	escapes("\xe2\x82", 2, true, "\\xe2\\x82", 8);
	escapes("\xed\xa0\x80", 3, true, "\\xed\\xa0\\x80", 12);
	escapes("\xe0\x80\xaf", 3, true, "\\xe0\\x80\\xaf", 12);
	escapes("\xf4\x90\x80\x80", 4, true, "\\xf4\\x90\\x80\\x80", 16);
	escapes("\xff"
		"a",
		2, true, "\\xffa", 5);
	escapes("\xc3(", 2, true, "\\xc3(", 5);
}

static void test_escape_ascii_terminal(void **state)
{
	(void)state;
	escapes("caf\u00e9", 5, false, "caf\\u{e9}", 9);
	escapes("\xff", 1, false, "\\xff", 4);
}

static void test_escape_bounds(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(text_escape(out, sizeof(out), "abc\033def", 7, true), 7);
	assert_string_equal(out, "abc\\x1b");
	assert_int_equal(text_escape(out, 7, "abc\033def", 7, true), 3);
	assert_string_equal(out, "abc");
	assert_int_equal(text_escape(out, 3, "\u6f22\u5b57", 6, true), 0);
	assert_string_equal(out, "");
	assert_int_equal(text_escape(out, 0, "a", 1, true), 0);
}

static void fits(const char *text, unsigned columns, enum text_cut cut, bool utf8, const char *want)
{
	char out[64];

	assert_true(text_fit(out, sizeof(out), text, columns, cut, utf8) <= columns);
	assert_string_equal(out, want);
}

static void test_fit(void **state)
{
	(void)state;
	fits("abcdef", 6, TEXT_CUT_END, true, "abcdef");
	fits("abcdef", 5, TEXT_CUT_END, true, "abcd\u2026");
	fits("abcdef", 5, TEXT_CUT_END, false, "ab...");
	fits("abcdef", 1, TEXT_CUT_END, true, "a");
	fits("abcdef", 2, TEXT_CUT_END, false, "ab");
	fits("abcdef", 0, TEXT_CUT_END, true, "");
	fits("/var/lib/file.db", 10, TEXT_CUT_MIDDLE, true, "/var/\u2026e.db");
	fits("/var/lib/file.db", 9, TEXT_CUT_MIDDLE, false, "/va....db");
	fits("\u6f22\u5b57\u6f22", 4, TEXT_CUT_END, true, "\u6f22\u2026");
	fits("\u6f22\u5b57\u6f22\u5b57", 6, TEXT_CUT_MIDDLE, true, "\u6f22\u2026\u5b57");
	fits("cafe\u0301s", 5, TEXT_CUT_END, true, "cafe\u0301s");
}

static void puts_as(const struct text_style *style, enum text_tone tone, const char *text, int cols, const char *want)
{
	char *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);

	text_put(f, style, tone, text, cols);
	fclose(f);
	assert_string_equal(out, want);
	free(out);
}

static void test_put(void **state)
{
	struct text_style plain = {.utf8 = true}, colour = {.colour = true};

	(void)state;
	puts_as(&plain, TEXT_RED, "ab", 5, "ab   ");
	puts_as(&plain, TEXT_RED, "ab", -5, "   ab");
	puts_as(&plain, TEXT_RED, "abcdef", 5, "abcdef");
	puts_as(&plain, TEXT_PLAIN, "\u6f22", 4, "\u6f22  ");
	puts_as(&colour, TEXT_RED, "ab", -4, "  \033[31mab\033[0m");
	puts_as(&colour, TEXT_DIM, "ab", 4, "\033[2mab\033[0m  ");
	puts_as(&colour, TEXT_PLAIN, "ab", 0, "ab");
}

static void json_as(const char *raw, size_t len, const char *want)
{
	char *out = NULL;
	size_t out_len = 0;
	FILE *f = open_memstream(&out, &out_len);

	text_put_json(f, raw, len);
	fclose(f);
	assert_string_equal(out, want);
	free(out);
}

static void test_json(void **state)
{
	(void)state;
	json_as("", 0, "\"\"");
	json_as("a \"b\" \\", 7, "\"a \\\"b\\\" \\\\\"");
	json_as("\n\t\033\x7f", 4, "\"\\n\\t\\u001b\\u007f\"");
	json_as("a\0b", 3, "\"a\\ufffdb\"");
	json_as("\xff\xc0\xaf", 3, "\"\\ufffd\\ufffd\\ufffd\"");
	json_as("\u202e\u2028\xc2\x9b", 8, "\"\\u202e\\u2028\\u009b\"");
	json_as("\U000e0041", 4, "\"\\udb40\\udc41\"");
	json_as("caf\u00e9 \U0001f525", 10, "\"caf\u00e9 \U0001f525\"");
}

/* The style of a new terminal of our own. */
static struct text_style style_of_pty(enum text_when when)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);
	struct text_style style;

	assert_true(fd >= 0);
	text_style_init(&style, when, fd);
	close(fd);
	return style;
}

static void test_style(void **state)
{
	struct text_style style;
	int fd = open("/dev/null", O_WRONLY);

	(void)state;
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	text_style_init(&style, TEXT_AUTO, fd);
	assert_false(style.colour);
	assert_int_equal(style.width, 0);
	text_style_init(&style, TEXT_ALWAYS, fd);
	assert_true(style.colour);
	close(fd);
	assert_true(style_of_pty(TEXT_AUTO).colour);
	assert_false(style_of_pty(TEXT_NEVER).colour);
	setenv("NO_COLOR", "1", 1);
	assert_false(style_of_pty(TEXT_AUTO).colour);
	assert_true(style_of_pty(TEXT_ALWAYS).colour);
	setenv("NO_COLOR", "", 1);
	assert_true(style_of_pty(TEXT_AUTO).colour);
	setenv("TERM", "dumb", 1);
	assert_false(style_of_pty(TEXT_AUTO).colour);
}

static bool utf8_with(const char *all, const char *ctype, const char *lang)
{
	struct text_style style;

	setenv("LC_ALL", all, 1);
	setenv("LC_CTYPE", ctype, 1);
	setenv("LANG", lang, 1);
	text_style_init(&style, TEXT_NEVER, -1);
	return style.utf8;
}

static void test_utf8_locale(void **state)
{
	(void)state;
	assert_true(utf8_with("", "", "en_US.UTF-8"));
	assert_true(utf8_with("", "", "C.utf8"));
	assert_false(utf8_with("", "", "C"));
	assert_false(utf8_with("", "", ""));
	assert_false(utf8_with("C", "en_US.UTF-8", "en_US.UTF-8"));
	assert_false(utf8_with("", "de_DE.ISO-8859-1", "en_US.UTF-8"));
	assert_true(utf8_with("", "de_DE.UTF-8@euro", "C"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape_plain),
		cmocka_unit_test(test_escape_controls),
		cmocka_unit_test(test_escape_deceivers),
		cmocka_unit_test(test_escape_invalid),
		cmocka_unit_test(test_escape_ascii_terminal),
		cmocka_unit_test(test_escape_bounds),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_style),
		cmocka_unit_test(test_utf8_locale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
