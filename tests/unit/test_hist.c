/* SPDX-License-Identifier: BSD-2-Clause */
/* The bucket table against its definition, and counting, merging and quantiles over it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hist.h"

#define US 1000ull
#define MS 1000000ull

static int edge_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The union of 2^(i/8), i = 80..296, and 1, 2.5, 5 * 10^k, 1 us to 100 s. */
static unsigned edges_compute(uint64_t *edges)
{
	unsigned n = 0, unique = 0;

	for (int i = 80; i <= 296; i++)
		edges[n++] = (uint64_t)llroundl(powl(2, i / 8.0L));
	for (uint64_t decade = 1000; decade <= 100000000000; decade *= 10) {
		edges[n++] = decade;
		if (decade < 100000000000) {
			edges[n++] = decade / 2 * 5;
			edges[n++] = decade * 5;
		}
	}
	qsort(edges, n, sizeof(*edges), edge_compare);
	for (unsigned i = 0; i < n; i++)
		if (!unique || edges[i] != edges[unique - 1])
			edges[unique++] = edges[i];
	return unique;
}

static void table_is_as_defined(void **state)
{
	uint64_t edges[512];

	(void)state;
	assert_int_equal(edges_compute(edges), LG_NR_EDGES);
	for (unsigned i = 0; i < LG_NR_EDGES; i++)
		assert_int_equal(lg_hist_edges[i], edges[i]);
	for (unsigned i = LG_NR_EDGES; i < 256; i++)
		assert_true(lg_hist_edges[i] == LG_HIST_PAD);
}

static void bucket_holds_its_upper_edge(void **state)
{
	(void)state;
	assert_int_equal(lg_hist_bucket(0), 0);
	for (unsigned i = 0; i < LG_NR_EDGES; i++) {
		assert_int_equal(lg_hist_bucket(lg_hist_edges[i] - 1), i);
		assert_int_equal(lg_hist_bucket(lg_hist_edges[i]), i);
		assert_int_equal(lg_hist_bucket(lg_hist_edges[i] + 1), i + 1);
	}
	assert_int_equal(lg_hist_bucket(LG_HIST_PAD - 1), LG_NR_EDGES);
}

/* User space finds the buckets in another way. */
static void test_add_finds_the_same_buckets(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LG_NR_EDGES; i++)
		for (uint64_t ns = lg_hist_edges[i] - 1; ns <= lg_hist_edges[i] + 1; ns++) {
			struct hist h = {0};

			hist_add(&h, ns);
			assert_int_equal(h.buckets[lg_hist_bucket(ns)], 1);
		}
	for (uint64_t ns = 1; ns < LG_HIST_PAD / 2; ns *= 2) {
		struct hist h = {0};

		hist_add(&h, ns);
		hist_add(&h, ns - 1);
		assert_in_range(h.buckets[lg_hist_bucket(ns)], 1, 2);
		assert_in_range(h.buckets[lg_hist_bucket(ns - 1)], 1, 2);
	}
}

static void edges_of_a_bucket(void **state)
{
	(void)state;
	assert_int_equal(hist_lower_ns(0), 0);
	assert_int_equal(hist_upper_ns(0), 1 * US);
	assert_int_equal(hist_lower_ns(1), 1 * US);
	assert_int_equal(hist_upper_ns(1), 1024);
	assert_int_equal(hist_lower_ns(LG_NR_EDGES), 137438953472ull);
	assert_true(hist_upper_ns(LG_NR_EDGES) == UINT64_MAX);
}

static void add_counts(void **state)
{
	struct hist h = {0};

	(void)state;
	hist_add(&h, 3 * MS);
	hist_add(&h, 1 * MS);
	hist_add(&h, 200000 * MS);
	assert_int_equal(h.count, 3);
	assert_int_equal(h.sum_ns, 200004 * MS);
	assert_int_equal(h.max_ns, 200000 * MS);
	assert_int_equal(h.buckets[lg_hist_bucket(3 * MS)], 1);
	assert_int_equal(h.buckets[LG_NR_EDGES], 1);
}

static void add_takes_any_number(void **state)
{
	struct hist h = {0};

	(void)state;
	hist_add(&h, UINT64_MAX); /* from a damaged recording */
	hist_add(&h, LG_HIST_PAD);
	assert_int_equal(h.buckets[LG_NR_EDGES], 2);
	assert_true(h.max_ns == UINT64_MAX);
	assert_true(hist_quantile(&h, 1) > 137438953472ull - 1);
}

static void quantiles(void **state)
{
	struct hist h = {0};

	(void)state;
	assert_int_equal(hist_quantile(&h, 0.5), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		hist_add(&h, i * MS);
	/* A bucket is at most 9.1 % wide, and its values are spread evenly here. */
	assert_in_range(hist_quantile(&h, 0.5), 497 * MS, 503 * MS);
	assert_in_range(hist_quantile(&h, 0.99), 985 * MS, 995 * MS);
	assert_int_equal(hist_quantile(&h, 1), 1000 * MS);
	assert_int_equal(hist_quantile(&h, 7), 1000 * MS);
	assert_true(hist_quantile(&h, 0) <= 1 * MS);
	assert_true(hist_quantile(&h, -1) <= 1 * MS);
	for (double q = 0; q < 1; q += 0.01)
		assert_true(hist_quantile(&h, q) <= hist_quantile(&h, q + 0.01));
}

static void quantile_never_passes_the_maximum(void **state)
{
	struct hist h = {0};

	(void)state;
	hist_add(&h, 101 * MS);
	assert_int_equal(hist_quantile(&h, 1), 101 * MS);
	assert_true(hist_quantile(&h, 0.5) <= 101 * MS);
	hist_add(&h, 500000 * MS); /* longer than every edge */
	assert_int_equal(hist_quantile(&h, 1), 500000 * MS);
}

static void quantile_without_a_maximum(void **state)
{
	struct hist h = {.count = 2};

	(void)state;
	h.buckets[lg_hist_bucket(100 * MS)] = 1;
	assert_int_equal(hist_quantile(&h, 1), 100 * MS); /* its upper edge */
	h.buckets[LG_NR_EDGES] = 1;
	assert_int_equal(hist_quantile(&h, 1), 137438953472ull); /* no upper edge: the lower one */
}

static void quantile_goes_by_the_buckets(void **state)
{
	struct hist h = {.count = 1000}; /* torn: the counts were read later */

	(void)state;
	h.buckets[5] = 10;
	assert_int_equal(hist_quantile(&h, 1), hist_upper_ns(5));
	assert_in_range(hist_quantile(&h, 0.5), hist_lower_ns(5), hist_upper_ns(5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_finds_the_same_buckets),
		cmocka_unit_test(table_is_as_defined),
		cmocka_unit_test(bucket_holds_its_upper_edge),
		cmocka_unit_test(edges_of_a_bucket),
		cmocka_unit_test(add_counts),
		cmocka_unit_test(add_takes_any_number),
		cmocka_unit_test(quantiles),
		cmocka_unit_test(quantile_never_passes_the_maximum),
		cmocka_unit_test(quantile_without_a_maximum),
		cmocka_unit_test(quantile_goes_by_the_buckets),
	};

	return cmocka_run_group_tests_name("hist", tests, NULL, NULL);
}
