// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Learning from where a native loop calls its callbacks: see site.bpf.h. */
#include "site.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct mm_struct___code {
	unsigned long start_code;
	unsigned long end_code;
};

struct task_struct___mm {
	struct mm_struct___code *mm;
};

#pragma clang attribute pop

/* Is it an address of the program's own code? */
static __always_inline bool is_code(struct task_struct *task, __u64 addr)
{
	struct mm_struct___code *mm = BPF_CORE_READ((struct task_struct___mm *)task, mm);

	return addr >= BPF_CORE_READ(mm, start_code) && addr < BPF_CORE_READ(mm, end_code);
}

static __always_inline void wait_learn(struct site *s, struct task_struct *task)
{
	__u64 sp;

	if (s->nr_places)
		return;
	sp = PT_REGS_SP((struct pt_regs *)bpf_task_pt_regs(task));
	if (bpf_probe_read_user(s->words, sizeof(s->words), (void *)sp))
		return;
	for (__u32 i = 0; i < SITE_WORDS; i++) {
		__u32 n = s->nr_places;

		if (n >= SITE_PLACES || !is_code(task, s->words[i]))
			continue;
		s->place[n] = sp + 8 * i;
		s->wait[n] = s->words[i];
		s->nr_places = n + 1;
	}
}

static __always_inline void call_note(struct site *s, __u64 at, __u64 call)
{
	s->is_off |= s->at && s->at != at;
	s->at = at;
	for (__u32 i = 0; i < SITE_CALLS; i++)
		if (i < s->nr_calls && s->calls[i] == call)
			return;
	if (s->nr_calls >= SITE_CALLS) {
		s->is_off = 1;
		return;
	}
	s->calls[s->nr_calls & (SITE_CALLS - 1)] = call;
	s->nr_calls++;
}

/* The outermost place that holds another call than during the wait is that of the function which does both. */
static __always_inline void read_learn(struct site *s, struct thread *t, struct task_struct *task)
{
	__u64 at = 0, call = 0, word;

	if (!s->nr_places)
		return;
	for (__u32 i = 0; i < SITE_PLACES; i++) {
		if (i >= s->nr_places)
			break;
		word = word_at(s->place[i]);
		if (word == s->wait[i])
			continue;
		at = s->place[i];
		call = word;
	}
	if (is_code(task, call))
		call_note(s, at, call);
	else
		s->is_off = 1;
	s->nr_reads++;
	if (s->nr_reads >= SITE_READS || s->is_off)
		t->flags &= ~THREAD_SITES;
}

__noinline int site_wait(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_get(task);
	struct site *s = t ? bpf_map_lookup_elem(&sites, &t->slot) : NULL;

	if (s)
		wait_learn(s, task);
	return 0;
}

__noinline int site_read(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_get(task);
	struct site *s = t ? bpf_map_lookup_elem(&sites, &t->slot) : NULL;

	if (s)
		read_learn(s, t, task);
	return 0;
}
