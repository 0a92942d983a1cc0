/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs cost, as they measure it themselves while they are told to (lg_control.is_measured): a moment of
 * every second. The kernel's own statistics would need more rights, and have every BPF program of the host pay.
 */
#ifndef LG_COST_H
#define LG_COST_H

#include "lg_types.h"

/* Runs on behalf of traced threads, by what the kernel does around each. The keys of the map `costs`. */
enum lg_cost_kind {
	LG_COST_SWITCH = 0, /* a thread leaves the CPU, or is back */
	LG_COST_CALL = 1,   /* the return of a system call, at the tracepoint */
	LG_COST_UPROBE = 2, /* a probe in the target's libc or TLS library */
	LG_COST_SAMPLE = 3, /* by a clock of the thread's own */
	LG_COST_TICK = 4,   /* by the kernel's tick */
	LG_NR_COSTS
};

/* One a CPU. */
struct lg_cost {
	__u64 runs;
	__u64 run_ns; /* within the programs */
};
LG_SIZE(struct lg_cost, 16);

#endif
