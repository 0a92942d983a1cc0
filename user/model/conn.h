/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections by inode: which side they are of, whose requests they carry, and who waits for a backend's
 * reply. Their number is bounded; the one idle longest is given up.
 */
#ifndef LG_CONN_H
#define LG_CONN_H

#include "base/list.h"
#include "base/table.h"
#include "model/http.h"
#include "model/request.h"

#define CONN_WAITERS 16   /* requests that wait on one backend connection; pipelined further it says nothing */
#define CONN_PORTS   1024 /* lists that open connections are looked for in by their client's port */
#define CONN_CLOSED  64   /* kept for code that goes on for their requests */
#define CONN_BEFORE  3    /* requests that code may go on for when more are read; kept for servers that tell of it */

enum conn_role {
	CONN_NEW,     /* nothing tells yet */
	CONN_CLIENT,  /* the peer asks us */
	CONN_BACKEND, /* we ask the peer */
	CONN_INNER,   /* a socket pair or the like: a wake-up, no peer */
};

/* Where the response to the oldest unanswered request is. */
enum conn_response {
	RESPONSE_NONE,    /* not begun */
	RESPONSE_LENGTH,  /* `left` bytes of its body are to come */
	RESPONSE_CHUNKED, /* ends with the last chunk */
	RESPONSE_CLOSE,   /* ends with the connection */
	RESPONSE_OPEN,    /* its head was not understood: see exchange.h */
};

/* Who wrote to a backend and waits for its reply. */
struct conn_waiter {
	struct request *who; /* with a reference; NULL: not known who wrote */
	bool has_reply;
};

struct conn {
	struct list by_use;  /* least recently used first */
	struct list by_port; /* in no list: not told by a CONN record, or closed */
	bool is_closed;      /* it is only found by its client */
	uint64_t ino;
	uint32_t pid; /* who used it last, and which thread; 0 nobody yet */
	uint32_t tid;
	uint8_t origin;   /* enum lg_conn_origin */
	uint8_t role;     /* enum conn_role */
	bool is_http;     /* CLIENT: a request was seen */
	bool is_upgraded; /* another protocol after the request `last` */
	bool has_data;    /* bytes passed */
	struct lg_target peer;
	/* CONN_CLIENT */
	uint64_t number; /* running number of such connections, from 1 */
	uint64_t nr_requests;
	struct http_parser parser;
	struct request *forming;             /* its head is being read; with a reference */
	struct request *last;                /* newest one read, or what stands for the connection; with a reference */
	struct request *before[CONN_BEFORE]; /* read before `last`, the newest first; with references */
	struct list unanswered;              /* struct request.in_conn */
	unsigned nr_unanswered;
	uint64_t mark_key;    /* address by which the runtime told a request last, 0 none */
	uint64_t mark_serial; /* of that request */
	uint8_t response;     /* enum conn_response */
	uint64_t left;
	/* CONN_BACKEND */
	struct conn_waiter waiters[CONN_WAITERS]; /* oldest first */
	unsigned nr_waiters;
};

struct conns {
	struct table by_ino;
	struct list by_use;
	struct list by_port[CONN_PORTS]; /* by the peer's port, modulo their number */
	struct list closed; /* struct conn.by_use: the newest CONN_CLOSED that were closed, in that order */
	unsigned nr_closed;
	uint64_t nr_clients; /* numbered so far */
};

void conns_init(struct conns *cs);
void conns_fini(struct model *m);

/* NULL: unknown. */
struct conn *conn_find(const struct model *m, uint64_t ino);
/*
 * The connection of a process whose client has this port, else the newest one that was closed. NULL: unknown, or more
 * than one.
 */
struct conn *conn_of_client(const struct model *m, uint32_t pid, uint16_t port);
/* Made when it is unknown, and marked as used now. NULL: no memory. */
struct conn *conn_get(struct model *m, uint64_t ino, uint64_t now_ns);
/* Its requests end; a client's is kept for a while if it spoke HTTP. */
void conn_close(struct model *m, struct conn *c, uint64_t now_ns);
/* Its requests end. NULL is ignored. */
void conn_free(struct model *m, struct conn *c, uint64_t now_ns);

/* Requests are no longer read: those in flight end untold, and each connection stands for its own. */
void conns_unread(struct model *m, uint64_t now_ns);

void conn_feed(struct model *m, const struct lg_rec_conn *rec);

/* Decides the role, as far as the bytes of `io` and its origin tell. */
void conn_learn(struct model *m, struct conn *c, const struct lg_rec_io *io, enum lg_runtime runtime);

/* The oldest unanswered request, NULL none. */
struct request *conn_front(const struct conn *c);

/* A backend was written to, or connected, by `who`, which may be NULL. */
void conn_ask(struct model *m, struct conn *c, struct request *who);
/*
 * A backend was read from: who asked for it. Several that wrote before are answered in their order; reads go on
 * for the last one until there is another write. `is_peek`: nothing was answered yet (ciphertext).
 */
struct request *conn_reply(struct model *m, struct conn *c, bool is_peek, bool *is_alone);

#endif
