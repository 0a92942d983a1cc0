/* SPDX-License-Identifier: BSD-2-Clause */
/* From IO records to edges. */
#include "model/edge.h"

#include <stdio.h>
#include <string.h>

#include "model/exchange.h"
#include "model/state.h"

/* Stands for a client that does not speak HTTP. */
static struct request *conn_stand_in(struct model *m, struct conn *c)
{
	if (!c->last) {
		c->last = request_new(m);
		if (!c->last)
			return NULL;
		snprintf(c->last->who.id, sizeof(c->last->who.id), "c%llu", (unsigned long long)c->number);
		c->last->who.peer = c->peer;
	}
	return c->last;
}

static struct edge read_client(struct model *m, struct loop *l, struct conn *c, const struct lg_rec_io *io)
{
	struct edge e = {.kind = EDGE_READ, .conn = c->ino, .is_http = c->is_http};

	if (!c->is_http) {
		e.who = io->flags & LG_IO_CIPHER ? NULL : conn_stand_in(m, c);
		e.is_alone = true;
		return e;
	}
	e.who = exchange_read(m, c, l, io);
	e.is_alone = c->nr_unanswered == 1 && e.who && e.who == conn_front(c);
	return e;
}

static struct edge read_edge(struct model *m, struct loop *l, struct conn *c, const struct lg_rec_io *io)
{
	struct edge e = {.kind = EDGE_WAKE};

	if (!c)
		return e;
	e.conn = c->ino;
	if (c->role == CONN_CLIENT)
		return read_client(m, l, c, io);
	if (c->role == CONN_BACKEND) {
		e.kind = EDGE_REPLY;
		e.who = conn_reply(m, c, io->flags & LG_IO_CIPHER, &e.is_alone);
	}
	/* Code that waits for its own question's answer goes on afterwards: the loop had no part in it. */
	if (io->flags & LG_IO_BLOCKED)
		e = (struct edge){.kind = EDGE_ASK, .conn = c->ino};
	return e;
}

static struct edge write_edge(struct model *m, struct conn *c, const struct lg_rec_io *io)
{
	struct edge e = {.kind = EDGE_WRITE};

	if (!c)
		return e;
	e.conn = c->ino;
	if (c->role == CONN_BACKEND)
		e.kind = EDGE_ASK;
	if (c->role != CONN_CLIENT || io->flags & LG_IO_CIPHER)
		return e;
	e.is_http = c->is_http;
	if (c->is_http)
		e.who = c->is_upgraded ? c->last : conn_front(c);
	else
		e.who = conn_stand_in(m, c);
	if (e.who)
		e.kind = EDGE_ANSWER;
	return e;
}

static struct edge edge_make(struct model *m, struct loop *l, struct conn *c, const struct lg_rec_io *io)
{
	switch (io->op) {
	case LG_IO_READ:
		return read_edge(m, l, c, io);
	case LG_IO_WRITE:
		return write_edge(m, c, io);
	case LG_IO_CONNECT:
		return (struct edge){.kind = EDGE_ASK, .conn = io->ino};
	default:
		return (struct edge){.kind = EDGE_ACCEPT};
	}
}

/* What a descriptor led to is closed, unless another process still uses it. It is no edge. */
static void close_feed(struct model *m, const struct lg_rec_io *io)
{
	struct loop *l = loop_find(m, io->pid, io->tid);
	struct conn *c = conn_find(m, io->ino);

	if (!c || c->pid != io->pid)
		return;
	if (l)
		turn_begin(m, l);
	/* Only servers that are asked whose code runs tell of requests after their connection's end. */
	if (l && l->runtime == LG_RT_CPYTHON)
		conn_close(m, c, io->head.time_ns);
	else
		conn_free(m, c, io->head.time_ns);
}

static struct conn *edge_conn(struct model *m, const struct loop *l, const struct lg_rec_io *io)
{
	struct conn *c;

	if (!io->ino || io->flags & LG_IO_NOT_SOCK)
		return NULL;
	c = conn_find(m, io->ino);
	if (c && c->has_data && (io->op == LG_IO_ACCEPT || io->op == LG_IO_CONNECT))
		conn_free(m, c, io->head.time_ns);
	c = conn_get(m, io->ino, io->head.time_ns);
	if (!c)
		return NULL;
	c->pid = io->pid;
	c->tid = io->tid;
	c->has_data |= io->op == LG_IO_READ || io->op == LG_IO_WRITE;
	conn_learn(m, c, io, l->runtime);
	return c;
}

void edge_feed(struct model *m, const struct lg_rec_io *io)
{
	struct owner owner;
	struct loop *l;
	struct conn *c;
	struct edge e;

	if (io->op == LG_IO_CLOSE) {
		close_feed(m, io);
		return;
	}
	if (io->op < LG_IO_READ || io->op > LG_IO_CONNECT)
		return;
	l = loop_get(m, io->pid, io->tid, io->head.time_ns);
	if (!l)
		return;
	turn_begin(m, l);
	c = edge_conn(m, l, io);
	e = edge_make(m, l, c, io);
	e.after_gap = io->flags & LG_IO_GAP;
	owner = turn_edge(m, l, &e, io->head.time_ns);
	if (c && c->role == CONN_CLIENT && io->op == LG_IO_WRITE && c->is_http && !c->is_upgraded)
		exchange_write(m, c, io);
	if (c && e.kind == EDGE_ASK && io->op != LG_IO_READ)
		conn_ask(m, c, owner.who);
	turn_look(m, l);
}

/* The runtime named this request by this address before, and the request is not over. */
static bool is_known_key(const struct conn *c, const struct lg_rec_owner *rec, const struct request *who)
{
	return who && rec->key && rec->key == c->mark_key && who->serial == c->mark_serial;
}

static bool is_other_key(const struct conn *c, const struct lg_rec_owner *rec, const struct request *who)
{
	return who && rec->key && rec->key != c->mark_key && who->serial == c->mark_serial;
}

/* The newest one that was answered before the last one was read. */
static struct request *conn_before(const struct conn *c)
{
	for (int i = 0; i < CONN_BEFORE; i++)
		if (c->before[i] && c->before[i]->has_ended)
			return c->before[i];
	return NULL;
}

/*
 * The server has begun or finished a response, and nothing of the newest request's was written. Either it is about to
 * write that; or it still works for the request before, whose response was complete only to the client: then it has
 * not looked at the newest one yet, which it cannot have finished. The address tells, where it was seen before.
 */
static struct request *mark_unwritten(const struct conn *c, const struct lg_rec_owner *rec, struct request *front)
{
	struct request *before = conn_before(c);

	if (!before || is_known_key(c, rec, front) || is_other_key(c, rec, before))
		return front;
	return rec->stage == LG_STAGE_DONE && !is_known_key(c, rec, before) ? front : before;
}

/*
 * Which request of its connection the runtime works for: the oldest unanswered one; after its answer, the last one,
 * whose code may go on. Which of several it is that code works for which may have outlived its request is not known.
 */
static struct request *mark_guess(const struct conn *c, const struct lg_rec_owner *rec)
{
	struct request *front = conn_front(c);

	if (rec->stage == LG_STAGE_DETACHED && c->nr_requests > 1 && !c->is_upgraded)
		return NULL;
	if (rec->stage == LG_STAGE_SENT && front && !front->write_ns)
		return conn_before(c);
	if (c->nr_unanswered > 1)
		return front;
	if (rec->is_behind)
		return conn_before(c);
	if (!front)
		return c->last;
	if (rec->stage >= LG_STAGE_STARTED && !front->write_ns)
		return mark_unwritten(c, rec, front);
	return front;
}

/* The only one of the newest requests with the path that the runtime told; NULL: none, or several. */
static struct request *mark_named(const struct conn *c, const struct lg_rec_owner *rec)
{
	struct request *found = NULL, *recent[CONN_BEFORE + 1] = {c->last};
	unsigned nr = 0;

	memcpy(recent + 1, c->before, sizeof(c->before));
	for (int i = 0; i <= CONN_BEFORE; i++) {
		if (!recent[i] || recent[i]->path_sum != rec->path_sum)
			continue;
		found = recent[i];
		nr++;
	}
	return nr == 1 ? found : NULL;
}

/*
 * More requests of its connection may have come than the runtime knows of, and code may go on behind several answers:
 * then the path tells. Some servers put their own prefix to it, so it says nothing until it was right once; Node's
 * frameworks change that of some requests, so it says nothing there but whose it is.
 */
static struct request *mark_who(const struct loop *l, const struct conn *c, const struct lg_rec_owner *rec)
{
	struct request *guess = mark_guess(c, rec), *named;

	if (!rec->path_sum || (guess && (!guess->path_sum || guess->path_sum == rec->path_sum)))
		return guess;
	named = mark_named(c, rec);
	if (l->has_paths || (l->runtime == LG_RT_NODE && rec->is_behind))
		return named;
	return named ? named : guess;
}

/* Nothing that the connection's bytes say speaks against it. */
static bool is_mark_clear(const struct conn *c, const struct lg_rec_owner *rec, const struct request *who)
{
	if (!who || who != mark_guess(c, rec) || c->is_closed || c->nr_unanswered > 1 || rec->is_behind ||
	    rec->stage == LG_STAGE_UNKNOWN || rec->stage == LG_STAGE_DETACHED)
		return false;
	if (!c->nr_unanswered)
		return rec->stage != LG_STAGE_WAITING;
	if (rec->stage == LG_STAGE_WAITING || (rec->stage == LG_STAGE_STARTED && who->write_ns))
		return who == conn_front(c);
	return is_known_key(c, rec, who) && who == conn_front(c);
}

static struct edge mark_of(struct loop *l, struct conn *c, const struct lg_rec_owner *rec)
{
	struct edge e = {.kind = EDGE_MARK, .sure = rec->sure, .conn = c->ino, .who = mark_who(l, c, rec)};

	if (rec->path_sum && e.who && e.who == mark_guess(c, rec) && e.who->path_sum == rec->path_sum)
		l->has_paths = l->runtime != LG_RT_NODE;
	if (is_mark_clear(c, rec, e.who)) {
		c->mark_key = rec->key;
		c->mark_serial = e.who->serial;
	} else if (e.sure > LG_SURE_LIKELY) {
		e.sure = LG_SURE_LIKELY;
	}
	return e;
}

static struct conn *mark_conn(const struct model *m, const struct lg_rec_owner *rec)
{
	if (rec->answer != LG_ANSWER_CONN)
		return NULL;
	return rec->ino ? conn_find(m, rec->ino) : conn_of_client(m, rec->pid, rec->port);
}

struct owner edge_owner(const struct model *m, const struct loop *l, const struct lg_rec_owner *rec)
{
	const struct conn *c = mark_conn(m, rec);
	struct owner owner = {.who = c ? mark_who(l, c, rec) : NULL};

	if (owner.who)
		owner.sure =
			is_mark_clear(c, rec, owner.who) || rec->sure < LG_SURE_LIKELY ? rec->sure : LG_SURE_LIKELY;
	return owner;
}

/* The interpreter has its lock handed on after 5 ms where others want it. */
#define GIL_TURN_NS 6000000

/* Threads that take turns do not end each other's runs: who waits for its turn goes on with what it did. */
static bool is_gil_turn(const struct loop *l, const struct lg_rec_owner *rec)
{
	const struct turn *t = &l->turn;

	return rec->is_gil && t->has_edges && t->edge.kind == EDGE_MARK && t->edge.who && !t->edge.is_gil &&
	       l->has_off && l->off.sleep_ns[LG_SLEEP_GIL] < GIL_TURN_NS;
}

/* What a native server tells is not whose code runs, but what kind of code it is. */
static void feed_kind(struct model *m, struct loop *l, const struct lg_rec_owner *rec)
{
	if (rec->answer == LG_ANSWER_CALLBACK)
		turn_stay(m, l, rec->head.time_ns);
	if (rec->answer == LG_ANSWER_LEFT)
		turn_left(m, l);
}

void edge_feed_owner(struct model *m, const struct lg_rec_owner *rec)
{
	struct loop *l = loop_get(m, rec->pid, rec->tid, rec->head.time_ns);
	struct edge e = {.kind = EDGE_MARK};
	struct conn *c;

	if (!l)
		return;
	if (l->runtime == LG_RT_NGINX || l->runtime == LG_RT_REDIS) {
		feed_kind(m, l, rec);
		return;
	}
	/* One request alone is being served: the order of reads and writes says as much. */
	if (rec->answer == LG_ANSWER_UNKNOWN && l->nr_in_flight == 1)
		return;
	if (is_gil_turn(l, rec))
		return;
	c = mark_conn(m, rec);
	if (c)
		e = mark_of(l, c, rec);
	if (!e.who)
		e.sure = LG_SURE_NONE;
	e.is_gil = rec->is_gil;
	e.is_other = rec->answer == LG_ANSWER_CONN && !e.who;
	turn_begin(m, l);
	turn_edge(m, l, &e, rec->head.time_ns);
	turn_look(m, l);
}
