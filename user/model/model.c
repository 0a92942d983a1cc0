/* SPDX-License-Identifier: BSD-2-Clause */
/* The model's outside: making it, and handing each record to whom it concerns. */
#include "model/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/edge.h"
#include "model/stall.h"
#include "model/state.h"
#include "model/stuck.h"

#define DEFAULT_ROUTES    512
#define DEFAULT_ID_HEADER "x-request-id"

int model_new(struct model **out, const struct model_opts *opts, const struct model_sink *sink, struct err *err)
{
	struct model *m = calloc(1, sizeof(*m));

	*out = m;
	if (!m)
		return err_set(err, EXIT_CODE_FAILED, ENOMEM, "out of memory");
	m->opts = *opts;
	m->sink = *sink;
	if (!m->opts.id_header)
		m->opts.id_header = DEFAULT_ID_HEADER;
	if (!m->opts.max_routes)
		m->opts.max_routes = DEFAULT_ROUTES;
	pool_init(&m->request_pool, sizeof(struct request));
	pool_init(&m->conn_pool, sizeof(struct conn));
	facts_init(&m->facts);
	routes_init(&m->routes, m->opts.route_patterns, m->opts.max_routes);
	conns_init(&m->conns);
	loops_init(&m->loops);
	list_init(&m->held);
	places_init(&m->places);
	return 0;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	loops_fini(m);
	conns_fini(m);
	routes_fini(&m->routes);
	places_fini(&m->places);
	facts_fini(&m->facts);
	pool_fini(&m->conn_pool);
	pool_fini(&m->request_pool);
	free(m);
}

static void record_dispatch(struct model *m, const struct lg_head *rec)
{
	switch (rec->kind) {
	case LG_REC_THREAD:
		loop_feed_thread(m, (const struct lg_rec_thread *)rec);
		break;
	case LG_REC_CONN:
		conn_feed(m, (const struct lg_rec_conn *)rec);
		break;
	case LG_REC_OWNER:
		edge_feed_owner(m, (const void *)rec);
		break;
	case LG_REC_IO:
		edge_feed(m, (const struct lg_rec_io *)rec);
		break;
	case LG_REC_OFF:
		loop_feed_off(m, (const struct lg_rec_off *)rec);
		break;
	case LG_REC_TURN:
		loop_feed_turn(m, (const struct lg_rec_turn *)rec);
		break;
	case LG_REC_FRAMES:
		loop_feed_frames(m, (const struct lg_rec_frames *)rec);
		break;
	case LG_REC_TARGET:
		loop_feed_target(m, (const struct lg_rec_target *)rec);
		break;
	case LG_REC_PATH:
		m->lacks_memory |= facts_add_path(&m->facts, (const struct lg_rec_path *)rec) != 0;
		break;
	case LG_REC_ASLEEP:
		stuck_feed_asleep(m, (const struct lg_rec_asleep *)rec);
		break;
	case LG_REC_WAITING:
		stuck_feed_waiting(m, (const struct lg_rec_waiting *)rec);
		break;
	case LG_REC_LOOP:
		loop_feed_slot(m, (const struct lg_rec_loop *)rec);
		break;
	case LG_REC_BUDGET:
		level_feed(m, (const struct lg_rec_budget *)rec);
		break;
	case LG_REC_LOST:
		memcpy(m->counters, ((const struct lg_rec_lost *)rec)->counters, sizeof(m->counters));
		break;
	default:
		break;
	}
}

int model_feed(struct model *m, const struct lg_head *rec)
{
	if (!m->has_begun || rec->time_ns < m->start_ns)
		m->start_ns = rec->time_ns;
	m->has_begun = true;
	m->lacks_memory = false;
	record_dispatch(m, rec);
	stalls_tick(m, rec->time_ns);
	return m->lacks_memory ? -ENOMEM : 0;
}

void model_flush(struct model *m)
{
	list_for_each (node, &m->loops.all)
		stuck_cut(m, list_entry(node, struct loop, in_all));
	stalls_tick(m, UINT64_MAX);
}
