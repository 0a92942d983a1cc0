/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes of a connection, as requests and as responses. A byte 0xff ends what one read saw of them, and the byte behind
 * it is how many passed unseen. What is read of a request names its route, by the patterns of the options.
 */
#include "fuzz.h"
#include "model/http.h"
#include "model/route.h"

#define MARK 0xff

static const char *const patterns[] = {"/users/*/items/{item}", "/files/*", "*", NULL};

static void request_check(const struct model_request *r)
{
	char route[MODEL_PATH_LEN];

	FUZZ_CHECK(memchr(r->method, 0, sizeof(r->method)) && r->method[0]);
	FUZZ_CHECK(memchr(r->path, 0, sizeof(r->path)) && !strpbrk(r->path, "?#\r\n "));
	FUZZ_CHECK(memchr(r->id, 0, sizeof(r->id)) && memchr(r->trace_id, 0, sizeof(r->trace_id)));
	FUZZ_CHECK(!strpbrk(r->id, "\r\n"));
	FUZZ_CHECK(!r->trace_id[0] || strspn(r->trace_id, "0123456789abcdef") == 32);
	route_name(NULL, r->path, route);
	FUZZ_CHECK(memchr(route, 0, sizeof(route)));
	route_name(patterns, r->path, route);
	FUZZ_CHECK(memchr(route, 0, sizeof(route)));
}

/* As user/model/edge.c drives it. */
static void requests_read(struct http_parser *p, struct http_span *span, struct model_request *out)
{
	while (span->bytes) {
		uint64_t before = span->bytes;
		enum http_state state = p->state;

		if (state == HTTP_IN_DOUBT && http_is_request(span)) {
			http_init(p, "x-request-id");
			memset(out, 0, sizeof(*out));
		}
		http_read_body(p, span);
		FUZZ_CHECK(span->captured <= span->bytes && span->bytes <= before);
		if (!span->bytes)
			return;
		if (http_read_head(p, span, out) != HTTP_MORE) {
			if (out->method[0])
				request_check(out);
			memset(out, 0, sizeof(*out));
		}
		FUZZ_CHECK(span->captured <= span->bytes && span->bytes < before);
	}
}

static void response_check(const struct http_span *span)
{
	struct http_response response, again;
	struct http_memo memo = {0};

	for (int to_head = 0; to_head < 2; to_head++) {
		if (http_parse_response(&response, span, to_head, &memo))
			continue;
		FUZZ_CHECK(!http_parse_response(&again, span, to_head, &memo));
		FUZZ_CHECK(again.status == response.status && again.end == response.end);
		FUZZ_CHECK(again.length == response.length && again.head_len == response.head_len);
		FUZZ_CHECK(response.head_len <= span->captured);
		FUZZ_CHECK(!response.status || (response.status >= 100 && response.status < 1000));
		FUZZ_CHECK((response.end == HTTP_END_UNKNOWN) == (response.head_len == 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model_request out = {};
	struct http_parser parser;

	http_init(&parser, "x-request-id");
	while (size) {
		const uint8_t *mark = memchr(data, MARK, size);
		size_t known = mark ? (size_t)(mark - data) : size;
		size_t unknown = known + 1 < size ? data[known + 1] : 0;
		char *copy = fuzz_string(data, known);
		struct http_span span = {(uint8_t *)copy, known, known + unknown};

		response_check(&span);
		if (known)
			http_is_last_chunk((uint8_t *)copy + known - (known < 8 ? known : 8), known < 8 ? known : 8);
		requests_read(&parser, &span, &out);
		free(copy);
		known += mark ? 2 : 0;
		data += known < size ? known : size;
		size -= known < size ? known : size;
	}
	return 0;
}
