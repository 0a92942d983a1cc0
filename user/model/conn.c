/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of connections, their roles, and the queue of those who wait for a backend. */
#include "model/conn.h"

#include <string.h>

#include "model/exchange.h"
#include "model/state.h"

#define MAX_CONNS 65536 /* more than most processes may have open; about 70 MB if ever reached */

void conns_init(struct conns *cs)
{
	table_init(&cs->by_ino, 0);
	list_init(&cs->by_use);
	for (int i = 0; i < CONN_PORTS; i++)
		list_init(&cs->by_port[i]);
	list_init(&cs->closed);
	cs->nr_closed = 0;
	cs->nr_clients = 0;
}

void conns_fini(struct model *m)
{
	table_fini(&m->conns.by_ino);
}

struct conn *conn_find(const struct model *m, uint64_t ino)
{
	return table_get(&m->conns.by_ino, ino);
}

struct request *conn_front(const struct conn *c)
{
	return c->nr_unanswered ? list_entry(c->unanswered.next, struct request, in_conn) : NULL;
}

/* A response whose end the connection is, or that may have ended before, ended with its last write. */
static void front_end(struct model *m, struct conn *c, uint64_t now_ns)
{
	struct request *r = conn_front(c);
	bool was_written = c->response == RESPONSE_CLOSE || c->response == RESPONSE_OPEN || r->has_open_end;

	request_end(m, r, was_written && r->write_ns ? r->write_ns : now_ns);
	c->response = RESPONSE_NONE;
}

void conn_free(struct model *m, struct conn *c, uint64_t now_ns)
{
	if (!c)
		return;
	while (c->nr_unanswered)
		front_end(m, c, now_ns);
	request_put(m, c->forming);
	request_put(m, c->last);
	for (int i = 0; i < CONN_BEFORE; i++)
		request_put(m, c->before[i]);
	for (unsigned i = 0; i < c->nr_waiters; i++)
		request_put(m, c->waiters[i].who);
	if (c->is_closed)
		m->conns.nr_closed--;
	else
		table_del(&m->conns.by_ino, c->ino);
	list_del(&c->by_use);
	list_del(&c->by_port);
	pool_put(&m->conn_pool, c);
}

void conn_close(struct model *m, struct conn *c, uint64_t now_ns)
{
	struct conns *cs = &m->conns;

	if (c->role != CONN_CLIENT || !c->is_http) {
		conn_free(m, c, now_ns);
		return;
	}
	while (c->nr_unanswered)
		front_end(m, c, now_ns);
	table_del(&cs->by_ino, c->ino);
	list_del(&c->by_use);
	list_del(&c->by_port);
	list_add_tail(&cs->closed, &c->by_use);
	c->is_closed = true;
	if (++cs->nr_closed > CONN_CLOSED)
		conn_free(m, list_entry(cs->closed.next, struct conn, by_use), now_ns);
}

static struct conn *conn_new(struct model *m, uint64_t ino, uint64_t now_ns)
{
	struct conn *c;

	if (m->conns.by_ino.count >= MAX_CONNS)
		conn_free(m, list_entry(m->conns.by_use.next, struct conn, by_use), now_ns);
	c = pool_get(&m->conn_pool);
	if (!c || table_put(&m->conns.by_ino, ino, c)) {
		m->lacks_memory = true;
		pool_put(&m->conn_pool, c);
		return NULL;
	}
	c->ino = ino;
	list_init(&c->unanswered);
	list_init(&c->by_port);
	list_add_tail(&m->conns.by_use, &c->by_use);
	return c;
}

static bool is_of_client(const struct conn *c, uint32_t pid, uint16_t port)
{
	return c->role == CONN_CLIENT && c->pid == pid && port && c->peer.port == port;
}

struct conn *conn_of_client(const struct model *m, uint32_t pid, uint16_t port)
{
	const struct list *closed = &m->conns.closed;
	struct conn *found = NULL;

	list_for_each (node, &m->conns.by_port[port % CONN_PORTS]) {
		struct conn *c = list_entry(node, struct conn, by_port);

		if (!is_of_client(c, pid, port))
			continue;
		if (found)
			return NULL;
		found = c;
	}
	for (struct list *node = closed->prev; node != closed && !found; node = node->prev) {
		struct conn *c = list_entry(node, struct conn, by_use);

		if (is_of_client(c, pid, port))
			found = c;
	}
	return found;
}

/* Mostly the one that was used last. */
struct conn *conn_get(struct model *m, uint64_t ino, uint64_t now_ns)
{
	struct list *newest = m->conns.by_use.prev;
	struct conn *c = newest == &m->conns.by_use ? NULL : list_entry(newest, struct conn, by_use);

	if (c && c->ino == ino)
		return c;
	c = conn_find(m, ino);
	if (!c)
		return conn_new(m, ino, now_ns);
	list_del(&c->by_use);
	list_add_tail(&m->conns.by_use, &c->by_use);
	return c;
}

static void waiter_pop(struct model *m, struct conn *c)
{
	request_put(m, c->waiters[0].who);
	c->nr_waiters--;
	memmove(&c->waiters[0], &c->waiters[1], c->nr_waiters * sizeof(c->waiters[0]));
}

static void conn_unread(struct model *m, struct conn *c, uint64_t now_ns)
{
	while (c->nr_unanswered) {
		conn_front(c)->is_unread = true;
		request_end(m, conn_front(c), now_ns);
	}
	request_put(m, c->forming);
	request_put(m, c->last);
	for (int i = 0; i < CONN_BEFORE; i++) {
		request_put(m, c->before[i]);
		c->before[i] = NULL;
	}
	c->forming = c->last = NULL;
	c->is_http = c->is_upgraded = false;
	c->response = RESPONSE_NONE;
	while (c->nr_waiters)
		waiter_pop(m, c);
}

void conns_unread(struct model *m, uint64_t now_ns)
{
	list_for_each (node, &m->conns.by_use)
		conn_unread(m, list_entry(node, struct conn, by_use), now_ns);
}

/* Another process that inherited a connection, or a copy of its descriptor, is no new one. */
void conn_feed(struct model *m, const struct lg_rec_conn *rec)
{
	struct conn *c = conn_find(m, rec->peer.ino);

	if (!rec->peer.ino)
		return;
	if (c && rec->origin != LG_CONN_SEEN) {
		conn_free(m, c, rec->head.time_ns);
		c = NULL;
	}
	if (!c)
		c = conn_new(m, rec->peer.ino, rec->head.time_ns);
	if (!c)
		return;
	if (!c->pid)
		c->origin = rec->origin;
	c->pid = rec->pid;
	c->peer = rec->peer;
	list_del(&c->by_port);
	list_add_tail(&m->conns.by_port[c->peer.port % CONN_PORTS], &c->by_port);
}

static bool is_inner(const struct lg_target *peer)
{
	switch (peer->kind) {
	case LG_TARGET_UNIX:
		return peer->name_len == 0;
	case LG_TARGET_NONE:
	case LG_TARGET_INET:
	case LG_TARGET_INET6:
		return false;
	default:
		return true;
	}
}

static void client_begin(struct model *m, struct conn *c)
{
	c->role = CONN_CLIENT;
	if (!c->number)
		c->number = ++m->conns.nr_clients;
}

/*
 * The role of a connection on which no HTTP was seen. One that was open before the attach and is first read from is a
 * client's in most servers; where programs hold pools of database connections it is a query's answer as often.
 */
static void role_guess(struct model *m, struct conn *c, const struct lg_rec_io *io, enum lg_runtime runtime)
{
	bool has_pools = runtime == LG_RT_CPYTHON || runtime == LG_RT_NODE;
	bool is_read = io->op == LG_IO_READ;

	if (c->origin == LG_CONN_CONNECTED)
		c->role = CONN_BACKEND;
	else if (c->origin == LG_CONN_ACCEPTED)
		client_begin(m, c);
	else if (is_inner(&c->peer))
		c->role = CONN_INNER;
	else if (!io->bytes || io->flags & LG_IO_CIPHER || (is_read && has_pools))
		return;
	else if (is_read || runtime == LG_RT_REDIS)
		client_begin(m, c);
	else
		c->role = CONN_BACKEND;
}

void conn_learn(struct model *m, struct conn *c, const struct lg_rec_io *io, enum lg_runtime runtime)
{
	struct http_span span = exchange_span(io);

	if (io->op == LG_IO_CONNECT)
		c->origin = LG_CONN_CONNECTED;
	if (io->op == LG_IO_ACCEPT)
		c->origin = LG_CONN_ACCEPTED;
	if (!c->is_http && c->origin != LG_CONN_CONNECTED && io->op == LG_IO_READ && http_is_request(&span)) {
		client_begin(m, c);
		c->is_http = true;
		request_put(m, c->last);
		c->last = NULL;
		http_init(&c->parser, m->opts.id_header);
	}
	if (c->role != CONN_NEW)
		return;
	if (io->op == LG_IO_READ ? http_is_response(&span) : http_is_request(&span))
		c->role = CONN_BACKEND;
	else
		role_guess(m, c, io, runtime);
}

void conn_ask(struct model *m, struct conn *c, struct request *who)
{
	struct conn_waiter *newest = c->nr_waiters ? &c->waiters[c->nr_waiters - 1] : NULL;

	if (newest && newest->who == who && !newest->has_reply)
		return;
	if (newest && newest->has_reply)
		waiter_pop(m, c);
	while (c->nr_waiters == CONN_WAITERS)
		waiter_pop(m, c);
	c->waiters[c->nr_waiters++] = (struct conn_waiter){.who = request_get(who)};
}

struct request *conn_reply(struct model *m, struct conn *c, bool is_peek, bool *is_alone)
{
	if (!is_peek && c->nr_waiters > 1 && c->waiters[0].has_reply)
		waiter_pop(m, c);
	*is_alone = c->nr_waiters == 1;
	if (!c->nr_waiters)
		return NULL;
	if (!is_peek)
		c->waiters[0].has_reply = true;
	return c->waiters[0].who;
}
