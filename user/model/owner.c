/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules. `exact` is given in one place only, to servers whose callbacks are known to go from reading a request to
 * answering it without returning to the loop. Redis is not one: its replies are written later, and its timer (which
 * may fork to save, or expire many keys) runs in between; HAProxy reads first and runs its streams' tasks then; and a
 * native program may be of any kind (tokio runs other tasks where one awaits).
 */
#include "model/owner.h"

#include <stddef.h>

static const struct policy policies[LG_NR_RUNTIMES] = {
	[LG_RT_NATIVE] = {0}, [LG_RT_CPYTHON] = {.is_task = true},
	[LG_RT_NODE] = {0},   [LG_RT_NGINX] = {.is_strict = true},
	[LG_RT_REDIS] = {0},  [LG_RT_HAPROXY] = {.is_queued = true},
};

static const struct owner nobody = {0};

const struct policy *policy_of(enum lg_runtime runtime)
{
	return &policies[(unsigned)runtime < LG_NR_RUNTIMES ? runtime : LG_RT_NATIVE];
}

static struct owner likely(struct request *who)
{
	return (struct owner){who, who ? LG_SURE_LIKELY : LG_SURE_NONE};
}

static bool is_read(const struct edge *e)
{
	return e->kind == EDGE_READ || e->kind == EDGE_REPLY || e->kind == EDGE_WAKE || e->kind == EDGE_ACCEPT;
}

/* One request alone is being served, and nothing else woke the loop. */
static struct owner owner_sole(const struct edge *from, const struct edge *to, const struct scene *scene)
{
	if (from->kind == EDGE_ACCEPT || from->kind == EDGE_LEFT || (from->kind == EDGE_START && is_read(to)))
		return nobody;
	return likely(scene->sole);
}

/* What follows from the edge that began the interval. */
static struct owner owner_carried(const struct edge *from, const struct owner *last)
{
	struct owner o = nobody;

	switch (from->kind) {
	case EDGE_READ:
		return likely(from->who);
	case EDGE_REPLY:
		o = likely(from->who);
		if (o.who && from->is_alone)
			o.sure = LG_SURE_CAUSAL;
		return o;
	case EDGE_ANSWER:
	case EDGE_ASK:
	case EDGE_WRITE:
		o = *last;
		if (o.sure == LG_SURE_EXACT)
			o.sure = LG_SURE_LIKELY;
		return o;
	default:
		return o;
	}
}

static struct owner owner_by_callback(const struct policy *policy, const struct edge *from, const struct edge *to,
				      const struct owner *last, const struct scene *scene)
{
	struct owner o = owner_carried(from, last);
	bool same_conn = from->kind == EDGE_READ && to->conn == from->conn && to->conn;
	bool is_loops = from->kind == EDGE_START || from->kind == EDGE_LEFT;

	if (policy->is_queued && scene->several_read)
		return likely(to->kind == EDGE_ANSWER ? to->who : NULL);
	if (to->kind == EDGE_ANSWER && to->who && to->who != o.who) {
		/* A timer or a promise went on; or several requests of one read are answered in their order. */
		if (same_conn || (from->kind != EDGE_READ && (!is_loops || to->is_http)))
			return likely(to->who);
	}
	if (policy->is_strict && from->kind == EDGE_READ && from->who && from->is_alone) {
		bool answers = to->kind == EDGE_ANSWER && same_conn && to->who == from->who;

		if (answers || to->kind == EDGE_ASK)
			o.sure = LG_SURE_EXACT;
	}
	if (!o.who && !scene->others_read)
		return owner_sole(from, to, scene);
	return o;
}

static struct owner owner_by_task(const struct edge *from, const struct edge *to, const struct scene *scene)
{
	bool alone = scene->nr_in_flight == 0 || (scene->nr_in_flight == 1 && scene->sole == from->who);
	struct owner o;

	if (to->kind == EDGE_ANSWER && to->who) {
		o = likely(to->who);
		if (from->kind == EDGE_REPLY && from->who == to->who)
			o.sure = LG_SURE_CAUSAL;
		return o;
	}
	if (from->kind == EDGE_REPLY && from->who) {
		o = likely(from->who);
		if (alone && from->is_alone)
			o.sure = LG_SURE_CAUSAL;
		return o;
	}
	if (from->kind == EDGE_READ && from->who)
		return alone || (is_read(to) && !from->is_stretched) ? likely(from->who) : nobody;
	if (from->kind == EDGE_ANSWER && scene->nr_in_flight == 0)
		return likely(from->who);
	return owner_sole(from, to, scene);
}

struct owner owner_find(const struct policy *policy, const struct edge *from, const struct edge *to,
			const struct owner *last, const struct scene *scene)
{
	if (to->after_gap)
		return nobody;
	/* Who held the lock when a wait for it began, not who was faster to take it at its end. */
	if (to->kind == EDGE_MARK && to->is_gil && from->kind == EDGE_MARK && from->is_gil)
		return (struct owner){from->who, from->sure};
	if (to->kind == EDGE_MARK)
		return (struct owner){to->who, to->sure};
	/* The rest of what was asked about: what is long would have been asked about again. */
	if (from->kind == EDGE_MARK)
		return (struct owner){from->who, from->sure};
	if (policy->is_task)
		return owner_by_task(from, to, scene);
	return owner_by_callback(policy, from, to, last, scene);
}
