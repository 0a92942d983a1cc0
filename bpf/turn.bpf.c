// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The larger steps of the accounting: as functions that the verifier sees once, for every program takes them. */
#include "target.bpf.h"
#include "turn.bpf.h"

/* Books one stretch off the CPU that was no wait for events. */
static __always_inline void off_book(struct thread *t, struct lg_slot *slot, __u64 blocked, __u64 ready,
				     __u64 throttled)
{
	t->has_since = true;
	t->since.runqueue_ns += ready - throttled;
	t->since.throttled_ns += throttled;
	slot->runqueue_ns += ready - throttled;
	slot->throttled_ns += throttled;
	if (t->out_class >= LG_NR_SLEEPS) {
		t->since.nr_preempts++;
		return;
	}
	t->since.sleep_ns[t->out_class] += blocked;
	t->since.nr_sleeps++;
	slot->sleep_ns[t->out_class] += blocked;
	t->unasked_ns += blocked;
	t->call.sleep_ns += blocked;
	if (t->call.sleep_ns > t->since.longest.sleep_ns)
		t->since.longest = t->call;
}

/* Books one stretch of waiting for events: idle until woken, late from then on. */
static __always_inline void wait_book(struct thread *t, struct lg_slot *slot, __u64 idle, __u64 ready, __u64 throttled)
{
	slot->idle_ns += idle;
	slot->idle_since_ns = 0;
	t->wake_ns = t->out_ns + idle;
	t->wake_runqueue_ns = ready - throttled;
	t->wake_throttled_ns = throttled;
}

/*
 * When the thread came back to the CPU, where that was not reported: by the scheduler's own clock, which is as good;
 * the time that it has run since is only brought up to date now and then.
 */
static __always_inline __u64 missed_in_ns(const struct thread *t, struct task_struct *task, __u64 now)
{
	__u64 at = task->sched_info.last_arrival + t->arrival_lead_ns;
	__u64 ran = task->se.sum_exec_runtime - t->out_exec;

	if (t->arrival_lead_ns && at >= t->out_ns && at <= now)
		return at;
	return ran < now - t->out_ns ? now - ran : t->out_ns;
}

__noinline int thread_settle(struct thread *t, __u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct lg_slot *slot;
	__u64 off, ready, throttled, clock;
	bool has_answer;

	slot = t ? slot_of(t) : NULL;
	if (!slot)
		return 0;
	if (t->in_ns) {
		t->arrival_lead_ns = t->in_ns - task->sched_info.last_arrival;
	} else {
		t->in_ns = missed_in_ns(t, task, now);
		count(LG_CNT_LATE_SWITCHES);
		if (t->out_class < LG_NR_SLEEPS && t->call_seq == t->seq)
			call_target_read(t, task);
	}
	off = t->in_ns - t->out_ns;
	has_answer = t->has_answer && off >= ASK_AFTER_NS;
	t->has_answer = false;
	if (has_answer && !t->answer.is_gil)
		answer_tell(t, t->known_ns, t->out_ns);
	ready = task->sched_info.run_delay - t->out_run_delay;
	if (ready > off || t->out_class == OFF_PREEMPTED)
		ready = off;
	clock = task_throttled_clock(task) - t->out_throttled_clock;
	throttled = t->out_throttled || clock > ready ? ready : clock;
	if (t->out_class == OFF_WAIT)
		wait_book(t, slot, off - ready, ready, throttled);
	else
		off_book(t, slot, off - ready, ready, throttled);
	if (has_answer) {
		t->ask_after_ns = 0;
		answer_tell(t, off, t->in_ns);
	}
	t->out_ns = 0;
	t->in_ns = 0;
	return 0;
}

static __always_inline void turn_tell(struct thread *t, __u64 now, bool is_long)
{
	struct lg_rec_turn *rec = batch_room(t, sizeof(*rec));

	rec->pid = t->pid;
	rec->tid = t->tid;
	rec->start_ns = t->turn_ns;
	rec->end_ns = now;
	rec->late_ns = t->turn_late_ns;
	rec->edges = t->turn_edges;
	batch_add(t, rec, LG_REC_TURN, sizeof(*rec), now, is_long);
}

__noinline int turn_end(struct thread *t, __u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct lg_slot *slot;
	bool is_long;
	__u64 length;

	if (!t)
		return 0;
	slot = slot_of(t);
	length = now - t->turn_ns;
	is_long = length >= config.turn_ns;
	if (slot) {
		__u32 bucket = lg_hist_bucket(length);

		slot->turns++;
		slot->turn_hist[bucket & 255]++;
		slot->turn_ns = 0;
		if (length > slot->max_turn_ns)
			slot->max_turn_ns = length;
	}
	if (is_long || t->turn_edges) {
		edge_pass(t, task, now, true);
		turn_tell(t, now, is_long);
	}
	if (length >= 2ULL * config.tick_ns)
		t->long_ns = now;
	t->turn_ns = 0;
	return 0;
}
