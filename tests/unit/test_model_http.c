/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests on connections: where each begins and ends, whatever pieces the bytes come in. */
#include "model_stream.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

static uint64_t in_flight(struct stream *s)
{
	struct model_summary sum;
	uint64_t n;

	assert_int_equal(model_summary(s->model, s->now_ns, &sum), 0);
	n = sum.nr_in_flight;
	model_summary_fini(&sum);
	return n;
}

static void keep_alive(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	for (int i = 0; i < 3; i++) {
		turn_start(s);
		io_read(s, 11, GET("/x"));
		run_ms(s, 1);
		io_write(s, 11, RESPONSE_200);
		turn_stop(s);
	}
	assert_int_equal(s->nr_requests, 3);
	assert_string_equal(s->requests[0].request.id, "c1-1");
	assert_string_equal(s->requests[2].request.id, "c1-3");
	assert_int_equal(s->requests[2].done.confidence, LG_SURE_EXACT);
	assert_int_equal(s->requests[2].done.delay_ns, 0);
	assert_int_equal(in_flight(s), 0);
	stream_free(s);
}

/* Three heads in one read, answered by one write each, then by one write for all. */
static void pipelining(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	io_read(s, 11, GET("/1") GET("/2") GET("/3"));
	for (int i = 0; i < 3; i++) {
		run_ms(s, 30);
		io_write(s, 11, RESPONSE_200);
	}
	turn_stop(s);
	assert_int_equal(s->nr_requests, 3);
	assert_int_equal(s->nr_stalls, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(s->stalls[i].request.path[1], '1' + i);
		assert_int_equal(s->stalls[i].stall.confidence, LG_SURE_LIKELY);
		assert_int_equal(s->stalls[i].stall.duration_ns, 30 * MS);
	}
	assert_int_equal(s->requests[2].done.duration_ns, 90 * MS);
	assert_int_equal(s->requests[2].done.delay_ns, 60 * MS);
	turn_start(s);
	io_read(s, 11, GET("/4") GET("/5") GET("/6"));
	io_write(s, 11, RESPONSE_200 RESPONSE_200 RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_requests, 6);
	assert_string_equal(s->requests[5].request.path, "/6");
	assert_int_equal(s->requests[5].done.status, 200);
	stream_free(s);
}

/* Several responses in one write: chunks end where the next response begins. */
static void pipelined_chunks(void **state)
{
	const char *one = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
			  "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	io_read(s, 11, GET("/1") GET("/2"));
	io_write(s, 11, one);
	turn_stop(s);
	assert_int_equal(s->nr_requests, 2);
	assert_int_equal(s->requests[0].done.status, 200);
	assert_int_equal(s->requests[1].done.status, 404);
	stream_free(s);
}

/* The next response shows that one with an open end is over. */
static void pipelined_open_end(void **state)
{
	const char *head = "HTTP/1.1 200 OK\r\nX-Long: ";
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	io_read(s, 11, GET("/1") GET("/2"));
	io_raw(s, LG_IO_WRITE, 0, 11, head, strlen(head), 900);
	io_write(s, 11, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
	turn_stop(s);
	assert_int_equal(s->nr_requests, 2);
	assert_int_equal(s->requests[0].done.status, 200);
	assert_int_equal(s->requests[1].done.status, 404);
	stream_free(s);
}

static void partial_head_in_four_reads(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET /pa");
	assert_int_equal(in_flight(s), 0);
	io_read(s, 11, "rt HTTP/1.1\r\nX-Req");
	turn_stop(s);
	turn_start(s);
	io_read(s, 11, "uest-ID: four");
	run_ms(s, 1);
	io_read(s, 11, "-reads\r\n\r\n");
	assert_int_equal(in_flight(s), 1);
	run_ms(s, 30);
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_stall(s, "four-reads", 31, EXACT, CPU);
	assert_string_equal(s->requests[0].request.path, "/part");
	assert_int_equal(s->requests[0].done.duration_ns, 30 * MS);
	assert_int_equal(s->requests[0].done.hold_ns, 31 * MS);
	stream_free(s);
}

/* A read that begins a request holds more than was captured: the rest of its body is counted. */
static void body_with_gap(void **state)
{
	const char *head = "POST /up HTTP/1.1\r\nContent-Length: 100000\r\n\r\n";
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	io_raw(s, LG_IO_READ, 0, 11, head, strlen(head), strlen(head) + 60000);
	io_blind(s, LG_IO_READ, 11, 39999);
	io_raw(s, LG_IO_READ, 0, 11, "x" GET("/next"), 1 + strlen(GET("/next")), 1 + strlen(GET("/next")));
	io_write(s, 11, RESPONSE_200 RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_requests, 2);
	assert_string_equal(s->requests[0].request.path, "/up");
	assert_string_equal(s->requests[1].request.path, "/next");
	stream_free(s);
}

/* After a hole where the bytes matter, the next request is found again once the response was written. */
static void found_again_after_a_hole(void **state)
{
	const char *head = "POST /up HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
	const char *cut = "GET /long HTTP/1.1\r\nCookie: ";
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	io_raw(s, LG_IO_READ, 0, 11, head, strlen(head), 50000);
	/* Data that looks like a request. */
	io_read(s, 11, GET("/fake"));
	assert_int_equal(in_flight(s), 1);
	io_write(s, 11, RESPONSE_200);
	io_raw(s, LG_IO_READ, 0, 11, cut, strlen(cut), 9000);
	io_blind(s, LG_IO_READ, 11, 500);
	io_write(s, 11, RESPONSE_200);
	io_read(s, 11, GET("/next"));
	io_write(s, 11, RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_requests, 3);
	assert_string_equal(s->requests[0].request.path, "/up");
	assert_string_equal(s->requests[1].request.path, "/long");
	assert_string_equal(s->requests[2].request.path, "/next");
	stream_free(s);
}

/* Responses by how they say where they end. */
static const struct response_row {
	const char *request;
	struct {
		const char *data; /* what is captured */
		uint64_t more;    /* bytes beyond it */
		const char *tail;
	} writes[4];
	int in_flight[4]; /* after each write, in a turn of its own */
	int status;
} response_rows[] = {
	{GET("/"),
	 {{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", 0, ""}, {"", 4, "abcd"}, {"", 6, "efghij"}},
	 {1, 1, 0},
	 200},
	{"HEAD / HTTP/1.1\r\n\r\n", {{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", 0, ""}}, {0}, 200},
	{GET("/"), {{"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", 0, ""}}, {0}, 304},
	{GET("/"),
	 {{"HTTP/1.1 100 Continue\r\n\r\n", 0, ""}, {"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 0, ""}},
	 {1, 0},
	 201},
	{GET("/"), {{"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\n", 3, ""}}, {0}, 404},
	/* chunks: whole in one write; the last by its length, by its end, and with data before it */
	{GET("/"), {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 0, ""}}, {0}, 200},
	{GET("/"),
	 {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, ""}, {"", 600, "10\r\n\r\n"}, {"", 5, ""}},
	 {1, 1, 0},
	 200},
	{GET("/"), {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 600, "x\r\n0\r\n\r\n"}}, {0}, 200},
	{GET("/"),
	 {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, ""}, {"", 5, "0\r\n\r\n"}},
	 {1, 0},
	 200},
	/* open ends: not in flight between writes */
	{GET("/"), {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, ""}, {"", 600, ""}}, {1, 0}, 200},
	{GET("/"), {{"HTTP/1.1 200 OK\r\nX-Long: ", 900, "xxxxxxxx"}, {"", 900, ""}}, {0, 0}, 200},
	{GET("/"), {{"", 900, ""}}, {0}, 0},
	{GET("/"), {{"HTTP/1.0 200 OK\r\n\r\n", 5, ""}, {"", 10, ""}}, {1, 1}, 200},
};

/* A turn for each write: when does the request stop to be in flight? */
static void response_ends(void **state)
{

	(void)state;
	for (size_t i = 0; i < sizeof(response_rows) / sizeof(*response_rows); i++) {
		const struct response_row *row = &response_rows[i];
		struct stream *s = stream_new(LG_RT_NODE);

		turn_start(s);
		io_read(s, 11, row->request);
		turn_stop(s);
		for (int j = 0; j < 4 && row->writes[j].data; j++) {
			size_t n = strlen(row->writes[j].data);

			turn_start(s);
			io_write_tail(s, 11, row->writes[j].data, n, n + row->writes[j].more, row->writes[j].tail);
			turn_stop(s);
			if ((int)in_flight(s) != row->in_flight[j])
				fail_msg("row %zu, write %d", i, j);
		}
		turn_start(s);
		io_close(s, 11);
		turn_stop(s);
		assert_int_equal(s->nr_requests, 1);
		assert_int_equal(s->requests[0].done.status, row->status);
		assert_int_equal(in_flight(s), 0);
		stream_free(s);
	}
}

/* An open end is closed by the next head, as of the last write. */
static void open_end(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);
	const char *head = "HTTP/1.1 200 OK\r\nX-Long: ";

	(void)state;
	turn_start(s);
	io_read(s, 11, GET("/1"));
	run_ms(s, 3);
	io_raw(s, LG_IO_WRITE, 0, 11, head, strlen(head), 5000);
	turn_stop(s);
	assert_int_equal(s->nr_requests, 0);
	turn_start(s);
	io_read(s, 12, GET("/other"));
	run_ms(s, 40);
	turn_stop(s);
	assert_stall(s, "c2-1", 40, LIKELY, CPU);
	assert_int_equal(s->stalls[0].stall.nr_victims, 0);
	turn_start(s);
	io_read(s, 11, GET("/2"));
	turn_stop(s);
	assert_int_equal(s->nr_requests, 1);
	assert_int_equal(s->requests[0].done.duration_ns, 3 * MS);
	assert_int_equal(s->requests[0].done.delay_ns, 0);
	assert_int_equal(in_flight(s), 2);
	/* Written to in the turn, but before the stall: it did not wait. */
	turn_start(s);
	io_raw(s, LG_IO_WRITE, 0, 11, head, strlen(head), 5000);
	io_read(s, 13, GET("/third"));
	run_ms(s, 40);
	io_write(s, 13, RESPONSE_200);
	turn_stop(s);
	assert_stall(s, "c3-1", 40, LIKELY, CPU);
	assert_int_equal(s->stalls[1].stall.nr_victims, 1);
	assert_string_equal(s->stalls[1].victims[0], "c2-1");
	assert_int_equal(s->nr_requests, 2);
	/* The thread ends: so does what was set aside. */
	thread_event(s, LG_THREAD_EXIT);
	assert_int_equal(s->nr_requests, 4);
	io_close(s, 11);
	io_close(s, 12);
	stream_free(s);
}

static void http10(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET /old HTTP/1.0\r\n\r\n");
	run_ms(s, 2);
	io_write(s, 11, "HTTP/1.0 200 OK\r\n\r\nbody");
	turn_stop(s);
	assert_int_equal(in_flight(s), 1);
	turn_start(s);
	io_close(s, 11);
	turn_stop(s);
	assert_int_equal(s->nr_requests, 1);
	assert_int_equal(s->requests[0].done.duration_ns, 2 * MS);
	stream_free(s);
}

/* After 101 the connection's reads are that request's, which is no longer in flight. */
static void websocket(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	io_write(s, 11, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	turn_stop(s);
	assert_int_equal(s->nr_requests, 1);
	assert_int_equal(s->requests[0].done.status, 101);
	assert_int_equal(in_flight(s), 0);
	turn_start(s);
	io_read(s, 11, "GET /not-a-request HTTP/1.1\r\n\r\n");
	run_ms(s, 30);
	turn_stop(s);
	assert_stall(s, "c1-1", 30, LIKELY, CPU);
	assert_string_equal(s->stalls[0].request.path, "/ws");
	assert_int_equal(in_flight(s), 0);
	stream_free(s);
}

static void closed_before_the_answer(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	io_read(s, 11, GET("/"));
	turn_stop(s);
	turn_start(s);
	io_blind(s, LG_IO_READ, 11, 0);
	turn_stop(s);
	assert_int_equal(s->nr_requests, 0);
	turn_start(s);
	io_close(s, 11);
	assert_int_equal(s->nr_requests, 0);
	turn_stop(s);
	assert_int_equal(s->nr_requests, 1);
	assert_int_equal(s->requests[0].done.status, 0);
	assert_int_equal(s->requests[0].done.duration_ns, 10 * MS);
	stream_free(s);
}

/* Ciphertext makes edges but is no content; plaintext comes in records of its own. */
static void tls(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	io_accept(s, 11);
	turn_stop(s);
	turn_start(s);
	io_blind(s, LG_IO_READ, 11, 517); /* the handshake, before TLS was known */
	io_blind(s, LG_IO_WRITE, 11, 2000);
	turn_stop(s);
	turn_start(s);
	io_raw(s, LG_IO_READ, LG_IO_CIPHER, 11, NULL, 0, 200);
	io_raw(s, LG_IO_READ, LG_IO_TLS, 11, GET("/tls"), strlen(GET("/tls")), strlen(GET("/tls")));
	run_ms(s, 30);
	io_raw(s, LG_IO_WRITE, LG_IO_TLS, 11, RESPONSE_200, strlen(RESPONSE_200), strlen(RESPONSE_200));
	io_raw(s, LG_IO_WRITE, LG_IO_CIPHER, 11, NULL, 0, 100);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 1);
	assert_stall(s, "c1-1", 30, EXACT, CPU);
	assert_int_equal(s->nr_requests, 1);
	assert_int_equal(s->requests[0].done.status, 200);
	stream_free(s);
}

/* Bytes that are no HTTP: nothing is claimed, and the next request is found. */
static void hostile_bytes(void **state)
{
	static const char *const rows[] = {
		"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
		"GET \xff\xfe\x00 HTTP/1.1\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzzz",
		"GET / HTTP/1.1\nBroken\r\n : \r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct stream *s = stream_new(LG_RT_NGINX);

		turn_start(s);
		io_read(s, 11, rows[i]);
		run_ms(s, 25);
		io_write(s, 11, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
		turn_stop(s);
		assert_int_equal(s->nr_stalls, 1);
		turn_start(s);
		io_read(s, 11, GET("/after"));
		io_write(s, 11, RESPONSE_200);
		turn_stop(s);
		assert_true(s->nr_requests >= 1);
		assert_string_equal(s->requests[s->nr_requests - 1].request.path, "/after");
		stream_free(s);
	}
}

static void pipelining_flood(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	turn_start(s);
	for (int i = 0; i < 3000; i++)
		io_read(s, 11, GET("/flood"));
	turn_stop(s);
	assert_int_equal(in_flight(s), 1024);
	io_close(s, 11);
	turn_stop(s);
	assert_int_equal(in_flight(s), 0);
	assert_int_equal(s->nr_requests, 1024);
	stream_free(s);
}

/* Connections beyond the bound push out the one idle longest. */
static void connection_flood(void **state)
{
	struct stream *s = stream_new(LG_RT_NGINX);

	(void)state;
	for (int i = 0; i < 70000; i++)
		conn_seen(s, 1000 + i, LG_CONN_ACCEPTED, LG_TARGET_INET);
	turn_start(s);
	io_read(s, 1000, GET("/back"));
	io_write(s, 1000, RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_requests, 1);
	assert_int_equal(s->requests[0].request.peer.port, 0);
	stream_free(s);
}

static void own_header_and_patterns(void **state)
{
	static const char *const patterns[] = {"/p/*", NULL};
	const struct model_opts opts = {
		.threshold_ns = 20 * MS, .id_header = "call-id", .route_patterns = patterns, .max_routes = 2};
	struct stream *s = stream_open(&opts, LG_RT_NGINX);
	struct model_summary sum;

	(void)state;
	turn_start(s);
	io_read(s, 11, "GET /p/a/b HTTP/1.1\r\nCall-ID: me\r\nX-Request-ID: not\r\n\r\n" GET("/a") GET("/b") GET("/c"));
	io_write(s, 11, RESPONSE_200 RESPONSE_200 RESPONSE_200 RESPONSE_200);
	turn_stop(s);
	assert_int_equal(s->nr_requests, 4);
	assert_string_equal(s->requests[0].request.id, "me");
	assert_string_equal(s->requests[0].request.route, "/p/*");
	assert_int_equal(model_summary(s->model, s->now_ns, &sum), 0);
	assert_int_equal(sum.nr_routes, 3);
	for (size_t i = 0; i < sum.nr_routes; i++)
		if (!strcmp(sum.routes[i].route, "_other"))
			assert_int_equal(sum.routes[i].count, 2);
	model_summary_fini(&sum);
	stream_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keep_alive),
		cmocka_unit_test(pipelining),
		cmocka_unit_test(pipelined_chunks),
		cmocka_unit_test(pipelined_open_end),
		cmocka_unit_test(partial_head_in_four_reads),
		cmocka_unit_test(body_with_gap),
		cmocka_unit_test(found_again_after_a_hole),
		cmocka_unit_test(response_ends),
		cmocka_unit_test(open_end),
		cmocka_unit_test(http10),
		cmocka_unit_test(websocket),
		cmocka_unit_test(closed_before_the_answer),
		cmocka_unit_test(tls),
		cmocka_unit_test(hostile_bytes),
		cmocka_unit_test(pipelining_flood),
		cmocka_unit_test(connection_flood),
		cmocka_unit_test(own_header_and_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
