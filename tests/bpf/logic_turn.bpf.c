// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Logic cases: how stretches off the CPU are booked, when turns begin and end, which edges are told.
 * The runner's configuration: an interval is long from 1 ms on, a turn from 100 ms on.
 */
#include "logic.bpf.h"

#define US 1000ull
#define MS (1000 * US)

/* When the made-up stretch or turn begins. */
#define T0 (1000 * MS)

static __always_inline void stretch(struct task_struct *task, __u32 class, __u64 off, __u64 ready)
{
	t.out_class = class;
	t.out_ns = T0;
	t.in_ns = T0 + off;
	t.out_run_delay = task->sched_info.run_delay - ready;
	t.out_throttled_clock = task_throttled_clock(task);
	t.out_exec = task->se.sum_exec_runtime;
	t.call.nr = 7;
	t.call.start_ns = T0;
}

static __always_inline void settle(struct task_struct *task)
{
	thread_settle(&t, T0 + 10 * MS);
	EQUAL(t.out_ns, 0);
	EQUAL(t.in_ns, 0);
}

CASE(settle_preempted)
{
	stretch(task, OFF_PREEMPTED, 1000, 300);
	settle(task);
	EQUAL(t.since.runqueue_ns, 1000); /* all of it: it never stopped wanting to run */
	EQUAL(t.since.throttled_ns, 0);
	EQUAL(t.since.nr_preempts, 1);
	EQUAL(t.since.nr_sleeps, 0);
	EQUAL(t.since.longest.sleep_ns, 0);
	EQUAL(t.has_since, true);
	EQUAL(SLOT(runqueue_ns), 1000);
}

CASE(settle_throttled)
{
	stretch(task, OFF_PREEMPTED, 1000, 0);
	t.out_throttled = 1;
	settle(task);
	EQUAL(t.since.throttled_ns, 1000);
	EQUAL(t.since.runqueue_ns, 0);
	EQUAL(t.since.nr_preempts, 1);
	EQUAL(SLOT(throttled_ns), 1000);
	EQUAL(SLOT(runqueue_ns), 0);
}

CASE(settle_wait_woken_late)
{
	stretch(task, OFF_WAIT, 1000, 300);
	settle(task);
	EQUAL(t.wake_ns, T0 + 700);
	EQUAL(t.wake_runqueue_ns, 300);
	EQUAL(t.wake_throttled_ns, 0);
	EQUAL(t.has_since, false); /* idle is nobody's time */
	EQUAL(SLOT(idle_ns), 700);
	EQUAL(SLOT(runqueue_ns), 0);
}

CASE(settle_wait_woken_at_once)
{
	stretch(task, OFF_WAIT, 1000, 0);
	settle(task);
	EQUAL(t.wake_ns, T0 + 1000);
	EQUAL(t.wake_runqueue_ns, 0);
	EQUAL(SLOT(idle_ns), 1000);
}

CASE(settle_sleep)
{
	stretch(task, LG_SLEEP_LOCK, 1000, 200);
	settle(task);
	EQUAL(t.since.sleep_ns[LG_SLEEP_LOCK], 800);
	EQUAL(t.since.sleep_ns[LG_SLEEP_SYSCALL], 0);
	EQUAL(t.since.runqueue_ns, 200);
	EQUAL(t.since.nr_sleeps, 1);
	EQUAL(t.since.nr_preempts, 0);
	EQUAL(t.since.longest.sleep_ns, 800);
	EQUAL(t.since.longest.nr, 7);
	EQUAL(SLOT(sleep_ns[LG_SLEEP_LOCK]), 800);
	EQUAL(SLOT(runqueue_ns), 200);
}

CASE(settle_sleep_classes)
{
	for (__u32 class = 0; class < LG_NR_SLEEPS; class ++) {
		stretch(task, class, 100 * (class + 1), 0);
		settle(task);
	}
	EQUAL(t.since.sleep_ns[LG_SLEEP_SYSCALL], 100);
	EQUAL(t.since.sleep_ns[LG_SLEEP_LOCK], 200);
	EQUAL(t.since.sleep_ns[LG_SLEEP_FAULT], 300);
	EQUAL(t.since.sleep_ns[LG_SLEEP_IO], 400);
	EQUAL(t.since.sleep_ns[LG_SLEEP_STOPPED], 500);
	EQUAL(t.since.nr_sleeps, LG_NR_SLEEPS);
}

CASE(settle_longest_call)
{
	stretch(task, LG_SLEEP_SYSCALL, 600, 0);
	settle(task);
	t.call.sleep_ns = 0; /* another call */
	stretch(task, LG_SLEEP_SYSCALL, 500, 0);
	t.call.nr = 8;
	settle(task);
	EQUAL(t.since.longest.nr, 7);
	EQUAL(t.since.longest.sleep_ns, 600);
	stretch(task, LG_SLEEP_SYSCALL, 400, 0);
	t.call.nr = 8; /* the same one: its stretches add up */
	settle(task);
	EQUAL(t.since.longest.nr, 8);
	EQUAL(t.since.longest.sleep_ns, 900);
	EQUAL(t.since.sleep_ns[LG_SLEEP_SYSCALL], 1500);
}

CASE(settle_throttled_on_wake_up)
{
	stretch(task, LG_SLEEP_SYSCALL, 1000, 500);
	t.out_throttled_clock -= 200;
	settle(task);
	EQUAL(t.since.sleep_ns[LG_SLEEP_SYSCALL], 500);
	EQUAL(t.since.throttled_ns, 200);
	EQUAL(t.since.runqueue_ns, 300);
}

CASE(settle_more_ready_than_off)
{
	stretch(task, LG_SLEEP_IO, 1000, 5000);
	settle(task);
	EQUAL(t.since.sleep_ns[LG_SLEEP_IO], 0);
	EQUAL(t.since.runqueue_ns, 1000);
}

static __always_inline __u64 late_switches(void)
{
	__u32 key = LG_CNT_LATE_SWITCHES;
	__u64 *n = bpf_map_lookup_elem(&counters, &key);

	return n ? *n : 0;
}

CASE(settle_missing_switch_in)
{
	__u64 before = late_switches();

	stretch(task, LG_SLEEP_SYSCALL, 0, 0);
	t.in_ns = 0;
	t.out_exec -= 4 * MS; /* it has run for 4 of the 10 ms since */
	settle(task);
	EQUAL(t.since.sleep_ns[LG_SLEEP_SYSCALL], 6 * MS);
	EQUAL(late_switches(), before + 1);
	stretch(task, LG_SLEEP_SYSCALL, 0, 0);
	t.in_ns = 0;
	t.out_exec -= 11 * MS; /* more than there was time for */
	settle(task);
	EQUAL(t.since.sleep_ns[LG_SLEEP_SYSCALL], 6 * MS);
}

CASE(settle_missing_switch_in_by_the_schedulers_clock)
{
	__u64 arrival = task->sched_info.last_arrival;

	stretch(task, LG_SLEEP_SYSCALL, 1000, 0);
	settle(task);
	EQUAL(t.arrival_lead_ns, T0 + 1000 - arrival);
	stretch(task, LG_SLEEP_SYSCALL, 0, 0);
	t.in_ns = 0;
	t.arrival_lead_ns = T0 + 3 * MS - arrival;
	settle(task);
	EQUAL(t.since.sleep_ns[LG_SLEEP_SYSCALL], 3 * MS + 1000);
	stretch(task, LG_SLEEP_SYSCALL, 0, 0);
	t.in_ns = 0;
	t.out_exec -= 4 * MS;
	t.arrival_lead_ns = T0 + 11 * MS - arrival; /* not yet: the run time says it, less well */
	settle(task);
	EQUAL(t.since.sleep_ns[LG_SLEEP_SYSCALL], 9 * MS + 1000);
}

static __always_inline void off_init(struct off *off, __u64 unit, __s32 nr)
{
	off_clear(off);
	for (int i = 0; i < LG_NR_SLEEPS; i++)
		off->sleep_ns[i] = unit * (i + 1);
	off->runqueue_ns = unit * 10;
	off->throttled_ns = unit * 20;
	off->nr_sleeps = unit;
	off->nr_preempts = 2 * unit;
	off->longest.sleep_ns = unit * 5;
	off->longest.nr = nr;
}

CASE(off_merge_adds)
{
	off_init(&t.before, 1, 11);
	off_init(&t.since, 100, 22);
	off_merge(&t.before, &t.since);
	for (int i = 0; i < LG_NR_SLEEPS; i++)
		EQUAL(t.before.sleep_ns[i], 101 * (i + 1));
	EQUAL(t.before.runqueue_ns, 1010);
	EQUAL(t.before.throttled_ns, 2020);
	EQUAL(t.before.nr_sleeps, 101);
	EQUAL(t.before.nr_preempts, 202);
	EQUAL(t.before.longest.nr, 22);
	EQUAL(t.before.longest.sleep_ns, 500);
	EQUAL(t.since.runqueue_ns, 1000); /* untouched */
}

CASE(off_merge_keeps_the_longest)
{
	off_init(&t.before, 100, 11);
	off_init(&t.since, 1, 22);
	off_merge(&t.before, &t.since);
	EQUAL(t.before.longest.nr, 11);
	EQUAL(t.before.longest.sleep_ns, 500);
}

CASE(turn_begins_at_wake_up)
{
	off_init(&t.since, 3, 1);
	t.has_since = true;
	t.wake_ns = T0;
	t.wake_runqueue_ns = 300;
	t.wake_throttled_ns = 40;
	t.turn_edges = 5;
	t.quiet.time_ns = 1;
	turn_begin(&t, task, T0);
	EQUAL(t.turn_ns, T0);
	EQUAL(t.edge_ns, T0);
	EQUAL(t.turn_edges, 0);
	EQUAL(t.turn_late_ns, 340);
	EQUAL(t.has_since, true);
	EQUAL(t.since.runqueue_ns, 300);
	EQUAL(t.since.throttled_ns, 40);
	EQUAL(t.since.nr_sleeps, 0); /* of the turn before */
	EQUAL(t.quiet.time_ns, 0);
	EQUAL(t.wake_ns, 0);
	EQUAL(SLOT(turn_ns), T0);
}

CASE(turn_begins_without_sleep)
{
	off_init(&t.before, 3, 1);
	t.has_before = true;
	t.turn_late_ns = 9;
	t.wake_runqueue_ns = 300; /* of an earlier wake-up */
	turn_begin(&t, task, T0);
	EQUAL(t.turn_late_ns, 0);
	EQUAL(t.has_since, false);
	EQUAL(t.has_before, false);
	EQUAL(t.before.runqueue_ns, 0);
}

CASE(turn_opens_once)
{
	turn_open(&t, task);
	EQUAL(t.turn_ns, 0); /* nothing woke it */
	t.wake_ns = T0;
	turn_open(&t, task);
	EQUAL(t.turn_ns, T0);
	t.wake_ns = T0 + 5;
	turn_open(&t, task);
	EQUAL(t.turn_ns, T0);
}

CASE(turn_short_is_not_told)
{
	t.turn_ns = t.edge_ns = T0;
	turn_end(&t, T0 + 100 * MS - 1);
	EQUAL(t.turn_ns, 0);
	EQUAL(SLOT(turns), 1);
	EQUAL(SLOT(turn_ns), 0);
	EQUAL(SLOT(max_turn_ns), 100 * MS - 1);
	EQUAL(SLOT(turn_hist[lg_hist_bucket(100 * MS - 1)]), 1);
}

CASE(turn_long_is_told)
{
	want_turn(T0, T0 + 100 * MS)->late_ns = 77;
	t.turn_ns = t.edge_ns = T0;
	t.turn_late_ns = 77;
	turn_end(&t, T0 + 100 * MS);
	t.turn_ns = t.edge_ns = T0;
	turn_end(&t, T0 + 50 * MS);
	EQUAL(SLOT(turns), 2);
	EQUAL(SLOT(max_turn_ns), 100 * MS);
	EQUAL(SLOT(turn_hist[lg_hist_bucket(100 * MS)]), 1);
	EQUAL(SLOT(turn_hist[lg_hist_bucket(50 * MS)]), 1);
}

CASE(turn_with_edges_is_told)
{
	want_off(T0 + 50 * US)->runqueue_ns = 300;
	want_turn(T0, T0 + 50 * US)->edges = 2;
	t.turn_ns = t.edge_ns = T0;
	t.turn_edges = 2;
	t.has_since = true;
	t.since.runqueue_ns = 300;
	turn_end(&t, T0 + 50 * US);
}
