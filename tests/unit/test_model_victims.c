/* SPDX-License-Identifier: BSD-2-Clause */
/* Who waited for a stall, beyond its own turn. */
#include "model_stream.h"

/* What is read in the turn that follows at once was sent during the stall; the culprit's next request was not. */
static void victims_are_read_afterwards(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET /1 HTTP/1.1\r\n\r\n");
	run_ms(s, 30);
	io_write(s, 11, RESPONSE_200);
	turn_stop_held(s);
	assert_int_equal(s->nr_stalls, 0);
	turn_follow(s);
	io_read(s, 12, "GET /2 HTTP/1.1\r\n\r\n");
	io_write(s, 12, RESPONSE_200);
	io_read(s, 11, "GET /3 HTTP/1.1\r\n\r\n");
	io_read(s, 13, "GET /4 HTTP/1.1\r\n\r\n");
	turn_stop_held(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_int_equal(s->stalls[0].stall.nr_victims, 2);
	stream_free(s);
}

/* A loop that slept before its next turn kept nobody waiting; the stall is told meanwhile. */
static void sleep_ends_the_waiting(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET /1 HTTP/1.1\r\n\r\n");
	run_ms(s, 30);
	io_write(s, 11, RESPONSE_200);
	turn_stop_held(s);
	run_ms(s, 1);
	turn_start(s);
	io_read(s, 12, "GET /2 HTTP/1.1\r\n\r\n");
	assert_int_equal(s->nr_stalls, 0);
	turn_stop_held(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_int_equal(s->stalls[0].stall.nr_victims, 0);
	run_ms(s, 1);
	turn_start(s);
	io_read(s, 13, "GET /3 HTTP/1.1\r\n\r\n");
	run_ms(s, 25);
	turn_stop_held(s);
	run_ms(s, 21);
	assert_int_equal(s->nr_stalls, 1);
	thread_event(s, LG_THREAD_LOOP); /* any record shows that time has passed */
	assert_int_equal(s->nr_stalls, 2);
	stream_free(s);
}

/* Whichever stalled first: those that are due at once are told loop by loop, the oldest one first. */
static void several_loops_are_held_back(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	for (s->tid = STREAM_PID; s->tid < STREAM_PID + 3; s->tid++)
		thread_event(s, LG_THREAD_LOOP);
	turn_start(s);
	run_ms(s, 30);
	while (s->tid-- > STREAM_PID)
		turn_stop_held(s);
	s->tid = STREAM_PID;
	assert_int_equal(s->nr_stalls, 0);
	run_ms(s, 21);
	thread_event(s, LG_THREAD_LOOP);
	assert_int_equal(s->nr_stalls, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(s->stalls[i].stall.tid, STREAM_PID + i);
	stream_free(s);
}

/* A victim that waits over several turns: its delay is what others held. */
static void delay_over_turns(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	run_ms(s, 2);
	io_read(s, 11, "GET /victim HTTP/1.1\r\n\r\n");
	run_ms(s, 1);
	turn_stop(s);
	for (int i = 0; i < 3; i++)
		request_ms(s, 12, "GET /culprit HTTP/1.1\r\n\r\n", 30);
	turn_start(s);
	run_ms(s, 4);
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 3);
	assert_int_equal(s->stalls[2].stall.nr_victims, 1);
	assert_int_equal(s->nr_requests, 4);
	assert_string_equal(s->requests[3].request.path, "/victim");
	assert_int_equal(s->requests[3].done.hold_ns, 5 * MS);
	assert_int_equal(s->requests[3].done.delay_ns, 92 * MS);
	stream_free(s);
}

/* A head that lay in the socket while the loop was busy; before that the loop slept. */
static void delay_in_the_socket(void **state)
{
	static const uint64_t waited[] = {0, 40, 70};
	static const uint64_t delay[] = {0, 40, 60};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct stream *s = stream_new(LG_RT_NODE);

		request_ms(s, 12, "GET /culprit HTTP/1.1\r\n\r\n", 60);
		s->waited_ns = waited[i] * MS;
		turn_follow(s);
		io_read(s, 11, "GET /victim HTTP/1.1\r\n\r\n");
		run_ms(s, 1);
		io_write(s, 11, RESPONSE_200);
		turn_stop(s);
		assert_string_equal(s->requests[1].request.path, "/victim");
		assert_int_equal(s->requests[1].done.delay_ns, delay[i] * MS);
		assert_int_equal(s->requests[1].done.socket_wait_ns, waited[i] * MS);
		assert_int_equal(s->requests[1].done.duration_ns, 1 * MS);
		stream_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(victims_are_read_afterwards), cmocka_unit_test(sleep_ends_the_waiting),
		cmocka_unit_test(several_loops_are_held_back), cmocka_unit_test(delay_over_turns),
		cmocka_unit_test(delay_in_the_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
