/* SPDX-License-Identifier: BSD-2-Clause */
/* What was left out to stay within the budget: requests that were in flight then, and the time it was so. */
#include "model_stream.h"

#define CLIENT 11
#define OTHER  12

struct told_budget {
	struct model_budget last;
	unsigned nr;
};

static void level_set(struct stream *s, enum lg_level before, enum lg_level level)
{
	struct lg_rec_budget rec = {.level = level,
				    .before = before,
				    .limit_ppm = 10000,
				    .window_ns = 1000 * MS,
				    .target_ns = 500 * MS,
				    .bpf_ns = 20 * MS,
				    .own_ns = 10 * MS};

	stream_feed(s, &rec.head, LG_REC_BUDGET, sizeof(rec));
}

static struct stream *server_new(void)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	thread_event(s, LG_THREAD_NEW);
	thread_event(s, LG_THREAD_LOOP);
	conn_seen(s, CLIENT, LG_CONN_ACCEPTED, LG_TARGET_INET);
	conn_seen(s, OTHER, LG_CONN_ACCEPTED, LG_TARGET_INET);
	return s;
}

/* A stall as it is told without requests: edges with no bytes of theirs. */
static void blind_stall(struct stream *s, uint64_t ino)
{
	turn_start(s);
	io_blind(s, LG_IO_READ, ino, 80);
	run_ms(s, 40);
	io_blind(s, LG_IO_WRITE, ino, 100);
	turn_stop(s);
}

/* Of requests whose end is not seen nothing is told; stalls go to connections, and none has a victim of before. */
static void test_unread(void **state)
{
	struct stream *s = server_new();

	(void)state;
	turn_start(s);
	io_read(s, CLIENT, "GET /a HTTP/1.1\r\nX-Request-ID: a\r\n\r\n");
	turn_stop(s);
	run_ms(s, 5);
	level_set(s, LG_LEVEL_SAMPLES, LG_LEVEL_REQUESTS);
	blind_stall(s, OTHER);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "c2", 40, EXACT, CPU);
	assert_int_equal(s->stalls[0].stall.nr_victims, 0);
	assert_string_equal(s->stalls[0].request.method, "");
	assert_int_equal(s->nr_requests, 0);
	stream_free(s);
}

/* In the middle of a turn, too. */
static void test_unread_in_a_turn(void **state)
{
	struct stream *s = server_new();

	(void)state;
	turn_start(s);
	io_read(s, CLIENT, "GET /a HTTP/1.1\r\nX-Request-ID: a\r\n\r\n");
	level_set(s, LG_LEVEL_SAMPLES, LG_LEVEL_REQUESTS);
	run_ms(s, 40);
	turn_stop(s);
	assert_int_equal(s->nr_requests, 0);
	assert_int_equal(s->nr_stalls, 1);
	stream_free(s);
}

static void test_read_again(void **state)
{
	struct stream *s = server_new();

	(void)state;
	request_ms(s, CLIENT, "GET /a HTTP/1.1\r\nX-Request-ID: a\r\n\r\n", 1);
	assert_int_equal(s->nr_requests, 1);
	level_set(s, LG_LEVEL_SAMPLES, LG_LEVEL_REQUESTS);
	blind_stall(s, CLIENT);
	level_set(s, LG_LEVEL_REQUESTS, LG_LEVEL_CALLS);
	run_ms(s, 50);
	level_set(s, LG_LEVEL_CALLS, LG_LEVEL_REQUESTS);
	level_set(s, LG_LEVEL_REQUESTS, LG_LEVEL_SAMPLES);
	request_ms(s, CLIENT, "GET /b HTTP/1.1\r\nX-Request-ID: b\r\n\r\n", 30);
	assert_int_equal(s->nr_requests, 2);
	assert_string_equal(s->requests[1].request.id, "b");
	assert_stall(s, "b", 30, EXACT, CPU);
	stream_free(s);
}

static void test_time_at_each_level(void **state)
{
	struct stream *s = server_new();
	struct model_summary sum;

	(void)state;
	run_ms(s, 100);
	level_set(s, LG_LEVEL_FULL, LG_LEVEL_STACKS);
	run_ms(s, 30);
	level_set(s, LG_LEVEL_STACKS, LG_LEVEL_FULL);
	run_ms(s, 200);
	level_set(s, LG_LEVEL_FULL, LG_LEVEL_STACKS);
	run_ms(s, 4);
	assert_int_equal(model_summary(s->model, s->now_ns, &sum), 0);
	assert_int_equal(sum.level_ns[LG_LEVEL_FULL], 300 * MS);
	assert_int_equal(sum.level_ns[LG_LEVEL_STACKS], 34 * MS);
	assert_int_equal(sum.level, LG_LEVEL_STACKS);
	assert_int_equal(sum.limit_ppm, 10000);
	model_summary_fini(&sum);
	assert_int_equal(model_restart(s->model, s->now_ns), 0);
	run_ms(s, 7);
	assert_int_equal(model_summary(s->model, s->now_ns, &sum), 0);
	assert_int_equal(sum.level_ns[LG_LEVEL_FULL], 0);
	assert_int_equal(sum.level_ns[LG_LEVEL_STACKS], 7 * MS);
	model_summary_fini(&sum);
	stream_free(s);
}

/* From a recording of a later version, or a damaged one. */
static void test_unknown_level(void **state)
{
	struct stream *s = server_new();
	struct model_summary sum;

	(void)state;
	level_set(s, LG_LEVEL_FULL, LG_NR_LEVELS);
	level_set(s, 1u << 31, LG_LEVEL_STACKS);
	assert_int_equal(model_summary(s->model, s->now_ns, &sum), 0);
	assert_int_equal(sum.level, LG_LEVEL_FULL);
	model_summary_fini(&sum);
	stream_free(s);
}

static void on_budget(void *arg, const struct model_budget *budget)
{
	struct told_budget *told = arg;

	told->last = *budget;
	told->nr++;
}

static void test_told(void **state)
{
	const struct model_opts opts = {.threshold_ns = 20 * MS};
	struct told_budget told = {};
	const struct model_sink sink = {.arg = &told, .budget = on_budget};
	struct stream s = {.now_ns = 5 * MS};

	(void)state;
	assert_int_equal(model_new(&s.model, &opts, &sink, NULL), 0);
	level_set(&s, LG_LEVEL_FULL, LG_LEVEL_STACKS);
	assert_int_equal(told.nr, 1);
	assert_int_equal(told.last.level, LG_LEVEL_STACKS);
	assert_int_equal(told.last.before, LG_LEVEL_FULL);
	assert_int_equal(told.last.time_ns, 5 * MS);
	assert_int_equal(told.last.limit_ppm, 10000);
	assert_int_equal(told.last.cost_ppm, 30000); /* of one CPU: the targets used half of it */
	model_free(s.model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unread),        cmocka_unit_test(test_unread_in_a_turn),
		cmocka_unit_test(test_read_again),    cmocka_unit_test(test_time_at_each_level),
		cmocka_unit_test(test_unknown_level), cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
