/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a request, and the sums kept with it. */
#include "model/request.h"

#include <string.h>

#include "lg_path.h"
#include "model/filter.h"
#include "model/state.h"

#define MAX_LIVE 262144 /* four times the connections there may be; about 270 MB if ever reached */

static uint32_t path_sum(const char *path)
{
	__u64 words[LG_PATH_WORDS] = {};
	size_t len = strlen(path);

	if (len == MODEL_PATH_LEN - 1)
		return 0;
	memcpy(words, path, len < LG_PATH_BYTES ? len : LG_PATH_BYTES);
	return lg_path_sum(words, len);
}

struct request *request_new(struct model *m)
{
	struct request *r = m->nr_live < MAX_LIVE ? pool_get(&m->request_pool) : NULL;

	if (!r) {
		m->lacks_memory = true;
		return NULL;
	}
	list_init(&r->in_conn);
	list_init(&r->in_flight);
	list_init(&r->settling);
	r->refs = 1;
	r->serial = ++m->last_serial;
	m->nr_live++;
	return r;
}

struct request *request_get(struct request *r)
{
	if (r)
		r->refs++;
	return r;
}

void request_put(struct model *m, struct request *r)
{
	if (!r || --r->refs)
		return;
	m->nr_live--;
	pool_put(&m->request_pool, r);
}

static void flight_leave(struct request *r)
{
	list_del(&r->in_flight);
	if (!r->is_parked)
		r->loop->nr_in_flight--;
	r->is_parked = false;
}

static void flight_enter(struct request *r)
{
	list_add_tail(&r->loop->in_flight, &r->in_flight);
	r->loop->nr_in_flight++;
}

/* Its response may have ended or not: until more of it is written it counts as answered. */
static void flight_park(struct request *r)
{
	flight_leave(r);
	list_add_tail(&r->loop->parked, &r->in_flight);
	r->is_parked = true;
}

/* How long the loop's last turn went on when the head had already come. */
static uint64_t busy_since(const struct loop *l, uint64_t come_ns)
{
	uint64_t busy_ns = l->turn_end_ns > come_ns ? l->turn_end_ns - come_ns : 0;

	return busy_ns < l->turn_ns ? busy_ns : l->turn_ns;
}

void request_begin(struct model *m, struct request *r, struct conn *c, struct loop *l, uint64_t now_ns)
{
	r->conn = c;
	r->loop = l;
	r->head_ns = now_ns;
	r->busy_ns = l->busy_ns - (r->waited_ns ? busy_since(l, now_ns - r->waited_ns) : 0);
	r->path_sum = path_sum(r->who.path);
	route_name(m->routes.patterns, r->who.path, r->who.route);
	r->route = routes_get(&m->routes, r->who.method, r->who.route);
	if (!r->route)
		m->lacks_memory = true;
	list_add_tail(&c->unanswered, &r->in_conn);
	c->nr_unanswered++;
	flight_enter(r);
}

void request_write(struct request *r, uint64_t now_ns)
{
	r->write_ns = now_ns > r->head_ns ? now_ns : r->head_ns;
	r->hold_end_ns = r->hold_ns;
	if (r->is_parked) {
		flight_leave(r);
		flight_enter(r);
	}
	if (r->has_open_end && list_is_empty(&r->settling))
		list_add_tail(&r->loop->settling, &r->settling);
}

void request_note_longest(const struct request *r)
{
	struct model_route *s = r->route ? &r->route->stats : NULL;

	if (!s || r->longest_run_ns < s->max_run_ns)
		return;
	s->max_run_ns = r->longest_run_ns;
	memcpy(s->worst_id, r->who.id, sizeof(s->worst_id));
}

static void route_count(struct route *route, const struct model_done *done)
{
	struct model_route *s = &route->stats;

	s->count++;
	hist_add(&s->hold, done->hold_ns);
	hist_add(&s->delay, done->delay_ns);
	hist_add(&s->duration, done->duration_ns);
}

static void request_count(struct model *m, struct request *r, const struct model_done *done)
{
	m->nr_requests++;
	r->loop->nr_requests++;
	if (r->route)
		route_count(r->route, done);
	request_note_longest(r);
	if (m->sink.request)
		m->sink.request(m->sink.arg, done);
}

/* Gives up the reference that the request has had since it began. */
static void request_tell(struct model *m, struct request *r)
{
	struct model_done done = {
		.request = &r->who,
		.start_ns = r->head_ns,
		.duration_ns = r->end_ns - r->head_ns,
		.hold_ns = r->hold_ns,
		.parts = r->parts,
		.longest_run_ns = r->longest_run_ns,
		.delay_ns = r->delay_ns,
		.socket_wait_ns = r->waited_ns,
		.confidence = r->sure,
		.pid = r->loop->pid,
		.tid = r->loop->tid,
		.status = r->status,
	};

	if (!r->is_unread && filter_takes_request(m->opts.filter, &r->who))
		request_count(m, r, &done);
	list_del(&r->settling);
	r->loop = NULL;
	request_put(m, r);
}

/* How long others kept the loop, of its busy time since the turn in which the head was read. */
static void delay_set(struct request *r, uint64_t busy_ns)
{
	uint64_t waited = busy_ns - r->busy_ns;

	r->delay_ns = waited > r->hold_end_ns ? waited - r->hold_end_ns : 0;
}

void request_end(struct model *m, struct request *r, uint64_t end_ns)
{
	if (r->has_ended)
		return;
	r->has_ended = true;
	r->end_ns = end_ns > r->head_ns ? end_ns : r->head_ns;
	if (r->end_ns != r->write_ns)
		r->hold_end_ns = r->hold_ns;
	list_del(&r->in_conn);
	r->conn->nr_unanswered--;
	r->conn = NULL;
	flight_leave(r);
	if (r->loop->turn.has_begun) {
		if (list_is_empty(&r->settling))
			list_add_tail(&r->loop->settling, &r->settling);
		return;
	}
	if (!r->has_open_end)
		delay_set(r, r->loop->busy_ns);
	request_tell(m, r);
}

void request_hold(struct request *r, uint64_t turn, enum lg_confidence sure, const struct model_parts *parts,
		  uint64_t length_ns)
{
	if (!length_ns)
		return;
	if (!r->hold_ns || sure < r->sure)
		r->sure = sure;
	r->hold_ns += length_ns;
	parts_add(&r->parts, parts);
	if (r->turn != turn) {
		r->turn = turn;
		r->turn_hold_ns = 0;
		r->turn_longest_ns = 0;
	}
	r->turn_hold_ns += length_ns;
	if (length_ns > r->turn_longest_ns) {
		r->turn_longest_ns = length_ns;
		r->turn_sure = sure;
	}
}

void request_settle(struct model *m, struct loop *l, uint64_t start_ns, uint64_t end_ns)
{
	list_for_each (node, &l->settling) {
		struct request *r = list_entry(node, struct request, settling);
		uint64_t until = r->has_ended ? r->end_ns : r->write_ns;

		if (until > end_ns)
			until = end_ns;
		if (until >= start_ns)
			delay_set(r, l->busy_ns + (until - start_ns));
		if (r->has_ended) {
			request_tell(m, r);
		} else {
			list_del(&r->settling);
			if (r->has_open_end)
				flight_park(r);
		}
	}
}

void request_end_all(struct model *m, struct loop *l, uint64_t end_ns)
{
	list_for_each (node, &l->in_flight)
		request_end(m, list_entry(node, struct request, in_flight), end_ns);
	list_for_each (parked, &l->parked) {
		struct request *r = list_entry(parked, struct request, in_flight);

		request_end(m, r, r->write_ns);
	}
}
