/* SPDX-License-Identifier: BSD-2-Clause */
/* --threshold auto: the formula, what must not move it, and that the model's stalls go by it. */
#include "model_stream.h"

#include "model/baseline.h"

#define S  (1000 * MS)
#define US 1000ull

/* `nr` turns of one length in each of some seconds. */
static void seconds_add(struct baseline *b, uint64_t *now_ns, unsigned seconds, unsigned nr, uint64_t length_ns)
{
	for (unsigned i = 0; i < seconds; i++) {
		for (unsigned n = 0; n < nr; n++)
			baseline_add(b, length_ns, *now_ns);
		*now_ns += S;
	}
}

static void test_bounds(void **state)
{
	struct baseline b;
	uint64_t now_ns = S;

	(void)state;
	baseline_init(&b);
	assert_int_equal(b.threshold_ns, BASELINE_START_NS);
	/* Too few to know. */
	for (unsigned i = 0; i < BASELINE_MIN_TURNS - 1; i++)
		baseline_add(&b, 100 * US, now_ns);
	assert_int_equal(b.threshold_ns, BASELINE_START_NS);
	seconds_add(&b, &now_ns, 1, 50, 100 * US);
	assert_int_equal(b.threshold_ns, BASELINE_FLOOR_NS);
	/* A service whose turns take 5 ms: 8 times that. */
	baseline_init(&b);
	seconds_add(&b, &now_ns, 10, 100, 5 * MS);
	assert_int_equal(b.threshold_ns, 40 * MS);
	/* It becomes slower, within what is healthy, for good: the threshold follows, up to the ceiling. */
	seconds_add(&b, &now_ns, 300, 100, 35 * MS);
	assert_in_range(b.threshold_ns, 280 * MS, 310 * MS);
	seconds_add(&b, &now_ns, 300, 20, 250 * MS);
	assert_int_equal(b.threshold_ns, BASELINE_CEILING_NS);
}

/* However often it stalls, a stall is never normal. */
static void test_stalls_do_not_feed(void **state)
{
	struct baseline b;
	uint64_t now_ns = S;

	(void)state;
	baseline_init(&b);
	seconds_add(&b, &now_ns, 10, 100, 1 * MS);
	for (unsigned i = 0; i < 600; i++) {
		seconds_add(&b, &now_ns, 1, 10, 60 * MS);
		for (unsigned n = 0; n < 5; n++)
			baseline_add(&b, 1 * MS, now_ns);
		assert_in_range(b.threshold_ns, BASELINE_FLOOR_NS, BASELINE_FLOOR_NS);
	}
	/* Nor where it was met in the middle of them. */
	baseline_init(&b);
	for (unsigned i = 0; i < 60; i++) {
		seconds_add(&b, &now_ns, 1, 5, 60 * MS);
		seconds_add(&b, &now_ns, 1, 20, 1 * MS);
	}
	assert_int_equal(b.threshold_ns, BASELINE_FLOOR_NS);
}

/* A busy host makes one turn in thirty late by some ms: no reason to be told, and none to raise the threshold. */
static void test_jitter(void **state)
{
	struct baseline b;
	uint64_t now_ns = S;

	(void)state;
	baseline_init(&b);
	for (unsigned i = 0; i < 300; i++) {
		seconds_add(&b, &now_ns, 1, 29, 2 * MS);
		baseline_add(&b, 8 * MS, now_ns);
		assert_true(b.threshold_ns > 8 * MS);
	}
	assert_in_range(b.threshold_ns, 16 * MS, 18 * MS);
}

static void test_old_turns_fade(void **state)
{
	struct baseline b;
	uint64_t now_ns = S;

	(void)state;
	baseline_init(&b);
	seconds_add(&b, &now_ns, 60, 100, 5 * MS);
	assert_int_equal(b.threshold_ns, 40 * MS);
	seconds_add(&b, &now_ns, 10 * BASELINE_HALF_S, 10, 2 * MS);
	assert_in_range(b.threshold_ns, 16 * MS, 18 * MS);
}

/* Counters of a slot go the same way as turns. */
static void test_feed(void **state)
{
	uint64_t before[LG_NR_BUCKETS] = {0};
	__u64 now[LG_NR_BUCKETS] = {0};
	struct baseline b;

	(void)state;
	baseline_init(&b);
	before[lg_hist_bucket(5 * MS)] = 1000;
	now[lg_hist_bucket(5 * MS)] = 1100;
	now[lg_hist_bucket(90 * MS)] = 500; /* before anything is known: too long to learn from */
	baseline_feed(&b, before, now, S);
	assert_int_equal(b.threshold_ns, 40 * MS);
	assert_in_range((uint64_t)b.count, 100, 100);
}

/* In the model: a turn of 15 ms is a stall for a loop whose turns are short, and not for one whose turns take 5 ms. */
static void test_model(void **state)
{
	const struct model_opts opts = {.is_auto = true};

	(void)state;
	for (unsigned ms = 1; ms <= 5; ms += 4) {
		struct stream *s = stream_open(&opts, LG_RT_NGINX);

		conn_seen(s, 1, LG_CONN_SEEN, LG_TARGET_INET);
		for (unsigned i = 0; i < 60; i++)
			request_ms(s, 1, "GET /a HTTP/1.1\r\n\r\n", ms);
		request_ms(s, 1, "GET /b HTTP/1.1\r\nX-Request-ID: odd\r\n\r\n", 15);
		assert_int_equal(s->nr_stalls, ms == 1);
		if (ms == 1) {
			assert_stall(s, "odd", 15, EXACT, CPU);
			assert_int_equal(s->stalls[0].stall.threshold_ns, 10 * MS);
		}
		stream_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_stalls_do_not_feed),
		cmocka_unit_test(test_jitter), cmocka_unit_test(test_old_turns_fade),
		cmocka_unit_test(test_feed),   cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
