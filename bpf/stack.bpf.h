/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where the code is: stacks of turns that are already long, as addresses. Short turns pay one comparison, and only
 * where a sample or the return of a blocked call looks anyway.
 */
#ifndef LG_STACK_BPF_H
#define LG_STACK_BPF_H

#include "owner.bpf.h"

/* How to walk the frames of a process's runtime; in a map of its own, since a process may have stacks, yet no owners.
 */
extern struct runtimes_map stack_runtimes SEC(".maps");

/* The state of a walk: one a CPU. */
struct stack_walk {
	__u32 is_busy;
	__u32 state_id_at; /* offset in an interpreter's state of what names its thread */
	__u64 ip;          /* the native frame to take next: where it is, its frame pointer */
	__u64 fp;
	__u64 is_js;     /* 1: frames of JavaScript are to be told; v8 is set */
	__u64 exit;      /* frame through which JavaScript called native code, 0: none, or the walk came by */
	__u64 thread_id; /* what names the thread */
	__u64 state;     /* the interpreter's, of this thread */
	__u64 frame;     /* of Python, to take next */
	struct lg_python py;
	struct lg_v8 v8;
	struct lg_rec_stack rec;
};

struct stack_walks_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stack_walk);
};

extern struct stack_walks_map stack_walks SEC(".maps");

/* Where in the kernel a thread fell asleep last, by its slot: at the call's return that is gone. */
struct kernel_stack {
	__u64 block_ns; /* as lg_block.start_ns of the call */
	__u64 nr;
	__u64 frames[LG_STACK_KERNEL_MAX];
};

struct kernel_stacks_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LG_MAX_SLOTS);
	__type(key, __u32);
	__type(value, struct kernel_stack);
};

extern struct kernel_stacks_map kernel_stacks SEC(".maps");

/* A thread that is switched out falls asleep in t->call. */
static __always_inline void stack_note_sleep(struct thread *t, struct task_struct *task)
{
	struct kernel_stack *k;
	long len;

	if (!(config.stack & LG_STACK_KERNEL) || !t->turn_ns || level_reaches(LG_LEVEL_STACKS))
		return;
	k = bpf_map_lookup_elem(&kernel_stacks, &t->slot);
	if (!k)
		return;
	len = bpf_get_task_stack(task, k->frames, sizeof(k->frames), 0);
	k->nr = len > 0 ? len / sizeof(k->frames[0]) : 0;
	k->block_ns = t->call.start_ns;
}

/*
 * Takes the stack of the current thread, a loop in a turn, and tells it. In a program of its own (stack.bpf.c);
 * callable from every program that runs in the thread's own context. `block_ns`: see lg_rec_stack.
 */
int stack_take(__u64 now, __u32 moment, __u64 block_ns);

/* Stacks of threads that fell asleep, told when that turns out to be long. Threads may share one: the later one wins.
 */
#define MAX_NOTES 64

struct stack_notes_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_NOTES);
	__type(key, __u32);
	__type(value, struct lg_rec_stack);
};

extern struct stack_notes_map stack_notes SEC(".maps");

/* Notes the stack of the current thread, which is being switched out. */
int stack_note(__u64 now);
/* Tells what was noted, at the end of that stretch. */
int stack_note_tell(struct thread *t, __u64 now);

/*
 * One in this time on average, a hundred in a row: code that blocks again and again for a moment gives up 3 % of its
 * time at most, and one that does so shortly before it blocks for long is still seen.
 */
#define NOTE_SHARE_NS 200000
#define NOTE_BURST_NS (100 * NOTE_SHARE_NS)

/*
 * Is the stack of a thread that falls asleep to be noted? Only where nobody will look at the return of what it sleeps
 * in: in libc mode, and in page faults.
 */
static __always_inline bool stack_is_noted(const struct thread *t, __u64 now)
{
	if (!config.stack || !(t->flags & THREAD_LOOP) || !t->turn_ns || t->out_class >= LG_NR_SLEEPS)
		return false;
	if (level_reaches(LG_LEVEL_STACKS))
		return false;
	return (control.edges == LG_EDGES_LIBC || t->call.nr < 0) && t->note_after_ns <= now + NOTE_BURST_NS;
}

/*
 * Whether a stack is due. Half a threshold apart, and each block of a quarter: so every stall has one inside of it,
 * and whatever fills most of it is seen.
 */
static __always_inline bool stack_is_due(const struct thread *t, __u64 now, __u64 blocked_ns)
{
	__u64 from = t->stack_ns > t->turn_ns ? t->stack_ns : t->turn_ns;

	if (!config.stack || !t->turn_ns)
		return false;
	return now - from >= config.turn_ns / 2 || (blocked_ns >= ASK_AFTER_NS && blocked_ns >= config.turn_ns / 4);
}

#endif
