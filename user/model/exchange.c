/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests in, responses out. */
#include "model/exchange.h"

#include <string.h>

#include "model/loop.h"
#include "model/state.h"

#define MAX_UNANSWERED 1024 /* on one connection; servers give up pipelining far below */

struct http_span exchange_span(const struct lg_rec_io *io)
{
	return (struct http_span){
		.data = io->data,
		.captured = io->captured < io->bytes ? io->captured : io->bytes,
		.bytes = io->bytes,
	};
}

static char *number_put(char *at, uint64_t n)
{
	char digits[20];
	int nr = 0;

	do
		digits[nr++] = (char)('0' + n % 10);
	while (n /= 10);
	while (nr)
		*at++ = digits[--nr];
	return at;
}

/* "c<connection>-<number>". Of every request, so it does without printf. */
static void request_name(struct request *r, uint64_t conn, uint64_t number)
{
	char *at = r->who.id;

	*at++ = 'c';
	at = number_put(at, conn);
	*at++ = '-';
	at = number_put(at, number);
	*at = '\0';
}

/* Before a head is read: the request that it will be. */
static struct request *request_form(struct model *m, struct conn *c)
{
	struct request *r;

	if (c->forming || c->nr_unanswered >= MAX_UNANSWERED)
		return c->forming;
	r = request_new(m);
	if (!r)
		return NULL;
	request_name(r, c->number, ++c->nr_requests);
	r->who.peer = c->peer;
	if (c->last && c->last->has_ended)
		r->asked_ns = c->last->end_ns;
	c->forming = r;
	return r;
}

/* The front was answered as far as can be seen: another request or response shows that there is no more. */
static void front_give_up(struct model *m, struct conn *c)
{
	struct request *front = conn_front(c);

	request_end(m, front, front->write_ns);
	c->response = RESPONSE_NONE;
}

/* Only servers that are asked whose code runs tell of requests that go on behind the newest one. */
static void last_replace(struct model *m, struct conn *c, const struct loop *l, struct request *r)
{
	if ((l->runtime == LG_RT_CPYTHON || l->runtime == LG_RT_NODE) && c->last) {
		request_put(m, c->before[CONN_BEFORE - 1]);
		memmove(c->before + 1, c->before, (CONN_BEFORE - 1) * sizeof(*c->before));
		c->before[0] = c->last;
	} else {
		request_put(m, c->last);
	}
	c->last = request_get(r);
}

static void head_done(struct model *m, struct conn *c, struct loop *l, const struct lg_rec_io *io)
{
	struct request *r = c->forming, *front = conn_front(c);

	c->forming = NULL;
	if (c->nr_unanswered == 1 && (front->has_open_end || c->response == RESPONSE_CLOSE))
		front_give_up(m, c);
	last_replace(m, c, l, r);
	r->waited_ns = io->waited_ns;
	request_begin(m, r, c, l, io->head.time_ns);
}

/* After a hole or an error, a request is believed to begin when no response is outstanding. */
static bool parser_resume(struct model *m, struct conn *c, const struct http_span *span)
{
	if (c->parser.state != HTTP_IN_DOUBT)
		return true;
	if (!http_is_request(span) || c->nr_unanswered > 1 || (c->nr_unanswered && c->response == RESPONSE_NONE))
		return false;
	if (c->nr_unanswered)
		front_give_up(m, c);
	http_init(&c->parser, m->opts.id_header);
	return true;
}

/* Returns whether a head ended in the span. */
static bool heads_read(struct model *m, struct conn *c, struct loop *l, struct http_span *span,
		       const struct lg_rec_io *io)
{
	bool any = false;

	for (;;) {
		enum http_result result = HTTP_FAIL;

		http_read_body(&c->parser, span);
		if (!span->bytes)
			return any;
		if (request_form(m, c))
			result = http_read_head(&c->parser, span, &c->forming->who);
		else
			c->parser.state = HTTP_IN_DOUBT;
		if (result == HTTP_DONE) {
			head_done(m, c, l, io);
			any = true;
		} else if (result == HTTP_FAIL) {
			request_put(m, c->forming);
			c->forming = NULL;
		}
	}
}

struct request *exchange_read(struct model *m, struct conn *c, struct loop *l, const struct lg_rec_io *io)
{
	struct http_span span = exchange_span(io);

	if (c->is_upgraded)
		return c->last;
	if (io->flags & LG_IO_CIPHER || !parser_resume(m, c, &span))
		return c->last && !c->last->has_ended ? c->last : NULL;
	if (heads_read(m, c, l, &span, io))
		return c->last;
	if (c->forming)
		return c->forming;
	return c->last && !c->last->has_ended ? c->last : NULL;
}

static void response_end(struct model *m, struct conn *c, uint64_t now_ns)
{
	request_end(m, conn_front(c), now_ns);
	c->response = RESPONSE_NONE;
}

/* The head of the response to the front; what follows it stays in the span. */
static void response_begin(struct model *m, struct conn *c, struct http_span *span, uint64_t now_ns)
{
	static const uint8_t states[] = {
		[HTTP_END_LENGTH] = RESPONSE_LENGTH,
		[HTTP_END_CHUNKED] = RESPONSE_CHUNKED,
		[HTTP_END_CLOSE] = RESPONSE_CLOSE,
		[HTTP_END_UNKNOWN] = RESPONSE_OPEN,
	};
	struct request *r = conn_front(c);
	bool is_connect = !strcmp(r->who.method, "CONNECT");
	struct http_response head;

	if (http_parse_response(&head, span, !strcmp(r->who.method, "HEAD"), &m->responses)) {
		c->response = RESPONSE_OPEN;
		return;
	}
	http_span_skip(span, head.head_len);
	if (head.status / 100 == 1 && head.status != 101 && head.head_len)
		return;
	r->status = head.status;
	r->has_open_end = false;
	c->response = states[head.end];
	c->left = head.length;
	if (head.status == 101 || (is_connect && head.status / 100 == 2)) {
		c->is_upgraded = true;
		http_span_skip(span, span->bytes);
		response_end(m, c, now_ns);
	}
}

/* The last bytes of a write, at most eight: returns how many are known. */
static size_t write_end(const struct lg_rec_io *io, const uint8_t **end)
{
	static const uint8_t none[sizeof(io->tail)];
	size_t n = io->bytes < sizeof(io->tail) ? io->bytes : sizeof(io->tail);

	if (io->bytes <= io->captured) {
		*end = io->data + io->bytes - n;
		return n;
	}
	*end = io->tail + sizeof(io->tail) - n;
	return memcmp(io->tail, none, sizeof(none)) ? n : 0;
}

/* Where in the known bytes the chunks end with another response behind them; 0: nowhere. */
static uint64_t chunks_find_end(const struct http_span *span)
{
	static const char last[] = "0\r\n\r\nHTTP/1.";
	const uint8_t *at = memmem(span->data, span->captured, last, sizeof(last) - 1);

	return at ? (uint64_t)(at - span->data) + 5 : 0;
}

static void chunks_take(struct model *m, struct conn *c, struct http_span *span, const struct lg_rec_io *io)
{
	uint64_t n = c->nr_unanswered > 1 ? chunks_find_end(span) : 0;
	const uint8_t *end;
	size_t known = write_end(io, &end);

	if (n) {
		http_span_skip(span, n);
		response_end(m, c, io->head.time_ns);
		return;
	}
	http_span_skip(span, span->bytes);
	conn_front(c)->has_open_end = !known && io->bytes != 5;
	/* A chunk with data has six bytes at least: what is written in five is the last chunk. */
	if (known ? http_is_last_chunk(end, known) : io->bytes == 5)
		response_end(m, c, io->head.time_ns);
}

static void response_take(struct model *m, struct conn *c, struct http_span *span, const struct lg_rec_io *io)
{
	uint64_t n;

	switch (c->response) {
	case RESPONSE_LENGTH:
		n = span->bytes < c->left ? span->bytes : c->left;
		c->left -= n;
		http_span_skip(span, n);
		if (!c->left)
			response_end(m, c, io->head.time_ns);
		break;
	case RESPONSE_CHUNKED:
		chunks_take(m, c, span, io);
		break;
	case RESPONSE_OPEN:
		conn_front(c)->has_open_end = true;
		http_span_skip(span, span->bytes);
		break;
	default:
		http_span_skip(span, span->bytes);
		break;
	}
}

void exchange_write(struct model *m, struct conn *c, const struct lg_rec_io *io)
{
	struct http_span span = exchange_span(io);

	if (io->flags & LG_IO_CIPHER || !span.bytes)
		return;
	if (c->response != RESPONSE_NONE && c->nr_unanswered && http_is_response(&span)) {
		if (c->nr_unanswered > 1)
			front_give_up(m, c);
		else if (c->response == RESPONSE_OPEN)
			c->response = RESPONSE_NONE;
	}
	while (span.bytes && c->nr_unanswered) {
		struct request *front = request_get(conn_front(c));

		if (c->response == RESPONSE_NONE)
			response_begin(m, c, &span, io->head.time_ns);
		if (!front->has_ended && c->response != RESPONSE_NONE)
			response_take(m, c, &span, io);
		if (!front->has_ended)
			request_write(front, io->head.time_ns);
		request_put(m, front);
	}
}
