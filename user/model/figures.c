/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures of loops: totals since they are traced, and what of them belongs to the current interval. */
#include <errno.h>
#include <stdlib.h>

#include "model/state.h"

static void loop_total(const struct loop *l, uint64_t now_ns, struct model_loop *out)
{
	uint64_t end_ns = l->has_ended ? l->last_ns : now_ns;
	uint64_t idle_ns = l->idle_ns;

	*out = (struct model_loop){
		.pid = l->pid,
		.tid = l->tid,
		.runtime = l->runtime,
		.version = l->version,
		.ended = l->has_ended,
		.elapsed_ns = end_ns > l->first_ns ? end_ns - l->first_ns : 0,
		.turns = l->turns,
		.max_turn_ns = l->max_turn_ns,
		.nr_stalls = l->nr_stalls,
		.stall_ns = l->stall_ns,
		.hist = l->hist,
	};
	comm_copy(out->comm, l->comm);
	if (!l->has_slot)
		idle_ns = out->elapsed_ns > l->busy_ns ? out->elapsed_ns - l->busy_ns : 0;
	else if (l->idle_since_ns && end_ns > l->idle_since_ns)
		idle_ns += end_ns - l->idle_since_ns;
	out->idle_ns = idle_ns < out->elapsed_ns ? idle_ns : out->elapsed_ns;
	if (l->has_slot)
		out->hist.sum_ns = out->elapsed_ns - out->idle_ns;
}

/* The upper edge of the longest bucket in use. */
static uint64_t hist_longest(const struct hist *h, uint64_t known_max_ns)
{
	for (unsigned i = LG_NR_BUCKETS; i-- > 0;)
		if (h->buckets[i])
			return hist_upper_ns(i) < known_max_ns ? hist_upper_ns(i) : known_max_ns;
	return 0;
}

static void base_subtract(struct model_loop *out, const struct model_loop *base)
{
	for (int i = 0; i < LG_NR_BUCKETS; i++)
		out->hist.buckets[i] -= base->hist.buckets[i];
	out->hist.count -= base->hist.count;
	out->hist.sum_ns -= base->hist.sum_ns;
	out->turns -= base->turns;
	out->idle_ns -= base->idle_ns;
	out->elapsed_ns -= base->elapsed_ns;
	if (out->max_turn_ns == base->max_turn_ns)
		out->max_turn_ns = hist_longest(&out->hist, out->max_turn_ns);
	out->hist.max_ns = out->max_turn_ns;
}

void loop_describe(const struct loop *l, uint64_t now_ns, struct model_loop *out)
{
	loop_total(l, now_ns, out);
	if (l->base)
		base_subtract(out, l->base);
}

int loops_restart(struct loops *ls, uint64_t now_ns)
{
	int error = 0;

	list_for_each (node, &ls->all) {
		struct loop *l = list_entry(node, struct loop, in_all);

		if (l->has_ended) {
			loop_free(l);
			ls->nr_ended--;
			continue;
		}
		if (!l->base)
			l->base = malloc(sizeof(*l->base));
		if (l->base)
			loop_total(l, now_ns, l->base);
		else
			error = -ENOMEM;
		l->nr_stalls = 0;
		l->stall_ns = 0;
	}
	return error;
}
