/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests: what is known and summed up of each, from the first byte of its head until nothing refers to it.
 *
 * A request is counted by reference: its connection, its loop, runs and backends that wait for it may each outlive
 * the others. It is in flight from the end of its head until its response ended; it is told once, at the end of
 * the turn in which it ended. A request without a method stands for a connection that does not speak HTTP: it is never
 * in flight and never told.
 */
#ifndef LG_REQUEST_H
#define LG_REQUEST_H

#include "base/list.h"
#include "model/owner.h"
#include "model/parts.h"
#include "model/route.h"

struct conn;
struct loop;
struct model;

struct request {
	struct list in_conn;   /* its connection's unanswered ones, in order */
	struct list in_flight; /* its loop's, or its loop's parked ones */
	bool is_parked;
	struct list settling; /* its loop's: ended or written to in this turn */
	unsigned refs;
	uint64_t serial;     /* unique in the model, from 1 */
	struct conn *conn;   /* until it ended */
	struct loop *loop;   /* that read its head; NULL before, and once it was told */
	struct route *route; /* NULL before its head ended */
	struct model_request who;
	uint32_t path_sum; /* of who.path (lg_path.h); 0: not all of it is known */
	bool has_ended;
	bool is_unread;    /* its end was not seen: it is not told */
	bool has_open_end; /* its response's end cannot be seen: it counts as answered while nothing is written */
	int status;
	uint64_t asked_ns;  /* the client cannot have sent it earlier: when the one before was answered; 0 unknown */
	uint64_t waited_ns; /* its head lay in the socket before it was read, 0 unknown */
	uint64_t head_ns;   /* its head's last byte was read */
	uint64_t write_ns;  /* the last write of its response */
	uint64_t end_ns;
	uint64_t busy_ns; /* the loop's busy time before its head had come, as far as that is known */
	uint64_t hold_ns;
	uint64_t hold_end_ns; /* hold_ns as it was when it ended or was last written to */
	uint64_t delay_ns;
	uint64_t longest_run_ns;
	struct model_parts parts; /* of hold_ns */
	enum lg_confidence sure;  /* the least of its runs, once hold_ns > 0 */
	uint64_t turn;            /* the turn that the following three are of */
	uint64_t turn_hold_ns;
	uint64_t turn_longest_ns;     /* its longest interval, */
	enum lg_confidence turn_sure; /* and how sure that one is */
};

/* With one reference. NULL: no memory, or too many. */
struct request *request_new(struct model *m);
/* Both take NULL. */
struct request *request_get(struct request *r);
void request_put(struct model *m, struct request *r);

/* Its head was read by `l` at `now_ns`: it is in flight. Takes over the caller's reference. */
void request_begin(struct model *m, struct request *r, struct conn *c, struct loop *l, uint64_t now_ns);

/* Bytes of its response were written. */
void request_write(struct request *r, uint64_t now_ns);

/* Its response ended, or its connection. It is told at the turn's end, or at once when its loop is in none. */
void request_end(struct model *m, struct request *r, uint64_t end_ns);

/* Adds an interval that it owned, in the turn numbered `turn`. */
void request_hold(struct request *r, uint64_t turn, enum lg_confidence sure, const struct model_parts *parts,
		  uint64_t length_ns);

/* Its longest run counts for its route, as far as it is known. */
void request_note_longest(const struct request *r);

/* The turn from start_ns to end_ns of a loop ended: tells what ended in it, sets aside what has an open end. */
void request_settle(struct model *m, struct loop *l, uint64_t start_ns, uint64_t end_ns);

/* All that is in flight on a loop ends, because the loop does. */
void request_end_all(struct model *m, struct loop *l, uint64_t end_ns);

#endif
