/* SPDX-License-Identifier: BSD-2-Clause */
/* What a runtime says of who runs: which request of a connection that is, how sure, and what it cuts a turn into. */
#include "model_stream.h"

#include "lg_path.h"

#define GET_PATH(path, id) "GET " path " HTTP/1.1\r\nX-Request-ID: " id "\r\n\r\n"
#define GET(id)            GET_PATH("/x", id)

/* The runtime is asked now. `ino` 0: it works for nobody. */
static void mark(struct stream *s, uint64_t ino, enum lg_stage stage, uint64_t key)
{
	struct lg_rec_owner rec = {.pid = STREAM_PID, .tid = s->tid, .ino = ino, .key = key, .stage = stage};

	rec.answer = ino ? LG_ANSWER_CONN : LG_ANSWER_NOBODY;
	rec.sure = ino ? LG_SURE_EXACT : LG_SURE_NONE;
	stream_feed(s, &rec.head, LG_REC_OWNER, sizeof(rec));
}

/* A stretch that the runtime is asked about at its end. */
static void run_marked(struct stream *s, uint64_t ms, uint64_t ino, enum lg_stage stage, uint64_t key)
{
	run_ms(s, ms);
	mark(s, ino, stage, key);
}

/* A turn that only reads. */
static void turn_read(struct stream *s, uint64_t ino, const char *head)
{
	turn_start(s);
	io_read(s, ino, head);
	turn_stop(s);
}

static void splits_a_turn_by_owners(void **state)
{
	struct stream *s = stream_new(LG_RT_CPYTHON);

	(void)state;
	turn_read(s, 11, GET("one"));
	turn_read(s, 12, GET("two"));
	turn_start(s);
	for (int i = 0; i < 15; i++)
		run_marked(s, 2, 11, LG_STAGE_WAITING, 1);
	for (int i = 0; i < 20; i++)
		run_marked(s, 2, 12, LG_STAGE_WAITING, 2);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 2);
	assert_string_equal(s->stalls[0].request.id, "one");
	assert_int_equal(s->stalls[0].stall.duration_ns, 30 * MS);
	assert_int_equal(s->stalls[0].stall.confidence, LG_SURE_EXACT);
	assert_stall(s, "two", 40, EXACT, CPU);
	stream_free(s);
}

/* One look may catch the steps between two callbacks; several in a row are believed. */
static void doubts_that_it_is_nobody(void **state)
{
	struct stream *s = stream_new(LG_RT_CPYTHON);

	(void)state;
	turn_read(s, 11, GET("one"));
	turn_start(s);
	run_marked(s, 2, 0, 0, 0);
	for (int i = 0; i < 14; i++)
		run_marked(s, 2, 11, LG_STAGE_WAITING, 1);
	turn_stop(s);
	assert_stall(s, "one", 30, EXACT, CPU);
	turn_start(s);
	for (int i = 0; i < 15; i++)
		run_marked(s, 2, 0, 0, 0);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 2);
	assert_stall(s, "", 30, NONE, CPU);
	stream_free(s);
}

/* What is nobody's ends where somebody is found: the looks before that are not the next one's. */
static void nobody_goes_on(void **state)
{
	struct stream *s = stream_new(LG_RT_CPYTHON);

	(void)state;
	turn_read(s, 11, GET("one"));
	turn_start(s);
	for (int i = 0; i < 14; i++)
		run_marked(s, 2, 0, 0, 0);
	for (int i = 0; i < 15; i++)
		run_marked(s, 2, 11, LG_STAGE_WAITING, 1);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 2);
	assert_int_equal(s->stalls[0].stall.duration_ns, 28 * MS);
	assert_stall(s, "one", 30, EXACT, CPU);
	stream_free(s);
}

/* Who ran before a long wait for a CPU is not known for certain. */
static void likely_after_a_wait_for_a_cpu(void **state)
{
	struct stream *s = stream_new(LG_RT_CPYTHON);
	struct lg_rec_off off = {.runqueue_ns = 20 * MS, .nr_preempts = 1};

	(void)state;
	turn_read(s, 11, GET("one"));
	turn_start(s);
	io_wake(s);
	run_ms(s, 25);
	off_cpu(s, &off);
	mark(s, 11, LG_STAGE_WAITING, 1);
	turn_stop(s);
	assert_stall(s, "one", 25, LIKELY, RUNQUEUE);
	stream_free(s);
}

/* Time passes, hardly any of it on a CPU. */
static void run_starved(struct stream *s, uint64_t ms)
{
	struct lg_rec_off off = {.runqueue_ns = (ms - 1) * MS, .nr_preempts = 1};

	run_ms(s, ms);
	off_cpu(s, &off);
}

/* The only look found nobody: the order of reads and writes is not to blame the one request that is there. */
static void nobody_without_a_cpu(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_read(s, 11, GET("one"));
	turn_start(s);
	run_ms(s, 1);
	mark(s, 0, 0, 0);
	run_starved(s, 30);
	io_wake(s);
	turn_stop(s);
	assert_stall(s, "", 31, NONE, RUNQUEUE);
	turn_start(s);
	run_starved(s, 25);
	mark(s, 0, 0, 0);
	run_marked(s, 2, 11, LG_STAGE_WAITING, 1);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 2);
	assert_stall(s, "", 25, NONE, RUNQUEUE);
	stream_free(s);
}

/* Another thread has its turn with the interpreter's lock: the run goes on, and the wait is a part of it. */
static void takes_turns_with_a_thread(void **state)
{
	struct lg_rec_owner rec = {.pid = STREAM_PID, .answer = LG_ANSWER_NOBODY, .is_gil = 1};
	struct stream *s = stream_new(LG_RT_CPYTHON);
	struct lg_rec_off off = off_blocked(s, 5, LG_SLEEP_GIL);

	(void)state;
	rec.tid = s->tid;
	turn_read(s, 11, GET("one"));
	turn_start(s);
	for (int i = 0; i < 3; i++) {
		for (int j = 0; j < 5; j++)
			run_marked(s, 2, 11, LG_STAGE_WAITING, 1);
		run_ms(s, 5);
		off_cpu(s, &off);
		stream_feed(s, &rec.head, LG_REC_OWNER, sizeof(rec));
	}
	run_marked(s, 2, 11, LG_STAGE_WAITING, 1);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "one", 47, EXACT, CPU);
	assert_int_equal(s->stalls[0].stall.parts.sleep_ns[LG_SLEEP_GIL], 15 * MS);
	stream_free(s);
}

/* Two requests of one connection; the first, of which the runtime told `key`, was answered. */
static struct stream *second_request(uint64_t key)
{
	struct stream *s = stream_new(LG_RT_CPYTHON);

	turn_read(s, 11, GET("one"));
	turn_start(s);
	if (key)
		run_marked(s, 2, 11, LG_STAGE_WAITING, key);
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	turn_read(s, 11, GET("two"));
	turn_start(s);
	return s;
}

/* Code that holds on to a request: whose it is cannot be told once the connection had several. */
static void detached_from_its_request(void **state)
{
	struct stream *s = stream_new(LG_RT_CPYTHON);

	(void)state;
	turn_read(s, 11, GET("one"));
	turn_start(s);
	for (int i = 0; i < 15; i++)
		run_marked(s, 2, 11, LG_STAGE_DETACHED, 1);
	turn_stop(s);
	assert_stall(s, "one", 30, LIKELY, CPU);
	stream_free(s);
	s = second_request(1);
	for (int i = 0; i < 15; i++)
		run_marked(s, 2, 11, LG_STAGE_DETACHED, 1);
	turn_stop(s);
	assert_stall(s, "", 30, NONE, CPU);
	stream_free(s);
}

/* The wait for the interpreter lock belongs to the request that the thread works for which holds it. */
static void waits_for_the_holder(void **state)
{
	struct lg_rec_owner rec = {.answer = LG_ANSWER_CONN, .sure = LG_SURE_CAUSAL, .ino = 12, .is_gil = 1};
	struct stream *s = stream_new(LG_RT_CPYTHON);
	struct lg_rec_off off = {.nr_sleeps = 1, .last_nr = -1};

	(void)state;
	rec.stage = LG_STAGE_WAITING;
	rec.pid = STREAM_PID;
	rec.tid = s->tid;
	off.sleep_ns[LG_SLEEP_GIL] = 5 * MS;
	turn_read(s, 11, GET("one"));
	turn_read(s, 12, GET("two"));
	turn_start(s);
	run_marked(s, 2, 11, LG_STAGE_WAITING, 1);
	for (int i = 0; i < 5; i++) {
		run_ms(s, 5);
		off_cpu(s, &off);
		stream_feed(s, &rec.head, LG_REC_OWNER, sizeof(rec));
	}
	rec.answer = LG_ANSWER_NOBODY; /* a third one was faster to take it at the end */
	run_ms(s, 3);
	off = off_blocked(s, 3, LG_SLEEP_GIL);
	off_cpu(s, &off);
	stream_feed(s, &rec.head, LG_REC_OWNER, sizeof(rec));
	run_marked(s, 2, 11, LG_STAGE_WAITING, 1);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "two", 28, CAUSAL, GIL);
	stream_free(s);
}

/* Waits for the interpreter lock end after 5 ms each: one of them tells who held it, however long all of them were. */
static void names_the_holder_of_many_waits(void **state)
{
	struct lg_rec_owner rec = {.pid = STREAM_PID, .answer = LG_ANSWER_NOBODY, .is_gil = 1};
	struct stream *s = stream_new(LG_RT_CPYTHON);
	struct lg_rec_off off;

	(void)state;
	rec.tid = s->tid;
	turn_read(s, 11, GET("one"));
	turn_start(s);
	run_ms(s, 9);
	off = off_blocked(s, 9, LG_SLEEP_SYSCALL);
	off_cpu(s, &off);
	run_marked(s, 1, 11, LG_STAGE_WAITING, 1);
	for (int i = 0; i < 200; i++) {
		run_ms(s, 5);
		off = off_blocked(s, 5, LG_SLEEP_GIL);
		off.longest.target = (struct lg_target){.kind = LG_TARGET_HOLDER, .ino = 4711};
		off_cpu(s, &off);
		stream_feed(s, &rec.head, LG_REC_OWNER, sizeof(rec));
	}
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_int_equal(s->stalls[0].stall.cause, LG_CAUSE_GIL);
	assert_non_null(s->stalls[0].stall.block);
	assert_int_equal(s->stalls[0].block.target.kind, LG_TARGET_HOLDER);
	assert_int_equal(s->stalls[0].block.target.ino, 4711);
	stream_free(s);
}

/* The response has begun within the server, and its first byte is about to be written. */
static void caught_before_the_first_write(void **state)
{
	struct stream *s = second_request(0);

	(void)state;
	for (int i = 0; i < 15; i++)
		run_marked(s, 2, 11, LG_STAGE_WAITING, 2);
	run_marked(s, 8, 11, LG_STAGE_STARTED, 2);
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "two", 38, EXACT, CPU);
	stream_free(s);

	s = second_request(1);
	run_marked(s, 30, 11, LG_STAGE_STARTED, 2);
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_stall(s, "two", 30, LIKELY, CPU);
	stream_free(s);
}

/* The client has its response and asks again, but the server goes on for the first. */
static void complete_to_the_client_only(void **state)
{
	for (uint64_t key = 0; key < 2; key++) {
		struct stream *s = second_request(key);

		(void)state;
		run_marked(s, 30, 11, LG_STAGE_STARTED, 1);
		turn_stop(s);
		assert_stall(s, "one", 30, LIKELY, CPU);
		stream_free(s);
	}
}

static void code_after_the_answer(void **state)
{
	struct stream *s = second_request(1);

	(void)state;
	run_marked(s, 30, 11, LG_STAGE_DONE, 1);
	turn_stop(s);
	assert_stall(s, "one", 30, LIKELY, CPU);
	stream_free(s);

	s = stream_new(LG_RT_CPYTHON);
	turn_read(s, 11, GET("one"));
	turn_start(s);
	io_write(s, 11, RESPONSE_200);
	run_marked(s, 30, 11, LG_STAGE_DONE, 1);
	turn_stop(s);
	assert_stall(s, "one", 30, EXACT, CPU);
	stream_free(s);
}

/* What it wrote has passed, so those that are not answered are later ones. */
static void code_after_what_was_sent(void **state)
{
	struct stream *s = second_request(1);

	(void)state;
	io_read(s, 11, GET("three"));
	run_marked(s, 30, 11, LG_STAGE_SENT, 1);
	turn_stop(s);
	assert_stall(s, "one", 30, LIKELY, CPU);
	stream_free(s);
}

/* The server is done, but the loop writes the response at its turn's end only. */
static void answered_and_not_yet_written(void **state)
{
	struct stream *s = second_request(0);

	(void)state;
	run_marked(s, 2, 11, LG_STAGE_WAITING, 2);
	run_marked(s, 28, 11, LG_STAGE_DONE, 2);
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_stall(s, "two", 30, EXACT, CPU);
	stream_free(s);

	s = second_request(0);
	run_marked(s, 30, 11, LG_STAGE_DONE, 2);
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_stall(s, "two", 30, LIKELY, CPU);
	stream_free(s);
}

static void behind_is_the_request_before(void **state)
{
	struct stream *s = second_request(0);
	struct lg_rec_owner rec = {.pid = STREAM_PID, .tid = s->tid, .ino = 11, .stage = LG_STAGE_DONE, .is_behind = 1};

	(void)state;
	rec.answer = LG_ANSWER_CONN;
	rec.sure = LG_SURE_EXACT;
	run_ms(s, 30);
	stream_feed(s, &rec.head, LG_REC_OWNER, sizeof(rec));
	turn_stop(s);
	assert_stall(s, "one", 30, LIKELY, CPU);
	stream_free(s);
}

/* As run_marked(), by code that goes on after its answer; the path is told. */
static void run_path(struct stream *s, uint64_t ms, const char *path, bool is_behind)
{
	struct lg_rec_owner rec = {.pid = STREAM_PID, .tid = s->tid, .ino = 11, .is_behind = is_behind};
	__u64 words[LG_PATH_WORDS] = {};

	memcpy(words, path, strlen(path));
	rec.answer = LG_ANSWER_CONN;
	rec.sure = is_behind ? LG_SURE_EXACT : LG_SURE_LIKELY;
	rec.stage = is_behind ? LG_STAGE_DONE : LG_STAGE_UNKNOWN;
	rec.path_sum = lg_path_sum(words, strlen(path));
	run_ms(s, ms);
	stream_feed(s, &rec.head, LG_REC_OWNER, sizeof(rec));
}

static void run_after(struct stream *s, uint64_t ms, const char *path)
{
	run_path(s, ms, path, true);
}

/* Two more requests were read while code goes on after the first one's answer: its path tells it from the second. */
static void several_behind_are_told_by_path(void **state)
{
	struct stream *s = stream_new(LG_RT_CPYTHON);

	(void)state;
	for (const char *const *head = (const char *const[]){GET_PATH("/1", "one"), GET_PATH("/2", "two"), NULL}; *head;
	     head++) {
		turn_start(s);
		io_read(s, 11, *head);
		io_write(s, 11, RESPONSE_200);
		turn_stop(s);
	}
	turn_read(s, 11, GET_PATH("/3", "three"));
	turn_start(s);
	run_after(s, 30, "/2");
	run_after(s, 40, "/1");
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 2);
	assert_string_equal(s->stalls[0].request.id, "two");
	assert_stall(s, "one", 40, LIKELY, CPU);
	turn_start(s);
	run_after(s, 30, "/0");
	turn_stop(s);
	assert_stall(s, "", 30, NONE, CPU);
	stream_free(s);
}

/* The client went away with its answer; others that have its port since are other clients. */
static void goes_on_after_the_connection(void **state)
{
	struct lg_rec_owner rec = {.pid = STREAM_PID, .answer = LG_ANSWER_CONN, .port = 1234, .stage = LG_STAGE_DONE};
	struct stream *s = stream_new(LG_RT_CPYTHON);

	(void)state;
	rec.tid = s->tid;
	rec.sure = LG_SURE_EXACT;
	conn_seen(s, 11, LG_CONN_ACCEPTED, LG_TARGET_INET);
	turn_start(s);
	io_read(s, 11, GET("one"));
	io_write(s, 11, RESPONSE_200);
	io_raw(s, LG_IO_CLOSE, 0, 11, NULL, 0, 0);
	turn_stop(s);
	turn_start(s);
	run_ms(s, 30);
	stream_feed(s, &rec.head, LG_REC_OWNER, sizeof(rec));
	turn_stop(s);
	assert_stall(s, "one", 30, LIKELY, CPU);
	conn_seen(s, 11, LG_CONN_ACCEPTED, LG_TARGET_INET);
	turn_start(s);
	io_read(s, 11, GET("two"));
	run_ms(s, 30);
	rec.stage = LG_STAGE_WAITING;
	stream_feed(s, &rec.head, LG_REC_OWNER, sizeof(rec));
	turn_stop(s);
	assert_stall(s, "two", 30, EXACT, CPU);
	stream_free(s);
}

/* No more of them are kept than are of use. */
static void many_connections_end(void **state)
{
	struct stream *s = stream_new(LG_RT_CPYTHON);

	(void)state;
	for (uint64_t ino = 100; ino < 1000; ino++) {
		conn_seen(s, ino, LG_CONN_ACCEPTED, LG_TARGET_INET);
		turn_start(s);
		io_read(s, ino, GET("one"));
		io_raw(s, LG_IO_CLOSE, 0, ino, NULL, 0, 0);
		turn_stop(s);
	}
	assert_int_equal(s->nr_requests, 900);
	stream_free(s);
}

/* Node tells of code behind its answer only by the path. */
static void node_is_behind_by_path(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	io_read(s, 11, GET_PATH("/1", "one"));
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	turn_read(s, 11, GET_PATH("/2", "two"));
	turn_start(s);
	run_after(s, 30, "/1");
	turn_stop(s);
	assert_stall(s, "one", 30, LIKELY, CPU);
	turn_start(s);
	run_after(s, 30, "/rewritten");
	turn_stop(s);
	assert_stall(s, "", 30, NONE, CPU);
	stream_free(s);

	s = stream_new(LG_RT_NODE);
	for (const char *const *head = (const char *const[]){GET_PATH("/1", "one"), GET_PATH("/2", "two"), NULL}; *head;
	     head++) {
		turn_start(s);
		io_read(s, 11, *head);
		io_write(s, 11, RESPONSE_200);
		turn_stop(s);
	}
	turn_start(s);
	run_path(s, 30, "/1", false);
	run_path(s, 40, "/rewritten", false);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 2);
	assert_string_equal(s->stalls[0].request.id, "one");
	assert_stall(s, "two", 40, LIKELY, CPU);
	stream_free(s);
}

/* A server that puts its own prefix to each path: the order of reads and writes has to do. */
static void paths_that_never_were_right(void **state)
{
	struct stream *s = second_request(0);

	(void)state;
	run_after(s, 30, "/prefix/x");
	turn_stop(s);
	assert_stall(s, "one", 30, LIKELY, CPU);
	stream_free(s);
}

/* It made no sense this time: with one request alone the edges tell, with several nothing does. */
static void answer_that_makes_no_sense(void **state)
{
	(void)state;
	for (int others = 0; others < 2; others++) {
		struct stream *s = stream_new(LG_RT_CPYTHON);
		struct lg_rec_owner rec = {.pid = STREAM_PID, .tid = s->tid, .answer = LG_ANSWER_UNKNOWN};
		struct lg_rec_off off;

		turn_read(s, 11, GET("one"));
		if (others)
			turn_read(s, 12, GET("two"));
		turn_start(s);
		run_ms(s, 30);
		off = off_blocked(s, 30, LG_SLEEP_SYSCALL);
		off_cpu(s, &off);
		stream_feed(s, &rec.head, LG_REC_OWNER, sizeof(rec));
		io_write(s, 11, RESPONSE_200);
		turn_stop(s);
		assert_int_equal(s->nr_stalls, 1);
		assert_string_equal(s->stalls[0].stall.request ? s->stalls[0].request.id : "", others ? "" : "one");
		stream_free(s);
	}
}

/* Several heads of one connection: the runtime says which connection, not which of them. */
static void pipelined_is_not_exact(void **state)
{
	struct stream *s = stream_new(LG_RT_CPYTHON);

	(void)state;
	turn_read(s, 11, GET("one") GET("two"));
	turn_start(s);
	run_marked(s, 30, 11, LG_STAGE_WAITING, 1);
	turn_stop(s);
	assert_stall(s, "one", 30, LIKELY, CPU);
	stream_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_that_makes_no_sense),
		cmocka_unit_test(splits_a_turn_by_owners),
		cmocka_unit_test(doubts_that_it_is_nobody),
		cmocka_unit_test(likely_after_a_wait_for_a_cpu),
		cmocka_unit_test(nobody_goes_on),
		cmocka_unit_test(nobody_without_a_cpu),
		cmocka_unit_test(detached_from_its_request),
		cmocka_unit_test(waits_for_the_holder),
		cmocka_unit_test(names_the_holder_of_many_waits),
		cmocka_unit_test(takes_turns_with_a_thread),
		cmocka_unit_test(caught_before_the_first_write),
		cmocka_unit_test(complete_to_the_client_only),
		cmocka_unit_test(code_after_the_answer),
		cmocka_unit_test(code_after_what_was_sent),
		cmocka_unit_test(pipelined_is_not_exact),
		cmocka_unit_test(answered_and_not_yet_written),
		cmocka_unit_test(behind_is_the_request_before),
		cmocka_unit_test(several_behind_are_told_by_path),
		cmocka_unit_test(paths_that_never_were_right),
		cmocka_unit_test(node_is_behind_by_path),
		cmocka_unit_test(goes_on_after_the_connection),
		cmocka_unit_test(many_connections_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
