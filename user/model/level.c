/* SPDX-License-Identifier: BSD-2-Clause */
/* From BUDGET records to what they mean for the rest of the model. */
#include "model/level.h"

#include <string.h>

#include "model/budget.h"
#include "model/state.h"

static void level_tell(struct model *m, const struct lg_rec_budget *rec)
{
	struct budget_sample cost = {rec->window_ns, rec->target_ns, rec->bpf_ns, rec->own_ns};
	struct model_budget told = {
		.time_ns = rec->head.time_ns,
		.level = rec->level,
		.before = rec->before,
		.limit_ppm = rec->limit_ppm,
		.cost_ppm = budget_cost_ppm(&cost),
		.window_ns = rec->window_ns,
		.target_ns = rec->target_ns,
		.bpf_ns = rec->bpf_ns,
		.own_ns = rec->own_ns,
	};

	if (m->sink.budget)
		m->sink.budget(m->sink.arg, &told);
}

/* Time at the level that holds now, until now_ns. */
static uint64_t level_elapsed(const struct model *m, uint64_t now_ns)
{
	uint64_t since_ns = m->levels.since_ns > m->start_ns ? m->levels.since_ns : m->start_ns;

	return now_ns > since_ns ? now_ns - since_ns : 0;
}

void level_feed(struct model *m, const struct lg_rec_budget *rec)
{
	struct levels *l = &m->levels;

	if (rec->level >= LG_NR_LEVELS || rec->before >= LG_NR_LEVELS)
		return;
	l->sum_ns[l->now] += level_elapsed(m, rec->head.time_ns);
	/* Whoever is in flight is not followed to its end. */
	if (rec->level >= LG_LEVEL_REQUESTS && l->now < LG_LEVEL_REQUESTS)
		conns_unread(m, rec->head.time_ns);
	l->now = rec->level;
	l->since_ns = rec->head.time_ns;
	l->limit_ppm = rec->limit_ppm;
	level_tell(m, rec);
}

void levels_copy(const struct model *m, uint64_t now_ns, struct model_summary *out)
{
	const struct levels *l = &m->levels;

	out->level = l->now;
	out->limit_ppm = l->limit_ppm;
	memcpy(out->level_ns, l->sum_ns, sizeof(out->level_ns));
	if (m->has_begun)
		out->level_ns[l->now] += level_elapsed(m, now_ns);
}

void levels_restart(struct levels *l, uint64_t now_ns)
{
	l->since_ns = now_ns;
	memset(l->sum_ns, 0, sizeof(l->sum_ns));
}
