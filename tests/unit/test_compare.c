/* SPDX-License-Identifier: BSD-2-Clause */
/* When two runs differ by more than chance: the rules of compare.h, held against samples drawn from known ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/compare.h"
#include "render/compare_rows.h"

#define MS 1000000ull

/* `nr` stalls of `ms` each in so many units. */
static struct compare_sum sum(uint64_t nr, uint64_t ms, double units)
{
	double seconds = (double)ms / 1000;

	return (struct compare_sum){nr, nr * ms * MS, (double)nr * seconds * seconds, units};
}

static enum compare_verdict sums(struct compare_sum a, struct compare_sum b)
{
	return compare_sums(&a, &b);
}

static void sums_of_few_stalls_say_nothing(void **state)
{
	(void)state;
	assert_int_equal(sums(sum(0, 0, 100), sum(4, 100, 100)), COMPARE_FEW);
	assert_int_equal(sums(sum(2, 100, 100), sum(2, 900, 100)), COMPARE_FEW);
	assert_int_equal(sums(sum(9, 100, 100), sum(0, 0, 0)), COMPARE_FEW);
	assert_int_equal(sums(sum(0, 0, 0), sum(0, 0, 5)), COMPARE_FEW);
	assert_int_equal(sums(sum(0, 0, 5), sum(0, 0, 5)), COMPARE_SAME);
}

static void sums_differ_beyond_chance(void **state)
{
	(void)state;
	assert_int_equal(sums(sum(0, 0, 100), sum(5, 100, 100)), COMPARE_MORE);
	assert_int_equal(sums(sum(5, 100, 100), sum(0, 0, 100)), COMPARE_LESS);
	/* 10 and 14 are one Poisson number; 100 and 140 are two. */
	assert_int_equal(sums(sum(10, 100, 100), sum(14, 100, 100)), COMPARE_SAME);
	assert_int_equal(sums(sum(100, 100, 100), sum(140, 100, 100)), COMPARE_MORE);
	/* Twice the stalls of twice the requests are the same; as many stalls, each longer, are more. */
	assert_int_equal(sums(sum(100, 100, 100), sum(200, 100, 200)), COMPARE_SAME);
	assert_int_equal(sums(sum(100, 100, 100), sum(100, 200, 100)), COMPARE_MORE);
	/* One long stall among many short ones may be chance. */
	struct compare_sum a = sum(50, 10, 100), b = sum(50, 10, 100);

	b.nr_stalls++;
	b.stall_ns += 1000 * MS;
	b.squares += 1;
	assert_int_equal(sums(a, b), COMPARE_SAME);
}

/* `n` holds, evenly from `low` to `high` ms. */
static struct hist hist_even(unsigned n, uint64_t low, uint64_t high)
{
	struct hist h = {};

	for (unsigned i = 0; i < n; i++)
		hist_add(&h, (low + (high - low) * i / n) * MS);
	return h;
}

static enum compare_verdict quantiles(struct hist a, struct hist b, double q)
{
	return compare_quantiles(&a, &b, q);
}

static void quantiles_need_samples(void **state)
{
	(void)state;
	assert_int_equal(quantiles(hist_even(7, 1, 2), hist_even(1000, 10, 20), 0.5), COMPARE_FEW);
	assert_int_equal(quantiles(hist_even(8, 1, 2), hist_even(8, 10, 20), 0.5), COMPARE_MORE);
	assert_int_equal(quantiles(hist_even(395, 1, 2), hist_even(1000, 10, 20), 0.99), COMPARE_FEW);
	assert_int_equal(quantiles(hist_even(396, 1, 2), hist_even(396, 10, 20), 0.99), COMPARE_MORE);
	assert_int_equal(quantiles(hist_even(0, 1, 2), hist_even(0, 1, 2), 0.5), COMPARE_FEW);
}

static void quantiles_differ_beyond_chance(void **state)
{
	(void)state;
	assert_int_equal(quantiles(hist_even(10000, 1, 100), hist_even(10000, 1, 100), 0.5), COMPARE_SAME);
	assert_int_equal(quantiles(hist_even(10000, 1, 100), hist_even(10000, 1, 130), 0.5), COMPARE_MORE);
	assert_int_equal(quantiles(hist_even(10000, 1, 130), hist_even(10000, 1, 100), 0.5), COMPARE_LESS);
	assert_int_equal(quantiles(hist_even(20, 1, 100), hist_even(20, 1, 130), 0.5), COMPARE_SAME);
}

/* Two samples of one distribution are told to differ in about one of twenty cases at most. */
static void chance_is_seldom_told(void **state)
{
	unsigned wrong_sums = 0, wrong_quantiles = 0;

	(void)state;
	srand(5);
	for (int n = 0; n < 400; n++) {
		struct compare_sum s[2] = {{.units = 1000}, {.units = 1000}};
		struct hist h[2] = {};

		for (int side = 0; side < 2; side++) {
			for (int i = 0; i < 1000; i++) {
				uint64_t ms = 1 + (uint64_t)(rand() % 100) * (uint64_t)(rand() % 100) / 50;

				hist_add(&h[side], ms * MS);
				if (rand() % 50)
					continue;
				s[side].nr_stalls++;
				s[side].stall_ns += ms * MS;
				s[side].squares += (double)ms * (double)ms / 1e6;
			}
		}
		wrong_sums += compare_sums(&s[0], &s[1]) != COMPARE_SAME;
		wrong_quantiles += compare_quantiles(&h[0], &h[1], 0.5) != COMPARE_SAME;
	}
	assert_in_range(wrong_sums, 4, 30);
	assert_true(wrong_quantiles < 20);
}

static void routes_of_both_stand_once(void **state)
{
	struct model_route a[] = {{.method = "GET", .route = "/both", .count = 1}, {.method = "GET", .route = "/gone"}};
	struct model_route b[] = {{.method = "GET", .route = "/new", .count = 9, .stall_ns = 5 * MS, .nr_stalls = 1},
				  {.method = "GET", .route = "/both", .count = 2},
				  {.method = "PUT", .route = "/both"}};
	struct model_summary sa = {.routes = a, .nr_routes = 2, .end_ns = MS};
	struct model_summary sb = {.routes = b, .nr_routes = 3, .end_ns = MS};
	struct compare_side sides[2] = {{.summary = &sa}, {.summary = &sb}};
	struct compare_rows rows;

	(void)state;
	assert_int_equal(compare_rows_make(&rows, sides), 0);
	assert_int_equal(rows.nr_routes, 4);
	assert_string_equal(rows.routes[0].name->route, "/new");
	assert_int_equal(rows.routes[0].sides[0]->count, 0);
	assert_string_equal(rows.routes[1].name->route, "/both");
	assert_ptr_equal(rows.routes[1].sides[0], &a[0]);
	assert_ptr_equal(rows.routes[1].sides[1], &b[1]);
	compare_rows_fini(&rows);
	sa.nr_routes = sb.nr_routes = 0;
	assert_int_equal(compare_rows_make(&rows, sides), 0);
	assert_int_equal(rows.nr_routes, 0);
	compare_rows_fini(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_of_few_stalls_say_nothing), cmocka_unit_test(sums_differ_beyond_chance),
		cmocka_unit_test(quantiles_need_samples),         cmocka_unit_test(quantiles_differ_beyond_chance),
		cmocka_unit_test(chance_is_seldom_told),          cmocka_unit_test(routes_of_both_stand_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
