/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The accounting of a thread: stretches off the CPU are booked by what they were, turns begin and end,
 * edges are told or kept back.
 *
 * Every instant of a loop is either idle (asleep in its wait, not yet woken) or in a turn; a turn begins when
 * the wait is woken, so a loop that is ready and gets no CPU is late, not idle.
 */
#ifndef LG_TURN_BPF_H
#define LG_TURN_BPF_H

#include "tell.bpf.h"

/* A stretch on the CPU or off it is worth a question from here on. */
#define ASK_AFTER_NS 1000000

/* Time off the CPU that leaves an answer unsure, when another one may have run before it. */
#define ASK_SURE_NS 2000000

static __always_inline void off_clear(struct off *off)
{
	__builtin_memset(off, 0, sizeof(*off));
}

SUBPROG int off_merge(struct off *dst, struct off *src)
{
	if (!dst || !src)
		return 0;
	for (int i = 0; i < LG_NR_SLEEPS; i++)
		dst->sleep_ns[i] += src->sleep_ns[i];
	dst->runqueue_ns += src->runqueue_ns;
	dst->throttled_ns += src->throttled_ns;
	dst->nr_sleeps += src->nr_sleeps;
	dst->nr_preempts += src->nr_preempts;
	dst->gc_ns += src->gc_ns;
	if (src->longest.sleep_ns > dst->longest.sleep_ns)
		dst->longest = src->longest;
	return 0;
}

/* The state of a thread's clocks at an edge. */
struct ticks {
	__u64 time_ns;
	__u64 user_ns; /* task->utime and ->stime */
	__u64 system_ns;
	__s32 last_nr; /* the call with the most system time before it, -1 none */
};

/* Tells how the time up to an edge was spent. */
static __always_inline void off_tell(struct thread *t, struct off *off, const struct ticks *at)
{
	struct lg_rec_off *rec = batch_room(t, sizeof(*rec));

	rec->pid = t->pid;
	rec->tid = t->tid;
	__builtin_memset(rec->sleep_ns, 0, sizeof(rec->sleep_ns));
	__builtin_memcpy(rec->sleep_ns, off->sleep_ns, sizeof(off->sleep_ns));
	rec->runqueue_ns = off->runqueue_ns;
	rec->throttled_ns = off->throttled_ns;
	rec->user_ns = at->user_ns - t->user_ns;
	rec->system_ns = at->system_ns - t->system_ns;
	rec->nr_sleeps = off->nr_sleeps;
	rec->nr_preempts = off->nr_preempts;
	rec->last_nr = at->last_nr;
	rec->pad = 0;
	rec->longest = off->longest;
	rec->gc_ns = off->gc_ns;
	t->user_ns = at->user_ns;
	t->system_ns = at->system_ns;
	batch_add(t, rec, LG_REC_OFF, sizeof(*rec), at->time_ns, false);
}

/* Forgets what was summed up: the next interval begins here. */
static __always_inline void off_restart(struct thread *t, struct task_struct *task)
{
	if (t->has_since)
		off_clear(&t->since);
	if (t->has_before)
		off_clear(&t->before);
	t->has_since = false;
	t->has_before = false;
	t->user_ns = task->utime;
	t->system_ns = task->stime;
	t->last_system_ns = 0;
	t->unasked_ns = 0;
}

/* Every edge matters to who reads requests. */
static __always_inline bool thread_tells_all(const struct thread *t)
{
	return t->flags & THREAD_HTTP && !level_skips(LG_LEVEL_REQUESTS, LG_CNT_SKIPPED_EDGES);
}

/*
 * An edge at `now`: says whether it is to be told, and if so tells what led to it. A loop without HTTP keeps
 * its edges back until an interval between two of them is long; then both are told. An answer does not speak for
 * code that blocked since and was not asked.
 */
static __always_inline bool edge_pass(struct thread *t, struct task_struct *task, __u64 now, bool always)
{
	bool is_unknown = t->is_marked && t->unasked_ns >= ASK_SURE_NS;
	bool is_long = now - t->edge_ns >= config.quiet_ns;

	t->edge_ns = now;
	if (!always && !is_long && !thread_tells_all(t)) {
		if (t->has_since) {
			off_merge(&t->before, &t->since);
			off_clear(&t->since);
			t->has_since = false;
			t->has_before = true;
		}
		return false;
	}
	if (t->quiet.time_ns && (is_long || always)) {
		struct ticks then = {t->quiet.time_ns, t->quiet.user_ns, t->quiet.system_ns, t->quiet.last_nr};

		if (t->has_before)
			off_tell(t, &t->before, &then);
		quiet_tell(t);
	} else if (t->has_before) {
		off_merge(&t->since, &t->before);
		t->has_since = true;
	}
	t->quiet.time_ns = 0;
	t->has_gap = false;
	if (t->has_since || (is_long && task->utime + task->stime != t->user_ns + t->system_ns)) {
		struct ticks here = {now, task->utime, task->stime, t->last_system_ns ? t->last_nr : -1};

		off_tell(t, &t->since, &here);
	}
	off_restart(t, task);
	t->is_marked = false;
	if (is_unknown)
		owner_tell(t, LG_SURE_NONE, now);
	return true;
}

/*
 * Tells the answer in the thread's state as an edge, for all of the stretch since the last one; `known_ns` of the time
 * off the CPU meanwhile is known to be of the code that was asked. The current thread's. A global function
 * (answer.bpf.c), which the verifier sees once in a program.
 */
int answer_tell(struct thread *t, __u64 known_ns, __u64 now);

/* The thread's clocks where a stretch off the CPU begins, to which thread_settle() compares them. */
static __always_inline void out_begin(struct thread *t, struct task_struct *task, __u64 now)
{
	t->out_run_delay = task->sched_info.run_delay;
	t->out_throttled_clock = task_throttled_clock(task);
	t->out_exec = task->se.sum_exec_runtime;
	t->out_ns = now;
}

/*
 * Books the stretch off the CPU that ended, once the scheduler's own figures for it are final: at the
 * thread's next call or at its next switch-out. Some switch-ins are not reported (about 1 in 1,000 to 5,000):
 * their time is then the scheduler's.
 *
 * An answer given at its begin is told when it was long: once for what led to it, once for the stretch itself,
 * which is another's where it waited for the interpreter lock.
 * Of the current thread. A global function (turn.bpf.c), which the verifier sees once in a program.
 */
int thread_settle(struct thread *t, __u64 now);

static __always_inline void turn_begin(struct thread *t, struct task_struct *task, __u64 at)
{
	struct lg_slot *slot = slot_of(t);

	off_restart(t, task);
	t->turn_ns = at;
	t->edge_ns = at;
	t->turn_edges = 0;
	t->turn_late_ns = 0;
	t->nested_sp = 0;
	t->quiet.time_ns = 0;
	t->has_gap = false;
	if (slot)
		slot->turn_ns = at;
	if (!t->wake_ns)
		return;
	t->turn_late_ns = t->wake_runqueue_ns + t->wake_throttled_ns;
	if (t->turn_late_ns) {
		t->has_since = true;
		t->since.runqueue_ns = t->wake_runqueue_ns;
		t->since.throttled_ns = t->wake_throttled_ns;
	}
	t->wake_ns = 0;
}

/* Begins the turn that a wake-up started, when something other than the wait's return shows it first. */
static __always_inline void turn_open(struct thread *t, struct task_struct *task)
{
	if (!t->turn_ns && t->wake_ns)
		turn_begin(t, task, t->wake_ns);
}

/*
 * Ends the turn of the current thread, and tells it if it was long or had edges. A global function as the ones above
 * (turn.bpf.c).
 */
int turn_end(struct thread *t, __u64 now);

#endif
