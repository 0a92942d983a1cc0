/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Asking a runtime whose code runs. Only runs that are already long are asked about, so healthy turns pay
 * nothing; the target's memory is only read, and whatever it holds, the walk is bounded.
 */
#ifndef LG_OWNER_BPF_H
#define LG_OWNER_BPF_H

#include "lg_runtime.h"
#include "turn.bpf.h"

struct runtimes_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_TARGETS);
	__type(key, __u32);
	__type(value, struct lg_runtime_info);
};

extern struct runtimes_map runtimes SEC(".maps");

/* How long questions took, in steps of ASK_STEP_NS; the last slot counts all that took longer. For measurements. */
#define ASK_STEP_NS 250
#define ASK_STEPS   1024

struct ask_times_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ASK_STEPS);
	__type(key, __u32);
	__type(value, __u64);
};

extern struct ask_times_map ask_times SEC(".maps");

enum ask_when {
	ASK_NOW,   /* about the stretch up to now: the answer is told as an edge */
	ASK_AHEAD, /* about the stretch off the CPU that begins: the answer waits in the thread's state */
	ASK_ASIDE, /* the same, but it is asked again at its end: the answer is for who looks at a thread that hangs */
};

/*
 * Asks the runtime of the current thread, which must be a loop in a turn; `known_ns` of the time off the CPU
 * since the last edge is known to be of the code that is asked. In a program of its own (owner.bpf.c); callable from
 * every program that runs in the thread's own context.
 */
int owner_ask(__u32 when, __u64 known_ns, __u64 now);

/* How long the call has slept that the thread is still in: what runs now, on its way out, made it. */
static __always_inline __u64 call_known_ns(const struct thread *t, struct task_struct *task)
{
	const struct lg_block *b = &t->call;

	if (t->call_seq != t->seq || b->nr < 0 || regs_nr((struct pt_regs *)bpf_task_pt_regs(task)) != b->nr)
		return 0;
	return b->sleep_ns;
}

#endif
