/* SPDX-License-Identifier: BSD-2-Clause */
/* Lengths of time, counts and shares as text, and lengths of time from text: every edge of rounding and range. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"

static void parses(const char *s, uint64_t want)
{
	uint64_t ns = 0;

	if (units_parse_duration(s, &ns))
		fail_msg("\"%s\" was refused", s);
	assert_int_equal(ns, want);
}

static void refuses(const char *s, int want)
{
	uint64_t ns = 77;

	assert_int_equal(units_parse_duration(s, &ns), want);
	assert_int_equal(ns, 77);
}

static void test_parse(void **state)
{
	(void)state;
	parses("100ms", 100000000);
	parses("1.5ms", 1500000);
	parses("250us", 250000);
	parses("250\u00b5s", 250000);
	parses("800ns", 800);
	parses("2m", 120000000000);
	parses("0s", 0);
	parses("20 ms", 20000000);
	parses("0.000000001s", 1);
}

static void test_parse_errors(void **state)
{
	static const char *const bad[] = {"",     "100",     "0",   "ms",   "-1ms",  "+1ms",  "1.ms",
					  ".5ms", "1,5ms",   "1h",  "1ms ", "1e3ms", "0x1ms", "1msx",
					  " 1ms", "1.5.5ms", "nan", "1MS",  "1.5ns"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuses(bad[i], -EINVAL);
	refuses("0.0000000001s", -EINVAL);
	refuses("1.10ns", -EINVAL);
}

static void test_parse_range(void **state)
{
	(void)state;
	parses("18446744073709551615ns", UINT64_MAX);
	parses("18446744073.709551615s", UINT64_MAX);
	refuses("18446744073709551616ns", -ERANGE);
	refuses("18446744073.709551616s", -ERANGE);
	refuses("99999999999999999999999ms", -ERANGE);
	refuses("99999999999999999999999", -EINVAL);
	refuses("307445735m", -ERANGE);
}

static void formats(uint64_t ns, const char *brief, const char *table)
{
	char buf[UNITS_LEN];

	assert_string_equal(units_format_duration(buf, sizeof(buf), ns), brief);
	assert_string_equal(units_format_duration_table(buf, sizeof(buf), ns), table);
}

static void test_format_duration(void **state)
{
	(void)state;
	formats(0, "0 ns", "   0 ns");
	formats(999, "999 ns", " 999 ns");
	formats(1000, "1 us", "1.00 us");
	formats(1499, "1.50 us", "1.50 us");
	formats(1500, "1.5 us", "1.50 us");
	formats(9994, "9.99 us", "9.99 us");
	formats(9995, "10.0 us", "10.0 us");
	formats(99949, "99.9 us", "99.9 us");
	formats(99950, "100 us", " 100 us");
	formats(999499, "999 us", " 999 us");
	formats(999500, "1.00 ms", "1.00 ms");
	formats(870000, "870 us", " 870 us");
	formats(104123456, "104 ms", " 104 ms");
	formats(20000000, "20 ms", "20.0 ms");
	formats(1523456789, "1.52 s", " 1.52 s");
	formats(999499999999, "999 s", "  999 s");
	formats(999500000000, "16m39s", " 16m39s");
	formats(5999000000000, "99m59s", " 99m59s");
	formats(6000000000000, "1h40m", "  1h40m");
	formats(UINT64_MAX, "5124095h34m", "5124095h34m");
}

static void counts(uint64_t n, const char *want)
{
	char buf[UNITS_LEN];

	assert_string_equal(units_format_count(buf, sizeof(buf), n), want);
}

static void test_format_count(void **state)
{
	(void)state;
	counts(0, "0");
	counts(99999, "99999");
	counts(100000, "100k");
	counts(123456, "123k");
	counts(999499, "999k");
	counts(999500, "1.00M");
	counts(1520000, "1.52M");
	counts(12345678901, "12.3G");
	counts(UINT64_MAX, "18.4E");
}

static void parses_size(const char *s, int want, uint64_t want_bytes)
{
	uint64_t bytes = 0;

	assert_int_equal(units_parse_size(s, &bytes), want);
	if (!want)
		assert_int_equal(bytes, want_bytes);
}

static void test_parse_size(void **state)
{
	(void)state;
	parses_size("0", 0, 0);
	parses_size("4096", 0, 4096);
	parses_size("4096B", 0, 4096);
	parses_size("1k", 0, 1024);
	parses_size("100M", 0, 104857600);
	parses_size("100MB", 0, 100000000);
	parses_size("100 MiB", 0, 104857600);
	parses_size("2G", 0, 2147483648);
	parses_size("16777215T", 0, 16777215ull << 40);
	parses_size("16777216T", -ERANGE, 0);
	parses_size("99999999999999999999", -ERANGE, 0);
	parses_size("", -EINVAL, 0);
	parses_size("M", -EINVAL, 0);
	parses_size("-1M", -EINVAL, 0);
	parses_size("1.5M", -EINVAL, 0);
	parses_size("1Mi", -EINVAL, 0);
	parses_size("1iB", -EINVAL, 0);
	parses_size("1MBs", -EINVAL, 0);
	parses_size("1X", -EINVAL, 0);
}

static void sizes(uint64_t bytes, const char *want)
{
	char buf[UNITS_LEN];

	assert_string_equal(units_format_size(buf, sizeof(buf), bytes), want);
}

static void test_format_size(void **state)
{
	(void)state;
	sizes(0, "0 B");
	sizes(999, "999 B");
	sizes(1000, "1 kB");
	sizes(1520000, "1.52 MB");
	sizes(999499999, "999 MB");
	sizes(2000000000, "2 GB");
	sizes(UINT64_MAX, "18.4 EB");
}

static void share(uint64_t part, uint64_t whole, const char *want)
{
	char buf[UNITS_LEN];

	assert_string_equal(units_format_percent(buf, sizeof(buf), part, whole), want);
}

static void test_format_percent(void **state)
{
	(void)state;
	share(0, 0, "-");
	share(0, 10, "0%");
	share(1, 1000000, "<0.1%");
	share(372, 1000, "37.2%");
	share(1, 1, "100%");
	share(UINT64_MAX, UINT64_MAX, "100%");
	share(UINT64_MAX / 2, UINT64_MAX, "50.0%");
}

static void test_small_buffer(void **state)
{
	char buf[4] = "xyz";

	(void)state;
	assert_string_equal(units_format_duration(buf, sizeof(buf), 104123456), "104");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),        cmocka_unit_test(test_parse_errors),
		cmocka_unit_test(test_parse_range),  cmocka_unit_test(test_format_duration),
		cmocka_unit_test(test_format_count), cmocka_unit_test(test_format_percent),
		cmocka_unit_test(test_small_buffer), cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_format_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
