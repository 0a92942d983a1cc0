/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who owns an interval: pure rules over the edge that began it, the edge that ended it, and what was in flight.
 * Each runtime has a policy; there are two kinds of reasoning:
 *
 * - callback: what the loop read last is what its code works for, until it reads something else.
 * - task: a read only puts a task on a queue. What tells is what comes out: a response at an interval's
 *   end, or that nobody else was being served.
 *
 * The rules see requests as names only and never look inside. Evidence of another kind (samples of the runtime's
 * memory) has its place before them: an interval is then cut at the sample, and what the sample says is the owner.
 */
#ifndef LG_OWNER_H
#define LG_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "lg_lists.h"

struct request;

enum edge_kind {
	EDGE_START, /* of the turn */
	EDGE_READ,  /* from a client; `who` is its newest request */
	EDGE_REPLY, /* from a backend; `who` asked for it */
	EDGE_WAKE,  /* a read that names nobody: eventfd, pipe, unknown socket */
	EDGE_ACCEPT,
	EDGE_ANSWER, /* written to a client; `who` is answered */
	EDGE_ASK,    /* by code that goes on: written to a backend, a connect, or a read that blocked */
	EDGE_WRITE,  /* that names nobody */
	EDGE_LEFT,   /* no callback runs that was called for what was read or written: a timer's code, or the loop's own
		      */
	EDGE_MARK,   /* the runtime was asked: the code up to here works for `who`, or for nobody */
	EDGE_END,    /* of the turn */
};

struct edge {
	enum edge_kind kind;
	bool after_gap; /* edges before it were not told: the interval that it ends is not one */
	bool is_alone;  /* READ: `who` is the only request its connection waits for; REPLY: the only one that asked */
	bool is_http;   /* of `who` */
	bool is_stretched;       /* questions of unknown code were passed over since */
	bool is_gil;             /* MARK: by holding the interpreter's lock */
	bool is_other;           /* MARK: a request's code, but of which one is not known */
	enum lg_confidence sure; /* MARK: of `who` */
	uint64_t conn;           /* the connection, 0 unknown */
	struct request *who;     /* NULL: nobody known */
};

struct owner {
	struct request *who; /* NULL: nobody's, or unknown */
	enum lg_confidence sure;
};

/* What was in flight on the loop after the edge that began the interval. */
struct scene {
	unsigned nr_in_flight;
	struct request *sole; /* the one in flight, when it is one */
	bool others_read;     /* this turn read something that is not `sole`'s */
	bool several_read;    /* this turn read for several requests */
};

struct policy {
	bool is_task;
	/*
	 * The code from a read to the answer, or to the first question to a backend, runs in one piece: no
	 * timer or other request can come between, so the owner is proved.
	 */
	bool is_strict;
	/* What was read is worked for when all was read: of several only an answer tells which one. */
	bool is_queued;
};

const struct policy *policy_of(enum lg_runtime runtime);

/* The owner of the interval between two edges. `last` is the owner of the interval before it in the turn. */
struct owner owner_find(const struct policy *policy, const struct edge *from, const struct edge *to,
			const struct owner *last, const struct scene *scene);

#endif
