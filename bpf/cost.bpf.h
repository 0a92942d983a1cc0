/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the programs cost, and what is left out when that is too much. User space decides (lg_control); a program that
 * is neither measured nor held back pays a load and a comparison for each question.
 */
#ifndef LG_COST_BPF_H
#define LG_COST_BPF_H

#include "lg_cost.h"
#include "state.bpf.h"

struct costs_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LG_NR_COSTS);
	__type(key, __u32);
	__type(value, struct lg_cost);
};

extern struct costs_map costs SEC(".maps");

/* When a run on behalf of a traced thread began; 0: it is not measured. */
static __always_inline __u64 cost_begin(void)
{
	return control.is_measured ? bpf_ktime_get_ns() : 0;
}

/* A probe may be preempted, and a whole machine: what a run seems to take beyond this was not its own. */
#define COST_RUN_MAX_NS 100000

static __always_inline void cost_end(__u32 kind, __u64 begin_ns)
{
	struct lg_cost *cost;
	__u64 ns;

	if (!begin_ns)
		return;
	cost = bpf_map_lookup_elem(&costs, &kind);
	if (!cost)
		return;
	ns = bpf_ktime_get_ns() - begin_ns;
	cost->runs++;
	cost->run_ns += ns < COST_RUN_MAX_NS ? ns : COST_RUN_MAX_NS;
}

/* Is left out what this level leaves out? */
static __always_inline bool level_reaches(__u32 level)
{
	return control.level >= level;
}

/* The same, where it would have been done now. */
static __always_inline bool level_skips(__u32 level, __u32 counter)
{
	if (!level_reaches(level))
		return false;
	count(counter);
	return true;
}

#endif
