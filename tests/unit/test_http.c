/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP reader on bytes with and without holes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/http.h"

static struct http_span span_of(const char *text)
{
	return (struct http_span){.data = (const uint8_t *)text, .captured = strlen(text), .bytes = strlen(text)};
}

static enum http_result read_one(struct http_parser *p, const char *text, struct model_request *out)
{
	struct http_span span = span_of(text);

	http_read_body(p, &span);
	return span.bytes ? http_read_head(p, &span, out) : HTTP_MORE;
}

#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

static void heads(void **state)
{
	static const struct {
		const char *head, *method, *path, *id, *trace;
	} rows[] = {
		{"GET / HTTP/1.1\r\n\r\n", "GET", "/", "", ""},
		{"GET /a/b?c=/d#e HTTP/1.0\r\n\r\n", "GET", "/a/b", "", ""},
		{"GET http://h:80/x/y?z HTTP/1.1\r\n\r\n", "GET", "/x/y", "", ""},
		{"GET http://h HTTP/1.1\r\n\r\n", "GET", "/", "", ""},
		{"GET http://h?q=1 HTTP/1.1\r\n\r\n", "GET", "/", "", ""},
		{"OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS", "*", "", ""},
		{"CONNECT h:443 HTTP/1.1\r\n\r\n", "CONNECT", "h:443", "", ""},
		{"DELETE /x HTTP/1.1\r\nX-REQUEST-ID:  a b \t\r\n\r\n", "DELETE", "/x", "a b", ""},
		{"GET /x HTTP/1.1\r\nx-request-id: 1\r\nx-request-id: 2\r\n\r\n", "GET", "/x", "1", ""},
		{"GET /x HTTP/1.1\r\nx-request-id:\r\nx-request-id: 2\r\n\r\n", "GET", "/x", "2", ""},
		{"GET /x HTTP/1.1\r\nx-request-idx: 1\r\n\r\n", "GET", "/x", "", ""},
		{"GET / HTTP/1.1\r\nTraceparent: 00-" TRACE "-" PARENT "-01\r\n\r\n", "GET", "/", TRACE, TRACE},
		{"GET / HTTP/1.1\r\ntraceparent: 01-" TRACE "-" PARENT "-01-x\r\nX-Request-Id: r\r\n\r\n", "GET", "/",
		 "r", TRACE},
		{"GET / HTTP/1.1\r\ntraceparent: ff-" TRACE "-" PARENT "-01\r\n\r\n", "GET", "/", "", ""},
		{"GET / HTTP/1.1\r\ntraceparent: 00-00000000000000000000000000000000-" PARENT "-01\r\n\r\n", "GET", "/",
		 "", ""},
		{"GET / HTTP/1.1\r\ntraceparent: 00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01\r\n\r\n", "GET", "/",
		 "", ""},
		{"GET / HTTP/1.1\r\ntraceparent: 00-" TRACE "-" PARENT "\r\n\r\n", "GET", "/", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		/* Whole, and cut into two reads at each place. */
		for (size_t cut = 0; cut < strlen(rows[i].head); cut++) {
			struct model_request r = {0};
			struct http_parser p;
			struct http_span first = span_of(rows[i].head);

			first.captured = first.bytes = cut;
			http_init(&p, "x-request-id");
			if (cut)
				assert_int_equal(http_read_head(&p, &first, &r), HTTP_MORE);
			assert_int_equal(read_one(&p, rows[i].head + cut, &r), HTTP_DONE);
			assert_string_equal(r.method, rows[i].method);
			assert_string_equal(r.path, rows[i].path);
			assert_string_equal(r.id, rows[i].id);
			assert_string_equal(r.trace_id, rows[i].trace);
			assert_int_equal(p.state, HTTP_IN_HEAD);
		}
	}
}

static void header_name_of_choice(void **state)
{
	struct model_request r = {0};
	struct http_parser p;

	(void)state;
	http_init(&p, "Call-Id");
	assert_int_equal(read_one(&p, "GET / HTTP/1.1\r\nx-request-id: 1\r\ncall-id: 2\r\n\r\n", &r), HTTP_DONE);
	assert_string_equal(r.id, "2");
}

/* Long targets, header names and ids are cut; nothing is written past its end. */
static void long_fields(void **state)
{
	char *text = malloc(20000), long_run[5001] = {0};
	struct model_request r = {0};
	struct http_parser p;

	(void)state;
	memset(long_run, 'i', 5000);
	sprintf(text, "GET /%s HTTP/1.1\r\n%s: v\r\nx-request-id: %s\r\n\r\n", long_run, long_run, long_run);
	http_init(&p, "x-request-id");
	assert_int_equal(read_one(&p, text, &r), HTTP_DONE);
	assert_int_equal(strlen(r.path), MODEL_PATH_LEN - 1);
	assert_int_equal(strlen(r.id), MODEL_ID_LEN - 1);
	assert_int_equal(r.id[62], 'i');
	free(text);
}

static void pipelined(void **state)
{
	struct http_span span = span_of("GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
					"GET /3 HTTP/1.1\r\n\r\n");
	const char *paths[] = {"/1", "/2", "/3"};
	struct http_parser p;

	(void)state;
	http_init(&p, "x-request-id");
	for (int i = 0; i < 3; i++) {
		struct model_request r = {0};

		http_read_body(&p, &span);
		assert_int_equal(http_read_head(&p, &span, &r), HTTP_DONE);
		assert_string_equal(r.path, paths[i]);
	}
	assert_int_equal(span.bytes, 0);
}

/* The bytes of a counted body need not be known, however many they are. */
static void body_with_a_hole(void **state)
{
	struct http_span hole = {.data = (const uint8_t *)"x", .captured = 1, .bytes = 1ull << 60};
	struct model_request r = {0};
	struct http_parser p;

	(void)state;
	http_init(&p, "x-request-id");
	assert_int_equal(read_one(&p, "PUT / HTTP/1.1\r\nContent-Length: 1152921504606846980\r\n\r\nabc", &r),
			 HTTP_DONE);
	assert_int_equal(p.state, HTTP_IN_BODY);
	read_one(&p, "abc", &r);
	http_read_body(&p, &hole);
	assert_int_equal(p.state, HTTP_IN_BODY);
	memset(&r, 0, sizeof(r));
	assert_int_equal(read_one(&p, "1GET /next HTTP/1.1\r\n\r\n", &r), HTTP_DONE);
	assert_string_equal(r.path, "/next");
}

static void chunked(void **state)
{
	const char *text = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nGET /\r\n0\r\nT: v\r\n\r\n";

	(void)state;
	for (size_t step = 1; step < strlen(text); step++) {
		struct model_request r = {0};
		struct http_parser p;
		int heads = 0;

		http_init(&p, "x-request-id");
		for (size_t at = 0; at < strlen(text); at += step) {
			size_t n = step < strlen(text) - at ? step : strlen(text) - at;
			struct http_span span = {(const uint8_t *)text + at, n, n};

			http_read_body(&p, &span);
			if (span.bytes)
				heads += http_read_head(&p, &span, &r) == HTTP_DONE;
			http_read_body(&p, &span);
			assert_int_equal(span.bytes, 0);
		}
		assert_int_equal(heads, 1);
		assert_int_equal(p.state, HTTP_IN_HEAD);
	}
}

static void chunked_with_a_hole(void **state)
{
	struct model_request r = {0};
	struct http_span hole = span_of("5\r\nhe");
	struct http_parser p;

	(void)state;
	http_init(&p, "x-request-id");
	assert_int_equal(read_one(&p, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", &r), HTTP_DONE);
	assert_int_equal(p.state, HTTP_IN_CHUNKS);
	hole.bytes += 100;
	http_read_body(&p, &hole);
	assert_int_equal(hole.bytes, 0);
	assert_int_equal(p.state, HTTP_IN_DOUBT);
}

static void head_with_a_hole(void **state)
{
	static const struct {
		const char *known;
		enum http_result result;
		const char *path;
	} rows[] = {
		{"GET /a/b HTTP/1.1\r\nx-request-id: 7\r\nCookie: abc", HTTP_DONE, "/a/b"},
		{"GET /a/b HTTP/1.1\r\n", HTTP_DONE, "/a/b"},
		{"GET /a/b", HTTP_FAIL, NULL},
		{"GE", HTTP_FAIL, NULL},
		{"", HTTP_FAIL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct http_span span = span_of(rows[i].known);
		struct model_request r = {0};
		struct http_parser p;

		http_init(&p, "x-request-id");
		span.bytes += 1000;
		assert_int_equal(http_read_head(&p, &span, &r), rows[i].result);
		assert_int_equal(p.state, HTTP_IN_DOUBT);
		assert_int_equal(span.bytes, 0);
		if (rows[i].path)
			assert_string_equal(r.path, rows[i].path);
		if (!i)
			assert_string_equal(r.id, "7");
	}
}

static void malformed(void **state)
{
	static const char *const rows[] = {
		"GOT / HTTP/1.1\r\n\r\n",
		"GET\r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct model_request r = {0};
		struct http_parser p;

		http_init(&p, "x-request-id");
		assert_int_equal(read_one(&p, rows[i], &r), HTTP_FAIL);
		assert_int_equal(p.state, HTTP_IN_DOUBT);
		assert_int_equal(read_one(&p, "GET / HTTP/1.1\r\n\r\n", &r), HTTP_MORE);
		http_init(&p, "x-request-id");
		assert_int_equal(read_one(&p, "GET / HTTP/1.1\r\n\r\n", &r), HTTP_DONE);
	}
}

static void responses(void **state)
{
	static const struct {
		const char *head;
		int err, status;
		enum http_end end;
		uint64_t length;
		bool to_head, is_whole;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, 200, HTTP_END_LENGTH, 5, false, true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 0, 200, HTTP_END_LENGTH, 0, true, true},
		{"HTTP/1.1 204 No Content\r\n\r\n", 0, 204, HTTP_END_LENGTH, 0, false, true},
		{"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 0, 304, HTTP_END_LENGTH, 0, false, true},
		{"HTTP/1.1 100 Continue\r\n\r\n", 0, 100, HTTP_END_LENGTH, 0, false, true},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 200, HTTP_END_CHUNKED, 0, false, true},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 200, HTTP_END_LENGTH, 0, true, true},
		{"HTTP/1.0 200 OK\r\n\r\nabc", 0, 200, HTTP_END_CLOSE, 0, false, true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX", 0, 200, HTTP_END_UNKNOWN, 0, false, false},
		{"HTTP/1.1 2", 0, 0, HTTP_END_UNKNOWN, 0, false, false},
		{"HTTP/1.1 what\r\n\r\n", -22, 0, HTTP_END_UNKNOWN, 0, false, false},
		{"HTTP", -22, 0, HTTP_END_UNKNOWN, 0, false, false},
		{"", -22, 0, HTTP_END_UNKNOWN, 0, false, false},
	};

	struct http_memo memo = {0};

	(void)state;
	for (size_t n = 0; n < 2 * sizeof(rows) / sizeof(*rows); n++) {
		size_t i = n / 2; /* the second time it is known */
		struct http_span span = span_of(rows[i].head);
		struct http_response out;
		const char *end = strstr(rows[i].head, "\r\n\r\n");

		assert_int_equal(http_parse_response(&out, &span, rows[i].to_head, &memo), rows[i].err);
		assert_int_equal(out.status, rows[i].status);
		assert_int_equal(out.end, rows[i].end);
		assert_int_equal(out.length, rows[i].length);
		assert_int_equal(out.head_len, rows[i].is_whole ? end + 4 - rows[i].head : 0);
	}
}

static void last_chunk(void **state)
{
	(void)state;
	assert_true(http_is_last_chunk((const uint8_t *)"x\r\n0\r\n\r\n", 8));
	assert_true(http_is_last_chunk((const uint8_t *)"\r\n0\r\n\r\n", 7));
	assert_true(http_is_last_chunk((const uint8_t *)"0\r\n\r\n", 5));
	/* Data that ends with "0\r\n" and the end of its chunk. */
	assert_false(http_is_last_chunk((const uint8_t *)"910\r\n\r\n", 7));
	assert_false(http_is_last_chunk((const uint8_t *)"10\r\n\r\n", 6));
	assert_false(http_is_last_chunk((const uint8_t *)"\n", 1));
}

static void begins(void **state)
{
	static const char *const requests[] = {"GET /", "POST /", "PUT /", "OPTIONS *", "CONNECT h"};
	static const char *const others[] = {"GET", "get /", "GETX /", "HTTP/1.1 200", "", "\r\nGET /"};
	struct http_span span;

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		span = span_of(requests[i]);
		assert_true(http_is_request(&span));
		assert_false(http_is_response(&span));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		span = span_of(others[i]);
		assert_false(http_is_request(&span));
	}
	span = span_of("HTTP/1.1 200");
	assert_true(http_is_response(&span));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads),
		cmocka_unit_test(header_name_of_choice),
		cmocka_unit_test(long_fields),
		cmocka_unit_test(pipelined),
		cmocka_unit_test(body_with_a_hole),
		cmocka_unit_test(chunked),
		cmocka_unit_test(chunked_with_a_hole),
		cmocka_unit_test(head_with_a_hole),
		cmocka_unit_test(malformed),
		cmocka_unit_test(responses),
		cmocka_unit_test(last_chunk),
		cmocka_unit_test(begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
