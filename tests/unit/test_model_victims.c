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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(victims_are_read_afterwards),
		cmocka_unit_test(sleep_ends_the_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
