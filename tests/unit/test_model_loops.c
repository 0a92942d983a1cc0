/* SPDX-License-Identifier: BSD-2-Clause */
/* Loops that come and go, and what the summary says of them. */
#include "model_stream.h"

static void thread_exit_in_a_turn(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);
	struct model_summary sum;

	(void)state;
	thread_event(s, LG_THREAD_NEW);
	thread_event(s, LG_THREAD_LOOP);
	turn_start(s);
	io_read(s, 11, "GET / HTTP/1.1\r\n\r\n");
	run_ms(s, 44);
	thread_event(s, LG_THREAD_EXIT);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "c1-1", 44, LIKELY, CPU);
	assert_string_equal(s->stalls[0].stall.comm, "worker");
	assert_int_equal(s->nr_requests, 1);
	assert_int_equal(s->requests[0].done.status, 0);
	assert_int_equal(s->requests[0].done.duration_ns, 44 * MS);
	assert_int_equal(model_summary(s->model, s->now_ns + 1000 * MS, &sum), 0);
	assert_int_equal(sum.nr_loops, 1);
	assert_true(sum.loops[0].ended);
	assert_int_equal(sum.loops[0].elapsed_ns, 49 * MS);
	assert_int_equal(sum.nr_in_flight, 0);
	model_summary_fini(&sum);
	/* Its number may come again. */
	request_ms(s, 12, "GET / HTTP/1.1\r\n\r\n", 30);
	assert_int_equal(s->nr_stalls, 2);
	stream_free(s);
}

static void exec_forgets_the_program(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET / HTTP/1.1\r\n\r\n");
	run_ms(s, 1);
	thread_event(s, LG_THREAD_EXEC);
	assert_int_equal(s->nr_requests, 1);
	request_ms(s, 12, "GET / HTTP/1.1\r\n\r\n", 30);
	assert_int_equal(s->stalls[0].stall.confidence, LG_SURE_LIKELY);
	assert_int_equal(s->stalls[0].stall.nr_victims, 0);
	stream_free(s);
}

/* Two loops of one process: their records are interleaved, their requests are apart. */
static void loops_are_apart(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	s->tid = 201;
	io_read(s, 11, "GET / HTTP/1.1\r\n\r\n");
	s->tid = 202;
	io_read(s, 12, "GET / HTTP/1.1\r\n\r\n");
	run_ms(s, 30);
	io_write(s, 12, RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_int_equal(s->stalls[0].stall.tid, 202);
	assert_int_equal(s->stalls[0].stall.nr_victims, 0);
	s->tid = 201;
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 2);
	assert_stall(s, "c1-1", 30, EXACT, CPU);
	stream_free(s);
}

static void summary_figures(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);
	struct lg_rec_loop *rec = calloc(1, sizeof(*rec));
	struct lg_rec_lost lost = {.counters = {5, 2, 0, 1}};
	struct model_summary sum;

	(void)state;
	request_ms(s, 11, "GET /a/1 HTTP/1.1\r\n\r\n", 30);
	request_ms(s, 11, "GET /a/2 HTTP/1.1\r\n\r\n", 2);
	request_ms(s, 11, "POST /b HTTP/1.1\r\n\r\n", 3);
	turn_start(s);
	io_read(s, 12, "GET /open HTTP/1.1\r\n\r\n");
	turn_stop(s);
	rec->slot = (struct lg_slot){.pid = STREAM_PID, .tid = STREAM_PID, .flags = LG_SLOT_USED | LG_SLOT_LOOP};
	rec->slot.first_ns = 500 * MS;
	rec->slot.turns = 3;
	rec->slot.max_turn_ns = 30 * MS;
	rec->slot.idle_ns = 400 * MS;
	rec->slot.idle_since_ns = s->now_ns;
	rec->slot.turn_hist[7] = 3;
	stream_feed(s, &rec->head, LG_REC_LOOP, sizeof(*rec));
	stream_feed(s, &lost.head, LG_REC_LOST, sizeof(lost));
	assert_int_equal(model_summary(s->model, s->now_ns + 50 * MS, &sum), 0);
	assert_int_equal(sum.nr_loops, 1);
	assert_int_equal(sum.loops[0].elapsed_ns, s->now_ns + 50 * MS - 500 * MS);
	assert_int_equal(sum.loops[0].idle_ns, 450 * MS);
	assert_int_equal(sum.loops[0].turns, 3);
	assert_int_equal(sum.loops[0].hist.count, 3);
	assert_int_equal(sum.loops[0].hist.buckets[7], 3);
	assert_int_equal(sum.loops[0].runtime, LG_RT_NGINX);
	assert_int_equal(sum.loops[0].version, 0x0102);
	assert_int_equal(sum.loops[0].nr_stalls, 1);
	assert_int_equal(sum.nr_requests, 3);
	assert_int_equal(sum.nr_in_flight, 1);
	assert_int_equal(sum.nr_stalls, 1);
	assert_int_equal(sum.causes[LG_CAUSE_CPU].stall_ns, 30 * MS);
	assert_int_equal(sum.lost, 3);
	assert_int_equal(sum.counters[LG_CNT_RECORDS], 5);
	assert_int_equal(sum.start_ns, 1000 * MS);
	assert_int_equal(sum.nr_routes, 2); /* /open counted nothing yet */
	assert_string_equal(sum.routes[0].route, "/a/{n}");
	assert_string_equal(sum.routes[0].method, "GET");
	assert_string_equal(sum.routes[0].worst_id, "c1-1");
	assert_int_equal(sum.routes[0].count, 2);
	assert_int_equal(sum.routes[0].nr_stalls, 1);
	assert_int_equal(sum.routes[0].max_run_ns, 30 * MS);
	assert_int_equal(sum.routes[0].hold.count, 2);
	assert_int_equal(sum.routes[0].hold.sum_ns, 32 * MS);
	assert_string_equal(sum.routes[1].route, "/b");
	model_summary_fini(&sum);
	model_summary_fini(&sum);
	free(rec);
	stream_free(s);
}

static void slot_tell(struct stream *s, uint64_t turns, uint64_t idle_ns)
{
	static struct lg_rec_loop rec;

	rec = (struct lg_rec_loop){0};
	rec.slot = (struct lg_slot){.pid = STREAM_PID, .tid = STREAM_PID, .flags = LG_SLOT_USED | LG_SLOT_LOOP};
	rec.slot.first_ns = 500 * MS;
	rec.slot.turns = turns;
	rec.slot.max_turn_ns = 30 * MS;
	rec.slot.idle_ns = idle_ns;
	rec.slot.turn_hist[7] = turns;
	stream_feed(s, &rec.head, LG_REC_LOOP, sizeof(rec));
}

/* After a restart only what came since is told, and what was in flight ends in the new interval. */
static void restart_begins_anew(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);
	struct model_summary sum;
	uint64_t then_ns;

	(void)state;
	request_ms(s, 11, "GET /old HTTP/1.1\r\n\r\n", 30);
	slot_tell(s, 5, 400 * MS);
	then_ns = s->now_ns;
	assert_int_equal(model_restart(s->model, then_ns), 0);
	request_ms(s, 12, "GET /new HTTP/1.1\r\n\r\n", 2);
	slot_tell(s, 9, 401 * MS);
	assert_int_equal(model_summary(s->model, s->now_ns, &sum), 0);
	assert_int_equal(sum.start_ns, then_ns);
	assert_int_equal(sum.nr_requests, 1);
	assert_int_equal(sum.nr_stalls, 0);
	assert_int_equal(sum.nr_routes, 1);
	assert_string_equal(sum.routes[0].route, "/new");
	assert_int_equal(sum.loops[0].turns, 4);
	assert_int_equal(sum.loops[0].hist.count, 4);
	assert_int_equal(sum.loops[0].hist.buckets[7], 4);
	assert_int_equal(sum.loops[0].elapsed_ns, s->now_ns - then_ns);
	assert_int_equal(sum.loops[0].idle_ns, 1 * MS);
	assert_int_equal(sum.loops[0].nr_stalls, 0);
	assert_int_equal(sum.loops[0].max_turn_ns, hist_upper_ns(7));
	assert_int_equal(sum.causes[LG_CAUSE_CPU].nr_stalls, 0);
	model_summary_fini(&sum);
	stream_free(s);
}

/* A thread that never was a loop is not in the summary. */
static void threads_are_no_loops(void **state)
{
	struct stream *s = stream_new(LG_RT_NATIVE);
	struct model_summary sum;

	(void)state;
	thread_event(s, LG_THREAD_NEW);
	assert_int_equal(model_summary(s->model, s->now_ns, &sum), 0);
	assert_int_equal(sum.nr_loops, 0);
	model_summary_fini(&sum);
	stream_free(s);
}

static void empty_model(void **state)
{
	const struct model_opts opts = {.threshold_ns = MS};
	const struct model_sink sink = {0};
	struct model_summary sum;
	struct model *m;

	(void)state;
	assert_int_equal(model_new(&m, &opts, &sink, NULL), 0);
	assert_int_equal(model_summary(m, 5, &sum), 0);
	assert_int_equal(sum.nr_loops + sum.nr_routes, 0);
	model_summary_fini(&sum);
	model_free(m);
	model_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thread_exit_in_a_turn), cmocka_unit_test(exec_forgets_the_program),
		cmocka_unit_test(loops_are_apart),       cmocka_unit_test(summary_figures),
		cmocka_unit_test(restart_begins_anew),   cmocka_unit_test(threads_are_no_loops),
		cmocka_unit_test(empty_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
