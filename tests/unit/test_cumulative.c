/* SPDX-License-Identifier: BSD-2-Clause */
/* --cumulative: small holds that add up, with whose they were; what is a stall, or too old, or too small, is not added.
 */
#include "model_stream.h"

struct told_share {
	char name[MODEL_METHOD_LEN + MODEL_PATH_LEN];
	uint64_t nr_holds;
	uint64_t sum_ns;
	char first_id[MODEL_ID_LEN];
	unsigned nr_ids;
};

/* The newest sum that was told. */
struct told_sum {
	struct model_cumulative sum;
	struct told_share shares[MODEL_MAX_SHARES];
	unsigned nr_told;
};

static struct told_sum told;

static void on_cumulative(void *arg, const struct model_cumulative *sum)
{
	(void)arg;
	told.sum = *sum;
	told.nr_told++;
	for (unsigned i = 0; i < sum->nr_shares; i++) {
		const struct model_share *share = &sum->shares[i];

		strcpy(told.shares[i].name, share->method ? share->method : "nobody");
		if (share->route)
			strcat(strcat(told.shares[i].name, " "), share->route);
		told.shares[i].nr_holds = share->nr_holds;
		told.shares[i].sum_ns = share->sum_ns;
		told.shares[i].nr_ids = share->nr_ids;
		strcpy(told.shares[i].first_id, share->nr_ids ? share->ids[0] : "");
	}
}

static struct stream *sum_stream(const struct model_filter *filter)
{
	const struct model_opts opts = {
		.threshold_ns = 20 * MS,
		.cumulative_ns = 200 * MS,
		.cumulative_window_ns = 1000 * MS,
		.filter = filter,
	};
	const struct model_sink sink = {.stall = stream_on_stall, .cumulative = on_cumulative};
	struct stream *s = stream_open_sink(&opts, sink, LG_RT_NGINX);

	memset(&told, 0, sizeof(told));
	conn_seen(s, 1, LG_CONN_SEEN, LG_TARGET_INET);
	return s;
}

#define GET(path, id) "GET " path " HTTP/1.1\r\nX-Request-ID: " id "\r\n\r\n"

/* 5 ms, 40 times a second, is told, and each culprit named. */
static void test_many_small_holds(void **state)
{
	struct stream *s = sum_stream(NULL);

	(void)state;
	for (unsigned i = 0; i < 39; i++) {
		request_ms(s, 1, i % 4 ? GET("/a", "a-1") : GET("/b/7", "b-1"), 5);
		run_ms(s, 15);
		assert_int_equal(told.nr_told, 0);
	}
	request_ms(s, 1, GET("/a", "a-1"), 5);
	assert_int_equal(told.nr_told, 1);
	assert_int_equal(s->nr_stalls, 0);
	assert_int_equal(told.sum.sum_ns, 200 * MS);
	assert_int_equal(told.sum.nr_holds, 40);
	assert_in_range(told.sum.duration_ns, 900 * MS, 1000 * MS);
	assert_int_equal(told.sum.nr_shares, 2);
	assert_string_equal(told.shares[0].name, "GET /a");
	assert_int_equal(told.shares[0].nr_holds, 30);
	assert_int_equal(told.shares[0].sum_ns, 150 * MS);
	assert_int_equal(told.shares[0].nr_ids, MODEL_SHARE_IDS);
	assert_string_equal(told.shares[1].name, "GET /b/{n}");
	assert_string_equal(told.shares[1].first_id, "b-1");
	/* From zero again. */
	for (unsigned i = 0; i < 39; i++)
		request_ms(s, 1, GET("/a", "a-1"), 5);
	assert_int_equal(told.nr_told, 1);
	request_ms(s, 1, GET("/a", "a-1"), 5);
	assert_int_equal(told.nr_told, 2);
	stream_free(s);
}

static void test_old_ones_fall_out(void **state)
{
	struct stream *s = sum_stream(NULL);

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		request_ms(s, 1, GET("/a", "a"), 5);
		run_ms(s, 20); /* a turn each 30 ms: 33 a second */
	}
	assert_int_equal(told.nr_told, 0);
	stream_free(s);
}

/* A loop at its work is no alarm, however busy it is. */
static void test_tiny_ones_do_not_count(void **state)
{
	struct stream *s = sum_stream(NULL);

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		turn_follow(s);
		io_read(s, 1, GET("/a", "a"));
		s->now_ns += 900000;
		io_write(s, 1, RESPONSE_200);
		turn_stop(s);
	}
	assert_int_equal(told.nr_told, 0);
	stream_free(s);
}

/* 5 ms, 100 times a second, of which the code had the CPU for half a millisecond: others are to blame. */
static void test_jitter_of_a_busy_host_does_not_count(void **state)
{
	struct stream *s = sum_stream(NULL);
	struct lg_rec_off off = {.nr_preempts = 1};

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		turn_follow(s);
		io_read(s, 1, GET("/a", "a"));
		s->now_ns += 5 * MS;
		off.runqueue_ns = i % 2 ? 9 * MS / 2 : 2 * MS;
		off.throttled_ns = i % 2 ? 0 : 5 * MS / 2;
		off_cpu(s, &off);
		io_write(s, 1, RESPONSE_200);
		turn_stop(s);
		run_ms(s, 5);
	}
	assert_int_equal(told.nr_told, 0);
	/* Of 6 ms that were half its own, half count. */
	off = (struct lg_rec_off){.runqueue_ns = 3 * MS, .nr_preempts = 1};
	for (unsigned i = 0; !told.nr_told && i < 100; i++) {
		turn_follow(s);
		io_read(s, 1, GET("/a", "a"));
		s->now_ns += 6 * MS;
		off_cpu(s, &off);
		io_write(s, 1, RESPONSE_200);
		turn_stop(s);
	}
	assert_in_range(told.sum.sum_ns, 200 * MS, 203 * MS);
	assert_int_equal(told.sum.nr_holds, 67);
	stream_free(s);
}

/* A stall is told by itself; its time is not in the sum, nor that of the runs of a turn that is told as a whole. */
static void test_stalls_are_not_counted_twice(void **state)
{
	struct stream *s = sum_stream(NULL);

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		request_ms(s, 1, GET("/long", "long"), 60);
	assert_int_equal(s->nr_stalls, 5);
	assert_int_equal(told.nr_told, 0);
	conn_seen(s, 2, LG_CONN_SEEN, LG_TARGET_INET);
	for (unsigned i = 0; i < 10; i++) {
		turn_start(s);
		for (unsigned n = 0; n < 4; n++) {
			io_read(s, 1 + n % 2, n % 2 ? GET("/two", "two") : GET("/one", "one"));
			run_ms(s, 10);
			io_write(s, 1 + n % 2, RESPONSE_200);
		}
		turn_stop(s);
	}
	assert_int_equal(s->nr_stalls, 15);
	assert_int_equal(told.nr_told, 0);
	stream_free(s);
}

static void test_nobodys(void **state)
{
	struct stream *s = sum_stream(NULL);

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		turn_start(s);
		run_ms(s, 10);
		turn_stop(s);
	}
	assert_int_equal(told.nr_told, 1);
	assert_string_equal(told.shares[0].name, "nobody");
	assert_int_equal(told.shares[0].nr_holds, 20);
	stream_free(s);
}

static void test_filter(void **state)
{
	static const char *const excluded[] = {"/health*", NULL};
	const struct model_filter filter = {.exclude_paths = excluded};
	struct stream *s = sum_stream(&filter);

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		request_ms(s, 1, GET("/healthz", "h"), 10);
	assert_int_equal(told.nr_told, 0);
	stream_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_small_holds),
		cmocka_unit_test(test_old_ones_fall_out),
		cmocka_unit_test(test_tiny_ones_do_not_count),
		cmocka_unit_test(test_jitter_of_a_busy_host_does_not_count),
		cmocka_unit_test(test_stalls_are_not_counted_twice),
		cmocka_unit_test(test_nobodys),
		cmocka_unit_test(test_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
