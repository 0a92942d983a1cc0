/* SPDX-License-Identifier: BSD-2-Clause */
/* The model from records to stalls: owners by runtime, victims, causes, and the parts of a length. */
#include "model_stream.h"

static void nginx_single_request(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);
	const struct told_request *r = &s->requests[0];

	(void)state;
	turn_start(s);
	io_accept(s, 11);
	turn_stop(s);
	request_ms(s, 11, "GET /a/7?q=1 HTTP/1.1\r\nX-Request-ID: abc\r\n\r\n", 30);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "abc", 30, EXACT, CPU);
	assert_string_equal(s->stalls[0].request.method, "GET");
	assert_string_equal(s->stalls[0].request.path, "/a/7");
	assert_string_equal(s->stalls[0].request.route, "/a/{n}");
	assert_int_equal(s->stalls[0].request.peer.port, 1234);
	assert_int_equal(s->stalls[0].stall.nr_victims, 0);
	assert_int_equal(s->nr_requests, 1);
	assert_int_equal(r->done.status, 200);
	assert_int_equal(r->done.hold_ns, 30 * MS);
	assert_int_equal(r->done.duration_ns, 30 * MS);
	assert_int_equal(r->done.delay_ns, 0);
	assert_int_equal(r->done.longest_run_ns, 30 * MS);
	stream_free(s);
}

/* The same edges, by runtime: nobody but nginx is known to go from the read to the answer in one piece. */
static void confidence_by_runtime(void **state)
{
	static const enum lg_confidence sure[LG_NR_RUNTIMES] = {
		[LG_RT_NATIVE] = LG_SURE_LIKELY, [LG_RT_CPYTHON] = LG_SURE_LIKELY, [LG_RT_NODE] = LG_SURE_LIKELY,
		[LG_RT_NGINX] = LG_SURE_EXACT,   [LG_RT_REDIS] = LG_SURE_LIKELY,   [LG_RT_HAPROXY] = LG_SURE_LIKELY,
	};

	(void)state;
	for (int i = 0; i < LG_NR_RUNTIMES; i++) {
		struct stream *s = stream_new(i);

		request_ms(s, 11, "GET / HTTP/1.1\r\n\r\n", 30);
		assert_int_equal(s->nr_stalls, 1);
		assert_string_equal(s->stalls[0].request.id, "c1-1");
		assert_int_equal(s->stalls[0].stall.confidence, sure[i]);
		stream_free(s);
	}
}

static void healthy_is_silent(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	for (int i = 0; i < 1000; i++)
		request_ms(s, 11 + i % 7, "GET / HTTP/1.1\r\n\r\n", 1);
	assert_int_equal(s->nr_stalls, 0);
	assert_int_equal(s->nr_requests, 1000);
	stream_free(s);
}

static void read_owner_among_several(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET /1 HTTP/1.1\r\n\r\n");
	run_ms(s, 1);
	io_read(s, 12, "GET /2 HTTP/1.1\r\n\r\n");
	run_ms(s, 40);
	io_read(s, 13, "GET /3 HTTP/1.1\r\n\r\n");
	run_ms(s, 1);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "c2-1", 40, LIKELY, CPU);
	assert_int_equal(s->stalls[0].stall.nr_victims, 2);
	assert_string_equal(s->stalls[0].victims[0], "c1-1");
	assert_string_equal(s->stalls[0].victims[1], "c3-1");
	stream_free(s);
}

/* Several requests block in one turn: each its own stall, in order. */
static void several_stalls_in_one_turn(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	for (int i = 0; i < 3; i++) {
		io_read(s, 11 + i, "GET / HTTP/1.1\r\n\r\n");
		run_ms(s, 30 + i);
		io_write(s, 11 + i, RESPONSE_200);
	}
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(s->stalls[i].stall.duration_ns, (30 + i) * MS);
		assert_int_equal(s->stalls[i].stall.turn_ns, 93 * MS);
		assert_int_equal(s->stalls[i].stall.confidence, LG_SURE_EXACT);
		assert_int_equal(s->stalls[i].request.id[1], '1' + i);
	}
	/* The first had ended when the second stalled; the third was ready all the time. */
	assert_int_equal(s->stalls[0].stall.nr_victims, 2);
	assert_int_equal(s->stalls[1].stall.nr_victims, 1);
	assert_int_equal(s->stalls[2].stall.nr_victims, 0);
	assert_int_equal(s->requests[2].done.delay_ns, 61 * MS);
	assert_int_equal(s->requests[2].done.hold_ns, 32 * MS);
	stream_free(s);
}

static void backend_chain(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET /slow HTTP/1.1\r\n\r\n");
	io_connect(s, 50);
	io_blind(s, LG_IO_WRITE, 50, 100);
	io_read(s, 12, "GET /other HTTP/1.1\r\n\r\n");
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 0);
	turn_start(s);
	io_blind(s, LG_IO_READ, 50, 300);
	run_ms(s, 25);
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "c1-1", 25, CAUSAL, CPU);
	assert_int_equal(s->stalls[0].stall.nr_victims, 1);
	stream_free(s);
}

/* A blocking call of a handler: the read that it ends with is the handler's, with the peer it waited for. */
static void blocking_backend_call(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);
	struct lg_rec_off off;

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET /sync HTTP/1.1\r\n\r\n");
	io_connect(s, 50);
	io_blind(s, LG_IO_WRITE, 50, 100);
	run_ms(s, 40);
	off = off_blocked(s, 39, LG_SLEEP_SYSCALL);
	off_cpu(s, &off);
	io_blind(s, LG_IO_READ, 50, 300);
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "c1-1", 40, LIKELY, SYSCALL);
	assert_non_null(s->stalls[0].stall.block);
	assert_int_equal(s->stalls[0].block.target.port, 5432);
	assert_int_equal(s->stalls[0].stall.parts.blocked_ns, 39 * MS);
	assert_int_equal(s->stalls[0].stall.parts.on_cpu_ns, 1 * MS);
	stream_free(s);
}

/* asyncio: the head is read in one turn, its task runs in the next, and the response is its last act. */
static void asyncio_two_turns(void **state)
{
	struct stream *s = stream_new(LG_RT_CPYTHON);

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET /1 HTTP/1.1\r\n\r\n");
	io_read(s, 12, "GET /2 HTTP/1.1\r\n\r\n");
	turn_stop(s);
	turn_start(s);
	run_ms(s, 30);
	io_write(s, 11, RESPONSE_200);
	run_ms(s, 50);
	io_write(s, 12, RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 2);
	assert_string_equal(s->stalls[0].request.id, "c1-1");
	assert_int_equal(s->stalls[0].stall.duration_ns, 30 * MS);
	assert_string_equal(s->stalls[1].request.id, "c2-1");
	assert_int_equal(s->stalls[1].stall.duration_ns, 50 * MS);
	assert_int_equal(s->stalls[1].stall.confidence, LG_SURE_LIKELY);
	assert_int_equal(s->stalls[0].stall.nr_victims, 1);
	assert_int_equal(s->stalls[1].stall.nr_victims, 0);
	assert_int_equal(s->requests[1].done.delay_ns, 30 * MS);
	stream_free(s);
}

/*
 * A task that asks a backend and waits for its answer, all in one piece: with others in flight the answer that it
 * writes in the end tells whose all of it was.
 */
static void asyncio_blocking_client(void **state)
{
	struct stream *s = stream_new(LG_RT_CPYTHON);

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET /1 HTTP/1.1\r\n\r\n");
	io_read(s, 12, "GET /2 HTTP/1.1\r\n\r\n");
	turn_stop(s);
	turn_start(s);
	run_ms(s, 1);
	conn_seen(s, 99, LG_CONN_CONNECTED, LG_TARGET_INET);
	io_raw(s, LG_IO_CONNECT, 0, 99, NULL, 0, 0);
	io_raw(s, LG_IO_WRITE, 0, 99, NULL, 0, 4);
	run_ms(s, 30);
	io_raw(s, LG_IO_READ, LG_IO_BLOCKED, 99, NULL, 0, 4);
	run_ms(s, 1);
	io_write(s, 12, RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "c2-1", 32, LIKELY, CPU);
	stream_free(s);
}

/* A task that blocks and then awaits writes nothing: it is named only when it alone is served. */
static void asyncio_block_without_write(void **state)
{
	(void)state;
	for (int others = 0; others < 2; others++) {
		struct stream *s = stream_new(LG_RT_CPYTHON);

		turn_start(s);
		io_read(s, 11, "GET /1 HTTP/1.1\r\n\r\n");
		if (others)
			io_read(s, 12, "GET /2 HTTP/1.1\r\n\r\n");
		turn_stop(s);
		turn_start(s);
		run_ms(s, 30);
		turn_stop(s);
		assert_int_equal(s->nr_stalls, 1);
		if (others)
			assert_stall(s, "", 30, NONE, CPU);
		else
			assert_stall(s, "c1-1", 30, LIKELY, CPU);
		assert_int_equal(s->stalls[0].stall.nr_victims, others ? 2 : 0);
		stream_free(s);
	}
}

/* The same turn: what is in flight is looked at after each edge. */
static void asyncio_wake_in_the_same_turn(void **state)
{
	struct stream *s = stream_new(LG_RT_CPYTHON);

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET /1 HTTP/1.1\r\n\r\n");
	io_wake(s);
	run_ms(s, 30);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "c1-1", 30, LIKELY, CPU);
	stream_free(s);
}

/* A loop without HTTP: only the two edges around a long interval are told. */
static void redis_quiet_loop(void **state)
{
	struct stream *s = stream_new(LG_RT_REDIS);

	(void)state;
	conn_seen(s, 11, LG_CONN_SEEN, LG_TARGET_INET);
	conn_seen(s, 12, LG_CONN_SEEN, LG_TARGET_INET);
	turn_start(s);
	run_ms(s, 2);
	io_raw(s, LG_IO_READ, LG_IO_GAP, 11, NULL, 0, 40);
	run_ms(s, 50);
	io_blind(s, LG_IO_READ, 12, 30);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "c1", 50, LIKELY, CPU);
	assert_string_equal(s->stalls[0].request.method, "");
	assert_string_equal(s->stalls[0].request.path, "");
	assert_int_equal(s->stalls[0].request.peer.port, 1234);
	assert_int_equal(s->nr_requests, 0);
	stream_free(s);
}

/* Many short commands that were not told add up to a long turn: it is nobody's. */
static void redis_gap_is_nobodys(void **state)
{
	struct stream *s = stream_new(LG_RT_REDIS);

	(void)state;
	turn_start(s);
	io_blind(s, LG_IO_READ, 11, 40);
	run_ms(s, 2);
	io_blind(s, LG_IO_READ, 12, 40);
	run_ms(s, 60);
	io_raw(s, LG_IO_READ, LG_IO_GAP, 13, NULL, 0, 40);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "", 60, NONE, CPU);
	stream_free(s);
}

static void turn_without_edges(void **state)
{
	struct stream *s = stream_new(LG_RT_NATIVE);

	(void)state;
	turn_start(s);
	run_ms(s, 70);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "", 70, NONE, CPU);
	assert_int_equal(s->stalls[0].stall.start_ns, s->turn_ns);
	assert_string_equal(s->stalls[0].stall.comm, "server");
	stream_free(s);
}

/* No run is long, but the turn is: of whom, if one held nearly all of it. */
static void long_turn_of_short_runs(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	for (int i = 0; i < 3; i++) {
		io_read(s, 11 + i, "GET / HTTP/1.1\r\n\r\n");
		run_ms(s, 10);
	}
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "", 30, NONE, CPU);
	for (int i = 0; i < 2; i++) {
		turn_start(s);
		for (int j = 0; j < 2; j++) {
			io_read(s, 11, "x");
			run_ms(s, 10 + 2 * i);
			io_wake(s);
			run_ms(s, 1 + 3 * !i);
		}
		turn_stop(s);
	}
	assert_int_equal(s->nr_stalls, 3);
	assert_string_equal(s->stalls[1].stall.request ? s->stalls[1].request.id : "", "");
	assert_stall(s, "c1-1", 26, LIKELY, CPU);
	stream_free(s);
}

/* Being late for want of a CPU is no request's doing, even if one's timer was the turn's purpose. */
static void late_start(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);
	struct lg_rec_off off = {.last_nr = -1};

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET / HTTP/1.1\r\n\r\n");
	turn_stop(s);
	turn_start(s);
	run_ms(s, 60);
	s->late_ns = 50 * MS;
	off.runqueue_ns = 20 * MS;
	off.throttled_ns = 35 * MS;
	off_cpu(s, &off);
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "", 50, NONE, THROTTLED);
	assert_int_equal(s->stalls[0].stall.start_ns, s->turn_ns);
	assert_int_equal(s->stalls[0].stall.nr_victims, 1);
	assert_int_equal(s->requests[0].done.hold_ns, 10 * MS);
	assert_int_equal(s->requests[0].done.parts.on_cpu_ns, 5 * MS);
	assert_int_equal(s->requests[0].done.delay_ns, 50 * MS);
	stream_free(s);
}

static void check_parts(const struct model_stall *t)
{
	const struct model_parts *p = &t->parts;
	uint64_t sleeps = 0;

	for (int i = 0; i < LG_NR_SLEEPS; i++)
		sleeps += p->sleep_ns[i];
	assert_int_equal(sleeps, p->blocked_ns);
	assert_int_equal(p->user_ns + p->system_ns, p->on_cpu_ns);
	assert_int_equal(p->on_cpu_ns + p->blocked_ns + p->runqueue_ns + p->throttled_ns, t->duration_ns);
}

/* Whatever OFF records say, the parts add up; the largest is the cause. */
static void causes_and_parts(void **state)
{
	static const struct {
		uint64_t sleep_ms[LG_NR_SLEEPS], runqueue_ms, throttled_ms, user_ms, system_ms;
		int last_nr;
		enum lg_cause cause;
	} rows[] = {
		{{0}, 0, 0, 0, 0, -1, LG_CAUSE_CPU},
		{{0}, 0, 0, 10, 40, 1, LG_CAUSE_SYSCALL},
		{{0}, 0, 0, 10, 40, -1, LG_CAUSE_CPU},
		{{0}, 0, 0, 40, 10, 1, LG_CAUSE_CPU},
		{{60}, 0, 0, 0, 0, -1, LG_CAUSE_SYSCALL},
		{{0, 60}, 0, 0, 0, 0, -1, LG_CAUSE_LOCK},
		{{0, 0, 60}, 0, 0, 0, 0, -1, LG_CAUSE_FAULT},
		{{0, 0, 0, 60}, 0, 0, 0, 0, -1, LG_CAUSE_IO},
		{{0, 0, 0, 0, 60}, 0, 0, 0, 0, -1, LG_CAUSE_STOPPED},
		{{0, 0, 0, 0, 0, 60}, 0, 0, 0, 0, -1, LG_CAUSE_GIL},
		{{0}, 60, 0, 0, 0, -1, LG_CAUSE_RUNQUEUE},
		{{0}, 0, 60, 0, 0, -1, LG_CAUSE_THROTTLED},
		{{90, 70, 80, 60, 50}, 95, 99, 1, 2, -1, LG_CAUSE_THROTTLED},
		{{UINT64_MAX, 3, 4, 0, 0}, 0, 0, UINT64_MAX, UINT64_MAX, -1, LG_CAUSE_SYSCALL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct stream *s = stream_new(LG_RT_NGINX);
		struct lg_rec_off off = {.last_nr = rows[i].last_nr};

		for (int j = 0; j < LG_NR_SLEEPS; j++)
			off.sleep_ns[j] = rows[i].sleep_ms[j] * MS;
		off.runqueue_ns = rows[i].runqueue_ms * MS;
		off.throttled_ns = rows[i].throttled_ms * MS;
		off.user_ns = rows[i].user_ms * MS;
		off.system_ns = rows[i].system_ms * MS;
		turn_start(s);
		io_read(s, 11, "GET / HTTP/1.1\r\n\r\n");
		run_ms(s, 100);
		off_cpu(s, &off);
		io_write(s, 11, RESPONSE_200);
		run_ms(s, 1);
		turn_stop(s);
		assert_int_equal(s->nr_stalls, 1);
		check_parts(&s->stalls[0].stall);
		assert_int_equal(s->stalls[0].stall.duration_ns, 101 * MS);
		assert_int_equal(s->stalls[0].stall.cause, rows[i].cause);
		/* An OFF record is of one interval. */
		if (rows[i].runqueue_ms < 90 && rows[i].sleep_ms[0] < 90)
			assert_int_equal(s->stalls[0].stall.parts.runqueue_ns, rows[i].runqueue_ms * MS);
		if (rows[i].sleep_ms[0] == 60)
			assert_int_equal(s->stalls[0].stall.parts.blocked_ns, 60 * MS);
		assert_int_equal(s->stalls[0].stall.confidence, LG_SURE_EXACT);
		if (rows[i].cause == LG_CAUSE_SYSCALL && !rows[i].sleep_ms[0])
			assert_int_equal(s->stalls[0].stall.on_cpu_nr, 1);
		else
			assert_int_equal(s->stalls[0].stall.on_cpu_nr, -1);
		stream_free(s);
	}
}

/* Collecting garbage is a part of the time on the CPU: more than half of it, and it was the cause. */
static void garbage(void **state)
{
	static const struct {
		uint64_t gc_ms, sleep_ms;
		enum lg_cause cause;
	} rows[] = {
		{0, 0, LG_CAUSE_CPU},    {40, 0, LG_CAUSE_CPU},         {60, 0, LG_CAUSE_GC},
		{20, 70, LG_CAUSE_LOCK}, {UINT32_MAX, 30, LG_CAUSE_GC}, {30, 45, LG_CAUSE_GC},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct stream *s = stream_new(LG_RT_NGINX);
		struct lg_rec_off off = {.last_nr = -1, .gc_ns = rows[i].gc_ms * MS};

		off.sleep_ns[LG_SLEEP_LOCK] = rows[i].sleep_ms * MS;
		turn_start(s);
		io_read(s, 11, "GET / HTTP/1.1\r\n\r\n");
		run_ms(s, 100);
		off_cpu(s, &off);
		io_write(s, 11, RESPONSE_200);
		turn_stop(s);
		check_parts(&s->stalls[0].stall);
		assert_int_equal(s->stalls[0].stall.cause, rows[i].cause);
		assert_true(s->stalls[0].stall.parts.gc_ns <= s->stalls[0].stall.parts.on_cpu_ns);
		stream_free(s);
	}
}

static void block_path(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);
	struct lg_rec_off off = off_blocked(s, 30, LG_SLEEP_IO);
	_Alignas(8) unsigned char bytes[sizeof(struct lg_rec_path) + 16] = {0};
	struct lg_rec_path *path = (struct lg_rec_path *)bytes;

	(void)state;
	path->pid = STREAM_PID;
	path->ino = 77;
	path->path_len = 9;
	memcpy(bytes + sizeof(*path), "/srv/data", 9);
	stream_feed(s, &path->head, LG_REC_PATH, sizeof(bytes));
	off.longest.target = (struct lg_target){.kind = LG_TARGET_FILE, .ino = 77};
	turn_start(s);
	run_ms(s, 31);
	off_cpu(s, &off);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "", 31, NONE, IO);
	assert_non_null(s->stalls[0].stall.block_path);
	assert_string_equal(s->stalls[0].path, "/srv/data");
	stream_free(s);
}

/* A sleep in a background task after the response: nobody else was there. */
static void work_after_the_response(void **state)
{
	struct stream *s = stream_new(LG_RT_CPYTHON);

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET / HTTP/1.1\r\n\r\n");
	turn_stop(s);
	turn_start(s);
	io_write(s, 11, RESPONSE_200);
	run_ms(s, 35);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "c1-1", 35, LIKELY, CPU);
	assert_int_equal(s->requests[0].done.hold_ns, 35 * MS);
	assert_int_equal(s->requests[0].done.duration_ns, 5 * MS);
	assert_int_equal(s->requests[0].done.delay_ns, 0);
	stream_free(s);
}

static void victims_beyond_those_told(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	for (int i = 0; i < 30; i++)
		io_read(s, 100 + i, "GET / HTTP/1.1\r\n\r\n");
	run_ms(s, 21);
	turn_stop(s);
	assert_int_equal(s->stalls[0].stall.nr_victims, 29);
	assert_int_equal(s->stalls[0].stall.nr_victims_told, MODEL_MAX_VICTIMS);
	stream_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nginx_single_request),
		cmocka_unit_test(confidence_by_runtime),
		cmocka_unit_test(healthy_is_silent),
		cmocka_unit_test(read_owner_among_several),
		cmocka_unit_test(several_stalls_in_one_turn),
		cmocka_unit_test(backend_chain),
		cmocka_unit_test(blocking_backend_call),
		cmocka_unit_test(asyncio_two_turns),
		cmocka_unit_test(asyncio_blocking_client),
		cmocka_unit_test(asyncio_block_without_write),
		cmocka_unit_test(asyncio_wake_in_the_same_turn),
		cmocka_unit_test(redis_quiet_loop),
		cmocka_unit_test(redis_gap_is_nobodys),
		cmocka_unit_test(turn_without_edges),
		cmocka_unit_test(long_turn_of_short_runs),
		cmocka_unit_test(late_start),
		cmocka_unit_test(causes_and_parts),
		cmocka_unit_test(garbage),
		cmocka_unit_test(block_path),
		cmocka_unit_test(work_after_the_response),
		cmocka_unit_test(victims_beyond_those_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
