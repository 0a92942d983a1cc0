/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP/1 from bytes that may have holes: llhttp reads the heads, the lengths of bodies are counted. It knows nothing
 * of connections or loops, and trusts nothing: what it cannot follow it calls lost, until the caller sees
 * a request begin again.
 */
#ifndef LG_HTTP_H
#define LG_HTTP_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

/* Bytes that passed, of which only the first are known. captured <= bytes. */
struct http_span {
	const uint8_t *data; /* `captured` bytes, untrusted */
	uint64_t captured;
	uint64_t bytes;
};

/* Leaves off the first `n` bytes, or all when there are fewer. */
void http_span_skip(struct http_span *span, uint64_t n);

enum http_state {
	HTTP_IN_HEAD,   /* in a head, or before one */
	HTTP_IN_BODY,   /* in a body of known length */
	HTTP_IN_CHUNKS, /* in a chunked body */
	HTTP_IN_DOUBT,  /* malformed, or a hole where the bytes matter */
};

enum http_field { HTTP_FIELD_OTHER, HTTP_FIELD_ID, HTTP_FIELD_TRACE };

#define HTTP_NAME_LEN 64 /* bytes of a header's name that are compared; longer ones are none of ours */

/* The requests of one connection. All fields are http.c's, except that `state` may be read. */
struct http_parser {
	llhttp_t ll;
	const char *id_header;
	struct model_request *out; /* during a call: the head that is being read */
	uint64_t body_left;
	uint8_t state;    /* enum http_state */
	uint8_t field;    /* enum http_field: whose value is being read */
	bool url_done;    /* method and target are complete */
	uint8_t name_len; /* of name; HTTP_NAME_LEN: too long to be one of ours */
	uint8_t value_len;
	char name[HTTP_NAME_LEN]; /* of the header that is being read, as it came */
	char value[MODEL_ID_LEN]; /* likewise; filled when `field` is one of ours */
	bool has_id;
};

/* `id_header` must outlive the parser. Before this call, or after http_is_lost, nothing may be read. */
void http_init(struct http_parser *p, const char *id_header);

/* Do the known bytes begin like a request of HTTP/1? */
bool http_is_request(const struct http_span *span);
/* Do they begin like a response? */
bool http_is_response(const struct http_span *span);

/* Takes from `span` what still belongs to a body. What remains, if anything, is of a head. */
void http_read_body(struct http_parser *p, struct http_span *span);

enum http_result {
	HTTP_MORE, /* the span is used up */
	HTTP_DONE, /* a head ended: `out` is complete, the span is what comes after it */
	HTTP_FAIL, /* lost: the span is used up, `out` is not a request */
};

/*
 * Reads of a head what `span` has, with state HTTP_IN_HEAD. Fills method, path, trace_id and, when the head names one,
 * id; each in `out`, which must be the same until the head ends. A head with a hole behind its target is
 * taken as ended there (and what follows is lost).
 */
enum http_result http_read_head(struct http_parser *p, struct http_span *span, struct model_request *out);

enum http_end {
	HTTP_END_LENGTH,  /* after `length` bytes of body */
	HTTP_END_CHUNKED, /* with the last chunk */
	HTTP_END_CLOSE,   /* with the connection */
	HTTP_END_UNKNOWN, /* the head goes on behind what is known */
};

struct http_response {
	int status;
	enum http_end end;
	uint64_t length; /* of the body, HTTP_END_LENGTH */
	size_t head_len; /* 0 with HTTP_END_UNKNOWN */
};

#define HTTP_MEMO_HEADS 4
#define HTTP_MEMO_LEN   512 /* as much of a response as is captured */

/*
 * Responses' heads that were read last: within a second a server gives many alike, and to compare them is quicker than
 * to read them. All zero at first.
 */
struct http_memo {
	struct http_known {
		struct http_response head; /* head_len 0: none */
		bool to_head;
		uint8_t bytes[HTTP_MEMO_LEN];
	} known[HTTP_MEMO_HEADS];
	unsigned next; /* to be replaced */
};

/* Reads a response's head. `to_head`: it answers a HEAD request, which has no body. 0, or -EINVAL: it is none. */
int http_parse_response(struct http_response *out, const struct http_span *span, bool to_head, struct http_memo *memo);

/* Whether 8 or fewer bytes at the end of a write end a chunked body. `len` > 0. */
bool http_is_last_chunk(const uint8_t *end, size_t len);

#endif
