/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser around llhttp. It pauses llhttp at the end of each head and starts it anew for the next message: only
 * heads and chunked bodies pass through it, everything else is counted.
 */
#include "model/http.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define TRACE_LEN 55 /* version-traceid-parentid-flags of W3C trace context: 2 + 1 + 32 + 1 + 16 + 1 + 2 */

void http_span_skip(struct http_span *span, uint64_t n)
{
	uint64_t known = n < span->captured ? n : span->captured;

	span->data += known;
	span->captured -= known;
	span->bytes -= n < span->bytes ? n : span->bytes;
}

static void span_clear(struct http_span *span)
{
	http_span_skip(span, span->bytes);
}

static bool span_begins(const struct http_span *span, const char *word)
{
	size_t len = strlen(word);

	return span->captured >= len && !memcmp(span->data, word, len);
}

bool http_is_request(const struct http_span *span)
{
	static const char *const methods[] = {"GET ",   "POST ",  "PUT ",     "HEAD ",   "DELETE ",
					      "PATCH ", "TRACE ", "OPTIONS ", "CONNECT "};

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (span_begins(span, methods[i]))
			return true;
	return false;
}

bool http_is_response(const struct http_span *span)
{
	return span_begins(span, "HTTP/1.");
}

/* Appends to a string of `size` bytes; what does not fit is left off. */
static void string_add(char *dst, size_t size, const char *at, size_t len)
{
	size_t used = strnlen(dst, size - 1);

	if (len > size - 1 - used)
		len = size - 1 - used;
	memcpy(dst + used, at, len);
	dst[used + len] = '\0';
}

static int on_url(llhttp_t *ll, const char *at, size_t len)
{
	struct http_parser *p = ll->data;

	string_add(p->out->path, sizeof(p->out->path), at, len);
	return 0;
}

/* Leaves the path of a target: an absolute one loses scheme and host, each its query. */
static void path_trim(char *path)
{
	char *host = path[0] == '/' ? NULL : strstr(path, "://");

	if (host) {
		size_t authority = strcspn(host + 3, "/?#");
		const char *rest = host + 3 + authority;

		memmove(path + (*rest != '/'), rest, strlen(rest) + 1);
		path[0] = '/';
	}
	path[strcspn(path, "?#")] = '\0';
}

static int on_url_complete(llhttp_t *ll)
{
	struct http_parser *p = ll->data;
	const char *method = llhttp_method_name(llhttp_get_method(ll));

	p->url_done = true;
	path_trim(p->out->path);
	string_add(p->out->method, sizeof(p->out->method), method, strlen(method));
	return 0;
}

static int on_header_field(llhttp_t *ll, const char *at, size_t len)
{
	struct http_parser *p = ll->data;

	if (len >= (size_t)HTTP_NAME_LEN - p->name_len) {
		p->name_len = HTTP_NAME_LEN;
		return 0;
	}
	memcpy(p->name + p->name_len, at, len);
	p->name_len += len;
	return 0;
}

static bool name_is(const struct http_parser *p, const char *name)
{
	return p->name_len < HTTP_NAME_LEN && strlen(name) == p->name_len && !strncasecmp(name, p->name, p->name_len);
}

static int on_header_field_complete(llhttp_t *ll)
{
	struct http_parser *p = ll->data;

	p->field = HTTP_FIELD_OTHER;
	p->value_len = 0;
	if (!p->has_id && name_is(p, p->id_header))
		p->field = HTTP_FIELD_ID;
	else if (!p->out->trace_id[0] && name_is(p, "traceparent"))
		p->field = HTTP_FIELD_TRACE;
	p->name_len = 0;
	return 0;
}

static int on_header_value(llhttp_t *ll, const char *at, size_t len)
{
	struct http_parser *p = ll->data;

	if (p->field == HTTP_FIELD_OTHER)
		return 0;
	if (len > sizeof(p->value) - 1 - p->value_len)
		len = sizeof(p->value) - 1 - p->value_len;
	memcpy(p->value + p->value_len, at, len);
	p->value_len += len;
	return 0;
}

static bool is_hex(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr("0123456789abcdef", s[i]) || !s[i])
			return false;
	return true;
}

/* The trace id of a traceparent header: lower-case hex, not all zero; later versions may be longer. */
static void trace_parse(struct http_parser *p)
{
	const char *v = p->value;

	if (p->value_len < TRACE_LEN || v[2] != '-' || v[35] != '-' || v[52] != '-' || !memcmp(v, "ff", 2))
		return;
	if (!is_hex(v, 2) || !is_hex(v + 3, 32) || !is_hex(v + 36, 16) || !is_hex(v + 53, 2))
		return;
	if (strspn(v + 3, "0") >= 32)
		return;
	memcpy(p->out->trace_id, v + 3, 32);
	p->out->trace_id[32] = '\0';
}

static int on_header_value_complete(llhttp_t *ll)
{
	struct http_parser *p = ll->data;

	while (p->value_len && (p->value[p->value_len - 1] == ' ' || p->value[p->value_len - 1] == '\t'))
		p->value_len--;
	p->value[p->value_len] = '\0';
	if (p->field == HTTP_FIELD_TRACE)
		trace_parse(p);
	if (p->field == HTTP_FIELD_ID && p->value[0]) {
		p->has_id = true;
		memcpy(p->out->id, p->value, sizeof(p->out->id));
	}
	p->field = HTTP_FIELD_OTHER;
	return 0;
}

static int on_complete(llhttp_t *ll)
{
	(void)ll;
	return HPE_PAUSED;
}

static const llhttp_settings_t request_settings = {
	.on_url = on_url,
	.on_url_complete = on_url_complete,
	.on_header_field = on_header_field,
	.on_header_field_complete = on_header_field_complete,
	.on_header_value = on_header_value,
	.on_header_value_complete = on_header_value_complete,
	.on_headers_complete = on_complete,
	.on_message_complete = on_complete,
};

/* The next message begins here. */
static void message_begin(struct http_parser *p)
{
	llhttp_init(&p->ll, HTTP_REQUEST, &request_settings);
	p->ll.data = p;
	p->state = HTTP_IN_HEAD;
	p->field = HTTP_FIELD_OTHER;
	p->name_len = 0;
	p->url_done = false;
	p->has_id = false;
}

void http_init(struct http_parser *p, const char *id_header)
{
	memset(p, 0, sizeof(*p));
	p->id_header = id_header;
	message_begin(p);
}

/* Lets llhttp read what is known of the span, up to where it stops, and leaves the rest in the span. */
static llhttp_errno_t span_execute(struct http_parser *p, struct http_span *span)
{
	const char *data = (const char *)span->data;
	llhttp_errno_t err = llhttp_execute(&p->ll, data, span->captured);

	if (err == HPE_PAUSED)
		http_span_skip(span, (uint64_t)(llhttp_get_error_pos(&p->ll) - data));
	else
		http_span_skip(span, span->captured);
	return err;
}

static void span_lose(struct http_parser *p, struct http_span *span)
{
	p->state = HTTP_IN_DOUBT;
	span_clear(span);
}

static void chunks_read(struct http_parser *p, struct http_span *span)
{
	llhttp_errno_t err;

	if (llhttp_get_errno(&p->ll) == HPE_PAUSED)
		llhttp_resume(&p->ll);
	err = span_execute(p, span);
	if (err == HPE_PAUSED)
		message_begin(p);
	else if (err != HPE_OK || span->bytes)
		span_lose(p, span);
}

void http_read_body(struct http_parser *p, struct http_span *span)
{
	uint64_t n;

	switch (p->state) {
	case HTTP_IN_BODY:
		n = span->bytes < p->body_left ? span->bytes : p->body_left;
		p->body_left -= n;
		http_span_skip(span, n);
		if (!p->body_left)
			message_begin(p);
		break;
	case HTTP_IN_CHUNKS:
		chunks_read(p, span);
		break;
	case HTTP_IN_DOUBT:
		span_clear(span);
		break;
	}
}

/* What comes after a complete head. */
static void body_begin(struct http_parser *p)
{
	uint16_t flags = p->ll.flags;

	if (flags & F_CHUNKED) {
		p->state = HTTP_IN_CHUNKS;
	} else if (flags & F_TRANSFER_ENCODING) {
		p->state = HTTP_IN_DOUBT;
	} else if (p->ll.content_length) {
		p->state = HTTP_IN_BODY;
		p->body_left = p->ll.content_length;
	} else {
		message_begin(p);
	}
}

static void head_end(struct http_parser *p)
{
	if (!p->has_id && p->out->trace_id[0])
		memcpy(p->out->id, p->out->trace_id, sizeof(p->out->trace_id));
}

enum http_result http_read_head(struct http_parser *p, struct http_span *span, struct model_request *out)
{
	llhttp_errno_t err;

	p->out = out;
	err = span_execute(p, span);
	if (err == HPE_PAUSED) {
		head_end(p);
		body_begin(p);
		return HTTP_DONE;
	}
	if (err == HPE_OK && !span->bytes)
		return HTTP_MORE;
	span_lose(p, span);
	if (err != HPE_OK || !p->url_done)
		return HTTP_FAIL;
	head_end(p);
	return HTTP_DONE;
}

static int on_response_head(llhttp_t *ll)
{
	(void)ll;
	return HPE_PAUSED;
}

static enum http_end response_end(const llhttp_t *ll, bool to_head)
{
	int status = ll->status_code;

	if (to_head || status / 100 == 1 || status == 204 || status == 304)
		return HTTP_END_LENGTH;
	if (ll->flags & F_CHUNKED)
		return HTTP_END_CHUNKED;
	if (ll->flags & F_TRANSFER_ENCODING || !(ll->flags & F_CONTENT_LENGTH))
		return HTTP_END_CLOSE;
	return HTTP_END_LENGTH;
}

static bool memo_find(const struct http_memo *memo, struct http_response *out, const struct http_span *span,
		      bool to_head)
{
	for (unsigned i = 0; i < HTTP_MEMO_HEADS; i++) {
		const struct http_known *known = &memo->known[i];
		size_t len = known->head.head_len;

		if (!len || known->to_head != to_head || len > span->captured || memcmp(known->bytes, span->data, len))
			continue;
		*out = known->head;
		return true;
	}
	return false;
}

static void memo_put(struct http_memo *memo, const struct http_response *head, const uint8_t *data, bool to_head)
{
	struct http_known *known = &memo->known[memo->next];

	if (head->head_len > HTTP_MEMO_LEN)
		return;
	memo->next = (memo->next + 1) % HTTP_MEMO_HEADS;
	known->head = *head;
	known->to_head = to_head;
	memcpy(known->bytes, data, head->head_len);
}

int http_parse_response(struct http_response *out, const struct http_span *span, bool to_head, struct http_memo *memo)
{
	static const llhttp_settings_t settings = {.on_headers_complete = on_response_head};
	const char *data = (const char *)span->data;
	llhttp_errno_t err;
	llhttp_t ll;

	if (memo_find(memo, out, span, to_head))
		return 0;
	*out = (struct http_response){.end = HTTP_END_UNKNOWN};
	if (!http_is_response(span))
		return -EINVAL;
	llhttp_init(&ll, HTTP_RESPONSE, &settings);
	err = llhttp_execute(&ll, data, span->captured);
	if (err != HPE_OK && err != HPE_PAUSED)
		return -EINVAL;
	out->status = ll.status_code >= 100 ? ll.status_code : 0;
	if (err == HPE_OK)
		return 0;
	out->head_len = (size_t)(llhttp_get_error_pos(&ll) - data);
	out->end = response_end(&ll, to_head);
	if (out->end == HTTP_END_LENGTH && !to_head && ll.status_code != 304 && ll.flags & F_CONTENT_LENGTH)
		out->length = ll.content_length;
	memo_put(memo, out, span->data, to_head);
	return 0;
}

bool http_is_last_chunk(const uint8_t *end, size_t len)
{
	static const char last[] = "\r\n0\r\n\r\n";

	if (len >= 7)
		return !memcmp(end + len - 7, last, 7);
	return len == 5 && !memcmp(end, last + 2, 5);
}
