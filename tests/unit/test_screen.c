/* SPDX-License-Identifier: BSD-2-Clause */
/* The grid: text is cut at its edges, wide and combining characters keep their columns, rows are copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/screen.h"

static void screen_is(const struct screen *s, bool colour, const char *wanted)
{
	struct text_style style = {.colour = colour, .utf8 = true};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	screen_print(s, &style, out);
	fclose(out);
	assert_string_equal(text, wanted);
	free(text);
}

static void test_edges(void **state)
{
	struct screen s;

	(void)state;
	assert_int_equal(screen_init(&s, 2, 5, true), 0);
	assert_int_equal(screen_put(&s, 0, 3, TEXT_PLAIN, "abcdef"), 9);
	screen_put(&s, 1, -2, TEXT_PLAIN, "abcd");
	screen_put(&s, 2, 0, TEXT_PLAIN, "below");
	screen_put(&s, -1, 0, TEXT_PLAIN, "above");
	screen_is(&s, false, "   ab\ncd\n");
	assert_null(screen_cell(&s, 2, 0));
	screen_fini(&s);
}

static void test_wide_characters(void **state)
{
	struct screen s;

	(void)state;
	assert_int_equal(screen_init(&s, 1, 5, true), 0);
	/* The second one would stand on the edge. */
	screen_put(&s, 0, 0, TEXT_PLAIN, "e\u0301x\u4e00\u4e00");
	assert_string_equal(screen_cell(&s, 0, 0)->text, "e\u0301");
	assert_string_equal(screen_cell(&s, 0, 3)->text, "");
	assert_string_equal(screen_cell(&s, 0, 4)->text, " ");
	screen_is(&s, false, "e\u0301x\u4e00\n");
	screen_fini(&s);
}

static void test_attributes(void **state)
{
	struct screen s;

	(void)state;
	assert_int_equal(screen_init(&s, 1, 4, true), 0);
	screen_put(&s, 0, 0, TEXT_RED, "a");
	screen_put(&s, 0, 1, TEXT_PLAIN, "b");
	screen_is(&s, true, "\x1b[31ma\x1b[0mb\n");
	screen_is(&s, false, "ab\n");
	screen_row(&s, 0, SCREEN_REVERSE);
	screen_is(&s, true, "\x1b[7mab  \x1b[0m\n");
	screen_fini(&s);
}

static void test_copy(void **state)
{
	struct screen s, page;

	(void)state;
	assert_int_equal(screen_init(&s, 3, 2, true), 0);
	assert_int_equal(screen_init(&page, 4, 2, true), 0);
	for (int i = 0; i < 4; i++)
		screen_printf(&page, i, 0, TEXT_PLAIN, "%d", i);
	screen_copy(&s, 1, &page, 2, 5);
	screen_is(&s, false, "\n2\n3\n");
	screen_fini(&page);
	screen_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_wide_characters),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
