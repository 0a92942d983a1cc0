/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Is a callback running that a native loop called for what a descriptor had, or is it a timer, or what is done between
 * two rounds? The function that waits for events also calls the callbacks: the word on the stack where its calls put
 * their return address says which call is going on. Where it lies, and what it is during callbacks, is learnt at a few
 * waits and reads, at no cost afterwards.
 *
 * Stacks of other shapes, which read in several places, are noticed, and nothing is said of them. x86-64 only.
 */
#ifndef LG_SITE_BPF_H
#define LG_SITE_BPF_H

#include "owner.bpf.h"
#include "user.bpf.h"

#define SITE_WORDS  64 /* of the stack above the wait that may hold return addresses */
#define SITE_PLACES 6  /* of them, that do: what the C library leaves there, the wait's own, its callers' */
#define SITE_CALLS  4  /* calls from which descriptors are read */
#define SITE_READS  32 /* reads to learn from */

struct site {
	__u32 nr_places;          /* 0: no wait was seen yet */
	__u64 place[SITE_PLACES]; /* addresses on the stack, the innermost first, */
	__u64 wait[SITE_PLACES];  /* and what is there during a wait */
	__u64 at;                 /* the one that tells; 0 not known yet */
	__u64 calls[SITE_CALLS];  /* what is there during reads */
	__u32 nr_calls;
	__u32 nr_reads;
	__u32 is_off; /* 1: this loop is not of that kind */
	__u64 words[SITE_WORDS];
};

struct sites_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LG_MAX_SLOTS);
	__type(key, __u32);
	__type(value, struct site);
};

extern struct sites_map sites SEC(".maps");

/* The current thread, which learns (THREAD_SITES), returned from its wait, or has read. */
int site_wait(void);
int site_read(void);

/* LG_ANSWER_CALLBACK or LG_ANSWER_LEFT; -1 not known yet, or never. It begins to learn at the first question. */
static __always_inline int site_ask(struct thread *t, struct task_struct *task, struct answer *a)
{
	struct site *s = bpf_map_lookup_elem(&sites, &t->slot);
	__u64 call;

#if !defined(__TARGET_ARCH_x86) /* return addresses lie where the called function puts them */
	return -1;
#endif
	if (!s)
		return -1;
	if (!(t->flags & THREAD_SITED)) {
		s->nr_places = 0;
		s->at = 0;
		s->nr_calls = 0;
		s->nr_reads = 0;
		s->is_off = 0;
		t->flags |= THREAD_SITES | THREAD_SITED;
		return -1;
	}
	if (s->is_off || t->flags & THREAD_SITES || !s->at)
		return -1;
	a->answer = LG_ANSWER_LEFT;
	if (PT_REGS_SP((struct pt_regs *)bpf_task_pt_regs(task)) > s->at)
		return 0;
	call = word_at(s->at);
	for (__u32 i = 0; i < SITE_CALLS; i++)
		if (i < s->nr_calls && s->calls[i] == call)
			a->answer = LG_ANSWER_CALLBACK;
	return 0;
}

#endif
