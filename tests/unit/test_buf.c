/* SPDX-License-Identifier: BSD-2-Clause */
/* The growable byte buffer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void grows_and_ends_with_nul(void **state)
{
	struct buf b = {0};
	char byte;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		byte = (char)i;
		assert_int_equal(buf_add(&b, &byte, 1), 0);
		assert_int_equal(b.data[b.len], 0);
	}
	assert_int_equal(b.len, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(b.data[i], (char)i);
	buf_fini(&b);
	assert_null(b.data);
	buf_fini(&b);
}

static void adds_nothing(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_add(&b, NULL, 0), 0);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	buf_fini(&b);
}

static void prints(void **state)
{
	struct buf b = {0};
	char expected[4096] = "";

	(void)state;
	for (int i = 0; i < 300; i++) {
		assert_int_equal(buf_printf(&b, "%d,%s;", i, "ab"), 0);
		sprintf(expected + strlen(expected), "%d,ab;", i);
	}
	assert_string_equal(b.data, expected);
	assert_int_equal(b.len, strlen(expected));
	buf_fini(&b);
}

static void takes_nothing_after_it_failed(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_printf(&b, "kept"), 0);
	assert_int_equal(buf_add(&b, "", SIZE_MAX / 2), -ENOMEM);
	assert_true(b.failed);
	assert_int_equal(buf_add(&b, "x", 1), -ENOMEM);
	assert_int_equal(buf_printf(&b, "x"), -ENOMEM);
	assert_string_equal(b.data, "kept");
	buf_fini(&b);
	assert_int_equal(buf_printf(&b, "x"), 0);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_ends_with_nul),
		cmocka_unit_test(adds_nothing),
		cmocka_unit_test(prints),
		cmocka_unit_test(takes_nothing_after_it_failed),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
