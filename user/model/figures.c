/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures of loops: totals since they are traced, and what of them belongs to the current interval. */
#include <errno.h>
#include <stdlib.h>

#include "model/state.h"

/* The slot was read while its thread ran: the parts may be ahead of the whole, never of each other. */
static void parts_fill(const struct loop *l, uint64_t busy_ns, struct model_parts *out)
{
	uint64_t off_ns;

	for (int i = 0; i < LG_NR_SLEEPS; i++) {
		out->sleep_ns[i] = l->sleep_ns[i];
		out->blocked_ns += l->sleep_ns[i];
	}
	out->runqueue_ns = l->runqueue_ns;
	out->throttled_ns = l->throttled_ns;
	off_ns = out->blocked_ns + out->runqueue_ns + out->throttled_ns;
	out->on_cpu_ns = busy_ns > off_ns ? busy_ns - off_ns : 0;
}

static void loop_total(const struct loop *l, uint64_t now_ns, struct model_loop *out)
{
	uint64_t end_ns = l->has_ended ? l->last_ns : now_ns;
	uint64_t stuck_ns = l->stuck.turn_ns && end_ns > l->stuck.turn_ns ? end_ns - l->stuck.turn_ns : 0;
	uint64_t idle_ns = l->idle_ns;

	*out = (struct model_loop){
		.pid = l->pid,
		.tid = l->tid,
		.runtime = l->runtime,
		.version = l->version,
		.ended = l->has_ended,
		.elapsed_ns = end_ns > l->first_ns ? end_ns - l->first_ns : 0,
		.turns = l->turns,
		.max_turn_ns = stuck_ns > l->max_turn_ns ? stuck_ns : l->max_turn_ns,
		.nr_requests = l->nr_requests,
		.nr_stalls = l->nr_stalls,
		.stall_ns = l->stall_ns,
		.threshold_ns = l->turn.threshold_ns,
		.stuck_ns = stuck_ns,
		.hist = l->hist,
	};
	comm_copy(out->comm, l->comm);
	if (!l->has_slot)
		idle_ns = out->elapsed_ns > l->busy_ns ? out->elapsed_ns - l->busy_ns : 0;
	else if (l->idle_since_ns && end_ns > l->idle_since_ns)
		idle_ns += end_ns - l->idle_since_ns;
	out->idle_ns = idle_ns < out->elapsed_ns ? idle_ns : out->elapsed_ns;
	if (!l->has_slot)
		return;
	out->hist.sum_ns = out->elapsed_ns - out->idle_ns;
	parts_fill(l, out->hist.sum_ns, &out->parts);
}

/* The upper edge of the longest bucket in use. */
static uint64_t hist_longest(const struct hist *h, uint64_t known_max_ns)
{
	for (unsigned i = LG_NR_BUCKETS; i-- > 0;)
		if (h->buckets[i])
			return hist_upper_ns(i) < known_max_ns ? hist_upper_ns(i) : known_max_ns;
	return 0;
}

static uint64_t since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

static void parts_subtract(struct model_parts *parts, const struct model_parts *base)
{
	for (int i = 0; i < LG_NR_SLEEPS; i++)
		parts->sleep_ns[i] = since(parts->sleep_ns[i], base->sleep_ns[i]);
	parts->on_cpu_ns = since(parts->on_cpu_ns, base->on_cpu_ns);
	parts->blocked_ns = since(parts->blocked_ns, base->blocked_ns);
	parts->runqueue_ns = since(parts->runqueue_ns, base->runqueue_ns);
	parts->throttled_ns = since(parts->throttled_ns, base->throttled_ns);
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
	parts_subtract(&out->parts, &base->parts);
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
		l->nr_requests = 0;
		l->nr_stalls = 0;
		l->stall_ns = 0;
	}
	return error;
}
