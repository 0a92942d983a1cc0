/* SPDX-License-Identifier: BSD-2-Clause */
/* What a model consists of: for the files of this folder only. */
#ifndef LG_STATE_H
#define LG_STATE_H

#include "model/conn.h"
#include "model/facts.h"
#include "model/level.h"
#include "model/loop.h"
#include "model/place.h"
#include "model/pool.h"
#include "model/route.h"

struct model {
	struct model_opts opts; /* with the defaults filled in */
	struct model_sink sink;
	struct pool request_pool;
	struct pool conn_pool;
	struct facts facts;
	struct routes routes;
	struct conns conns;
	struct loops loops;
	struct places places;
	struct http_memo responses;
	bool has_begun;       /* start_ns is set */
	bool lacks_memory;    /* during a feed: something was not remembered */
	uint64_t start_ns;    /* the first record */
	uint64_t nr_turns;    /* numbered so far */
	uint64_t last_serial; /* of requests */
	unsigned nr_live;     /* requests that are referred to */
	uint64_t nr_requests; /* told */
	uint64_t nr_stalls;
	uint64_t nr_filtered; /* stalls that the filter left out */
	uint64_t nr_cumulative;
	struct list held;     /* struct loop.in_held, of those with stalls held back, in the order of loops.all */
	uint64_t held_due_ns; /* none of them is due before */
	struct model_cause causes[LG_NR_CAUSES];
	struct levels levels;
	struct model_cause_detail details[LG_NR_CAUSES][MODEL_NR_DETAILS];
	uint64_t counters[16]; /* by enum lg_counter */
};

#endif
