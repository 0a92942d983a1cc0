/* SPDX-License-Identifier: BSD-2-Clause */
/* Which side a connection is of, and who waits for a backend: told by whom the stalls are named for. */
#include "model_stream.h"

#include "model/conn.h"

#define GET(path) "GET " path " HTTP/1.1\r\n\r\n"

/* Reads once and burns: what the run is named for shows the role. */
static void burn_after_read(struct stream *s, uint64_t ino, uint64_t bytes)
{
	turn_start(s);
	io_blind(s, LG_IO_READ, ino, bytes);
	run_ms(s, 30);
	turn_stop(s);
}

static void roles(void **state)
{
	static const struct {
		uint8_t origin, kind, first_op;
		enum lg_runtime runtime;
		const char *id;
	} rows[] = {
		{LG_CONN_ACCEPTED, LG_TARGET_INET, LG_IO_READ, LG_RT_NATIVE, "c1"},
		{LG_CONN_ACCEPTED, LG_TARGET_INET6, LG_IO_WRITE, LG_RT_NATIVE, "c1"},
		{LG_CONN_ACCEPTED, LG_TARGET_UNIX, LG_IO_READ, LG_RT_NATIVE, "c1"},
		{LG_CONN_CONNECTED, LG_TARGET_INET, LG_IO_READ, LG_RT_NATIVE, ""},
		{LG_CONN_SEEN, LG_TARGET_INET, LG_IO_READ, LG_RT_NATIVE, "c1"},
		{LG_CONN_SEEN, LG_TARGET_INET, LG_IO_WRITE, LG_RT_NATIVE, ""},
		{LG_CONN_SEEN, LG_TARGET_INET, LG_IO_WRITE, LG_RT_REDIS, "c1"},
		/* a socket pair that wakes the loop */
		{LG_CONN_SEEN, LG_TARGET_UNIX, LG_IO_READ, LG_RT_NATIVE, ""},
		{LG_CONN_SEEN, LG_TARGET_SOCKET, LG_IO_READ, LG_RT_NATIVE, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct stream *s = stream_new(rows[i].runtime);

		conn_seen(s, 11, rows[i].origin, rows[i].kind);
		turn_start(s);
		io_blind(s, rows[i].first_op, 11, 10);
		turn_stop(s);
		burn_after_read(s, 11, 10);
		assert_int_equal(s->nr_stalls, 1);
		assert_string_equal(s->stalls[0].stall.request ? s->stalls[0].request.id : "", rows[i].id);
		stream_free(s);
	}
}

/* HTTP on a connection that looked like something else makes it a client's; a number is given once. */
static void http_is_seen_late(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	conn_seen(s, 11, LG_CONN_SEEN, LG_TARGET_INET);
	turn_start(s);
	io_blind(s, LG_IO_READ, 11, 100);
	io_read(s, 11, GET("/"));
	run_ms(s, 30);
	turn_stop(s);
	assert_stall(s, "c1-1", 30, LIKELY, CPU);
	stream_free(s);
}

/* We are the client: what we write looks like a request, what we read like a response. */
static void our_own_requests(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);
	struct model_summary sum;

	(void)state;
	turn_start(s);
	io_write(s, 11, GET("/backend"));
	io_read(s, 12, RESPONSE_200);
	io_connect(s, 13);
	io_read(s, 13, GET("/odd"));
	turn_stop(s);
	assert_int_equal(model_summary(s->model, s->now_ns, &sum), 0);
	assert_int_equal(sum.nr_in_flight, 0);
	assert_int_equal(sum.nr_routes, 0);
	model_summary_fini(&sum);
	stream_free(s);
}

/* A connection that several requests use: replies come in the order of the questions. */
static void waiters_in_order(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	for (int i = 0; i < 3; i++) {
		io_read(s, 11 + i, GET("/"));
		if (!i)
			io_connect(s, 50);
		io_blind(s, LG_IO_WRITE, 50, 10);
	}
	turn_stop(s);
	for (int i = 0; i < 3; i++)
		burn_after_read(s, 50, 20);
	assert_int_equal(s->nr_stalls, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(s->stalls[i].request.id[1], '1' + i);
	assert_int_equal(s->stalls[0].stall.confidence, LG_SURE_LIKELY);
	assert_int_equal(s->stalls[2].stall.confidence, LG_SURE_CAUSAL);
	/* More of the last answer. */
	burn_after_read(s, 50, 20);
	assert_stall(s, "c3-1", 30, CAUSAL, CPU);
	/* The first asks again. */
	turn_start(s);
	io_raw(s, LG_IO_READ, 0, 14, GET("/4"), strlen(GET("/4")), strlen(GET("/4")));
	io_blind(s, LG_IO_WRITE, 50, 10);
	turn_stop(s);
	burn_after_read(s, 50, 20);
	assert_stall(s, "c4-1", 30, CAUSAL, CPU);
	stream_free(s);
}

/* What nobody known asked for is nobody's. */
static void unknown_asker(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	io_read(s, 11, GET("/1"));
	io_read(s, 12, GET("/2"));
	io_connect(s, 50);
	turn_stop(s);
	turn_start(s);
	io_wake(s);
	io_blind(s, LG_IO_WRITE, 50, 10);
	turn_stop(s);
	burn_after_read(s, 50, 20);
	assert_stall(s, "c2-1", 30, LIKELY, CPU);
	burn_after_read(s, 50, 20);
	assert_stall(s, "", 30, NONE, CPU);
	stream_free(s);
}

/* The asker has ended: its name is still known. */
static void asker_has_ended(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	io_read(s, 11, GET("/gone"));
	io_connect(s, 50);
	io_write(s, 11, RESPONSE_200);
	io_close(s, 11);
	turn_stop(s);
	assert_int_equal(s->nr_requests, 1);
	burn_after_read(s, 50, 20);
	assert_stall(s, "c1-1", 30, CAUSAL, CPU);
	assert_string_equal(s->stalls[0].request.path, "/gone");
	stream_free(s);
}

/* Ciphertext from a backend is not yet an answer. */
static void backend_over_tls(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	for (int i = 0; i < 2; i++) {
		io_read(s, 11 + i, GET("/"));
		if (!i)
			io_connect(s, 50);
		io_raw(s, LG_IO_WRITE, LG_IO_TLS, 50, NULL, 0, 10);
		io_raw(s, LG_IO_WRITE, LG_IO_CIPHER, 50, NULL, 0, 40);
	}
	turn_stop(s);
	for (int i = 0; i < 2; i++) {
		turn_start(s);
		io_raw(s, LG_IO_READ, LG_IO_CIPHER, 50, NULL, 0, 60);
		io_raw(s, LG_IO_READ, LG_IO_TLS, 50, NULL, 0, 30);
		run_ms(s, 30);
		turn_stop(s);
		assert_int_equal(s->stalls[i].request.id[1], '1' + i);
	}
	stream_free(s);
}

/* The inode comes again for another connection: nothing of the old one is left. */
static void inode_comes_again(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	io_accept(s, 11);
	io_read(s, 11, "GET /first HT");
	io_blind(s, LG_IO_ACCEPT, 11, 0);
	io_read(s, 11, GET("/second"));
	io_write(s, 11, RESPONSE_200);
	conn_seen(s, 11, LG_CONN_ACCEPTED, LG_TARGET_INET);
	io_read(s, 11, GET("/third"));
	io_write(s, 11, RESPONSE_200);
	/* A copy of its descriptor is used: the same connection. */
	conn_seen(s, 11, LG_CONN_SEEN, LG_TARGET_INET);
	io_read(s, 11, GET("/fourth"));
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_requests, 3);
	assert_string_equal(s->requests[0].request.path, "/second");
	assert_string_equal(s->requests[0].request.id, "c2-1");
	assert_string_equal(s->requests[1].request.id, "c3-1");
	assert_string_equal(s->requests[2].request.id, "c3-2");
	stream_free(s);
}

/* A master closes its copy of a socket that a worker serves. */
static void copy_is_closed_elsewhere(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);
	struct lg_rec_io rec = {.pid = 77, .tid = 77, .op = LG_IO_CLOSE, .ino = 11};

	(void)state;
	turn_start(s);
	io_read(s, 11, GET("/"));
	stream_feed(s, &rec.head, LG_REC_IO, sizeof(rec));
	run_ms(s, 30);
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_stall(s, "c1-1", 30, EXACT, CPU);
	assert_int_equal(s->requests[0].done.status, 200);
	stream_free(s);
}

/* A connection of the client at this port, with a request in flight. */
static void client_seen(struct stream *s, uint64_t ino, uint16_t port, const char *head)
{
	struct lg_rec_conn rec = {.pid = STREAM_PID, .tid = s->tid, .origin = LG_CONN_SEEN};

	rec.peer = (struct lg_target){.kind = LG_TARGET_INET, .ino = ino, .port = port, .addr = {127, 0, 0, 1}};
	stream_feed(s, &rec.head, LG_REC_CONN, sizeof(rec));
	turn_start(s);
	io_read(s, ino, head);
	turn_stop(s);
}

/* The runtime says that it works for the client at this port. */
static void burn_for_port(struct stream *s, uint16_t port)
{
	struct lg_rec_owner rec = {.pid = STREAM_PID, .tid = s->tid, .answer = LG_ANSWER_CONN, .port = port};

	rec.sure = LG_SURE_EXACT;
	rec.stage = LG_STAGE_WAITING;
	turn_start(s);
	run_ms(s, 30);
	stream_feed(s, &rec.head, LG_REC_OWNER, sizeof(rec));
	turn_stop(s);
}

/* As it is now, and only where one client has it; ports whose connections share a list are told apart. */
static void client_by_its_port(void **state)
{
	const uint16_t port = 1234, other = port + CONN_PORTS, later = port + 1;
	struct stream *s = stream_new(LG_RT_CPYTHON);

	(void)state;
	client_seen(s, 11, port, GET("/1"));
	client_seen(s, 12, other, GET("/2"));
	burn_for_port(s, other);
	assert_stall(s, "c2-1", 30, EXACT, CPU);
	burn_for_port(s, port);
	assert_stall(s, "c1-1", 30, EXACT, CPU);
	client_seen(s, 12, later, "");
	burn_for_port(s, other);
	assert_stall(s, "", 30, NONE, CPU);
	burn_for_port(s, later);
	assert_stall(s, "c2-1", 30, EXACT, CPU);
	client_seen(s, 13, port, GET("/3"));
	burn_for_port(s, port);
	assert_stall(s, "", 30, NONE, CPU);
	stream_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles),
		cmocka_unit_test(http_is_seen_late),
		cmocka_unit_test(our_own_requests),
		cmocka_unit_test(waiters_in_order),
		cmocka_unit_test(unknown_asker),
		cmocka_unit_test(asker_has_ended),
		cmocka_unit_test(backend_over_tls),
		cmocka_unit_test(inode_comes_again),
		cmocka_unit_test(copy_is_closed_elsewhere),
		cmocka_unit_test(client_by_its_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
