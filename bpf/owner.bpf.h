/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Asking a runtime whose code runs. Only runs that are already long are asked about, so healthy turns pay
 * nothing; the target's memory is only read, and whatever it holds, the walk is bounded.
 */
#ifndef LG_OWNER_BPF_H
#define LG_OWNER_BPF_H

#include "lg_runtime.h"
#include "turn.bpf.h"

/* A stretch on the CPU or blocked in one call is worth a question from here on. */
#define ASK_AFTER_NS 1000000

/* What a walk found; the fields of lg_rec_owner. */
struct answer {
	__u64 ino;
	__u64 key;
	__u16 port;
	__u8 answer; /* enum lg_answer */
	__u8 sure;   /* enum lg_confidence */
	__u8 is_gc;
	__u8 is_gil;
	__u8 stage; /* enum lg_stage */
	__u8 is_behind;
	__u32 holder_tid;
	__u32 pad2;
};

struct runtimes_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_TARGETS);
	__type(key, __u32);
	__type(value, struct lg_runtime_info);
};

extern struct runtimes_map runtimes SEC(".maps");

/*
 * Asks the runtime of the current thread, which must be a loop in a turn, and tells the answer as an edge. In a
 * program of its own (owner.bpf.c); callable from every program that runs in the thread's own context.
 */
int owner_ask(__u64 now);

#endif
