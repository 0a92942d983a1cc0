/* SPDX-License-Identifier: BSD-2-Clause */
/* Native servers tell whether a callback runs that was called for what was read: what follows, and what does not. */
#include "model_stream.h"

#define GET(id) "GET /x HTTP/1.1\r\nX-Request-ID: " id "\r\n\r\n"

static void tell(struct stream *s, enum lg_answer answer)
{
	struct lg_rec_owner rec = {.pid = STREAM_PID, .tid = s->tid, .answer = answer};

	stream_feed(s, &rec.head, LG_REC_OWNER, sizeof(rec));
}

static void run_told(struct stream *s, uint64_t ms, enum lg_answer answer)
{
	run_ms(s, ms);
	tell(s, answer);
}

static void block_told(struct stream *s, uint64_t ms, enum lg_answer answer)
{
	struct lg_rec_off off;

	run_ms(s, ms);
	off = off_blocked(s, ms, LG_SLEEP_SYSCALL);
	off_cpu(s, &off);
	tell(s, answer);
}

/* A log that is opened for a request after its answer, then one that the master wants opened anew. */
static void two_blocks_at_the_turns_end(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	io_read(s, 11, GET("one"));
	io_write(s, 11, RESPONSE_200);
	block_told(s, 33, LG_ANSWER_CALLBACK);
	block_told(s, 30, LG_ANSWER_LEFT);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 2);
	assert_string_equal(s->stalls[0].request.id, "one");
	assert_int_equal(s->stalls[0].stall.duration_ns, 33 * MS);
	assert_int_equal(s->stalls[0].stall.parts.blocked_ns, 33 * MS);
	assert_stall(s, "", 30, NONE, SYSCALL);
	stream_free(s);
}

/* The callback is told all along, and the answer proves whose it was. */
static void callbacks_cut_no_run(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	io_read(s, 11, GET("one"));
	block_told(s, 20, LG_ANSWER_CALLBACK);
	run_told(s, 10, LG_ANSWER_CALLBACK);
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "one", 30, EXACT, SYSCALL);
	assert_int_equal(s->stalls[0].stall.parts.blocked_ns, 20 * MS);
	stream_free(s);
}

/* A request that was made to wait goes on from a timer. */
static void timer_that_answers(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	io_read(s, 11, GET("one"));
	io_read(s, 12, GET("two"));
	turn_stop(s);
	turn_start(s);
	io_read(s, 13, GET("three"));
	run_told(s, 30, LG_ANSWER_LEFT);
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_stall(s, "one", 30, LIKELY, CPU);
	stream_free(s);
}

/* Redis answers at the turn's end, after its timers. */
static void timer_between_command_and_reply(void **state)
{
	struct stream *s = stream_new(LG_RT_REDIS);

	(void)state;
	conn_seen(s, 11, LG_CONN_ACCEPTED, LG_TARGET_INET);
	turn_start(s);
	io_read(s, 11, "*1\r\n");
	run_told(s, 25, LG_ANSWER_CALLBACK);
	for (int i = 0; i < 15; i++)
		run_told(s, 2, LG_ANSWER_LEFT);
	io_write(s, 11, "+OK\r\n");
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 2);
	assert_string_equal(s->stalls[0].request.id, "c1");
	assert_int_equal(s->stalls[0].stall.duration_ns, 25 * MS);
	assert_stall(s, "", 30, NONE, CPU);
	stream_free(s);
}

/* Edges that were kept back lie between the callback and the next one told. */
static void edges_not_told_after_a_callback(void **state)
{
	struct stream *s = stream_new(LG_RT_REDIS);

	(void)state;
	conn_seen(s, 11, LG_CONN_ACCEPTED, LG_TARGET_INET);
	conn_seen(s, 12, LG_CONN_ACCEPTED, LG_TARGET_INET);
	turn_start(s);
	io_read(s, 11, "*1\r\n");
	run_told(s, 25, LG_ANSWER_CALLBACK);
	run_ms(s, 1);
	io_raw(s, LG_IO_WRITE, LG_IO_GAP, 12, NULL, 0, 5);
	turn_stop(s);
	assert_stall(s, "c1", 25, LIKELY, CPU);
	stream_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_blocks_at_the_turns_end),
		cmocka_unit_test(callbacks_cut_no_run),
		cmocka_unit_test(timer_that_answers),
		cmocka_unit_test(timer_between_command_and_reply),
		cmocka_unit_test(edges_not_told_after_a_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
