// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Logic cases: what a runtime answered, as edges: which stretches an answer is told for, and how far it is believed
 * where the thread was off the CPU meanwhile.
 */
#include "call.bpf.h"
#include "logic.bpf.h"

#define US 1000ull
#define MS (1000 * US)
#define T0 (1000 * MS)

#define SOME_INO 4711

static __always_inline void turn_of_a_loop(void)
{
	t.flags = THREAD_LOOP | THREAD_HTTP;
	t.turn_ns = t.edge_ns = T0;
}

static __always_inline void answer_is_exact(void)
{
	t.answer = (struct answer){.answer = LG_ANSWER_CONN, .ino = SOME_INO, .sure = LG_SURE_EXACT};
}

/* Off the CPU from T0 + 1 ms on. */
static __always_inline void leaves(struct task_struct *task, __u32 class, __u64 off, __u64 ready)
{
	t.out_class = class;
	t.out_ns = T0 + MS;
	t.in_ns = T0 + MS + off;
	t.out_run_delay = task->sched_info.run_delay - ready;
	t.out_throttled_clock = task_throttled_clock(task);
	t.call.nr = 7;
	t.call.start_ns = t.out_ns;
	answer_is_exact();
	t.has_answer = true;
	t.ask_after_ns = T0;
}

static __always_inline struct lg_rec_owner *want_owner(__u64 time_ns, __u8 answer, __u8 sure)
{
	struct lg_rec_owner *rec = want_record(LG_REC_OWNER, sizeof(*rec), time_ns);

	rec->pid = TEST_PID;
	rec->tid = TEST_TID;
	rec->ino = answer == LG_ANSWER_CONN ? SOME_INO : 0;
	rec->answer = answer;
	rec->sure = sure;
	return rec;
}

CASE(answer_for_a_long_block)
{
	struct lg_rec_off *off;

	want_owner(T0 + MS, LG_ANSWER_CONN, LG_SURE_EXACT);
	off = want_off(T0 + 4 * MS);
	off->sleep_ns[LG_SLEEP_LOCK] = 3 * MS;
	off->nr_sleeps = 1;
	off->longest.sleep_ns = 3 * MS;
	off->longest.start_ns = T0 + MS;
	off->longest.nr = 7;
	want_owner(T0 + 4 * MS, LG_ANSWER_CONN, LG_SURE_EXACT);

	turn_of_a_loop();
	leaves(task, LG_SLEEP_LOCK, 3 * MS, 0);
	thread_settle(&t, T0 + 5 * MS);
	EQUAL(t.edge_ns, T0 + 4 * MS);
	EQUAL(t.turn_edges, 2);
	EQUAL(t.unasked_ns, 0);
	EQUAL(t.ask_after_ns, 0); /* it was not for nothing */
	EQUAL(t.has_answer, false);
	EQUAL(t.is_marked, true);
}

CASE(answer_for_a_long_preemption)
{
	struct lg_rec_off *off;

	want_owner(T0 + MS, LG_ANSWER_CONN, LG_SURE_EXACT);
	off = want_off(T0 + 21 * MS);
	off->runqueue_ns = 20 * MS;
	off->nr_preempts = 1;
	want_owner(T0 + 21 * MS, LG_ANSWER_CONN, LG_SURE_EXACT);

	turn_of_a_loop();
	leaves(task, OFF_PREEMPTED, 20 * MS, 0);
	thread_settle(&t, T0 + 30 * MS);
	EQUAL(t.turn_edges, 2);
}

/* Code that blocked before and was not asked takes nothing from the answer for the stretch itself. */
CASE(answer_for_a_long_block_after_an_unasked_one)
{
	struct lg_rec_off *off;

	want_off(T0 + MS)->sleep_ns[LG_SLEEP_IO] = 5 * MS;
	want_owner(T0 + MS, LG_ANSWER_UNKNOWN, LG_SURE_NONE);
	off = want_off(T0 + 11 * MS);
	off->runqueue_ns = 10 * MS;
	off->nr_sleeps = 1;
	want_owner(T0 + 11 * MS, LG_ANSWER_CONN, LG_SURE_EXACT);

	turn_of_a_loop();
	t.has_since = true;
	t.since.sleep_ns[LG_SLEEP_IO] = t.unasked_ns = 5 * MS;
	leaves(task, LG_SLEEP_LOCK, 10 * MS, 10 * MS);
	thread_settle(&t, T0 + 30 * MS);
}

CASE(answer_for_a_short_block_is_not_told)
{
	turn_of_a_loop();
	leaves(task, LG_SLEEP_LOCK, MS - 1, 0);
	thread_settle(&t, T0 + 5 * MS);
	EQUAL(t.turn_edges, 0);
	EQUAL(t.unasked_ns, MS - 1);
	EQUAL(t.ask_after_ns, T0);
	EQUAL(t.has_answer, false);
	EQUAL(t.is_marked, false);
}

/* Who runs after a long wait for a CPU may not be who ran before. */
CASE(answer_after_a_late_cpu_is_unsure)
{
	want_off(T0 + MS)->runqueue_ns = ASK_SURE_NS;
	want_owner(T0 + MS, LG_ANSWER_CONN, LG_SURE_LIKELY);

	turn_of_a_loop();
	t.has_since = true;
	t.since.runqueue_ns = ASK_SURE_NS;
	answer_is_exact();
	answer_tell(&t, 0, T0 + MS);
}

CASE(answer_says_nothing_of_an_unasked_block)
{
	want_off(T0 + MS)->sleep_ns[LG_SLEEP_LOCK] = ASK_SURE_NS;
	want_owner(T0 + MS, LG_ANSWER_UNKNOWN, LG_SURE_NONE);

	turn_of_a_loop();
	t.has_since = true;
	t.since.sleep_ns[LG_SLEEP_LOCK] = t.unasked_ns = ASK_SURE_NS;
	answer_is_exact();
	answer_tell(&t, 0, T0 + MS);
}

CASE(answer_speaks_for_the_block_it_was_asked_after)
{
	want_off(T0 + MS)->sleep_ns[LG_SLEEP_LOCK] = 9 * MS;
	want_owner(T0 + MS, LG_ANSWER_CONN, LG_SURE_EXACT);

	turn_of_a_loop();
	t.has_since = true;
	t.since.sleep_ns[LG_SLEEP_LOCK] = t.unasked_ns = 9 * MS;
	answer_is_exact();
	answer_tell(&t, 9 * MS, T0 + MS);
}

/* The model takes an answer for what follows it, up to the next edge. */
CASE(answer_is_not_for_a_later_unasked_block)
{
	want_owner(T0 + MS, LG_ANSWER_CONN, LG_SURE_EXACT);
	want_off(T0 + 9 * MS)->sleep_ns[LG_SLEEP_FAULT] = ASK_SURE_NS;
	want_owner(T0 + 9 * MS, LG_ANSWER_UNKNOWN, LG_SURE_NONE);

	turn_of_a_loop();
	answer_is_exact();
	answer_tell(&t, 0, T0 + MS);
	t.has_since = true;
	t.since.sleep_ns[LG_SLEEP_FAULT] = t.unasked_ns = ASK_SURE_NS;
	EQUAL(edge_pass(&t, task, T0 + 9 * MS, false), true);
	EQUAL(t.is_marked, false);
	EQUAL(t.unasked_ns, 0);
}

CASE(answer_is_for_a_later_short_block)
{
	want_owner(T0 + MS, LG_ANSWER_CONN, LG_SURE_EXACT);
	want_off(T0 + 9 * MS)->sleep_ns[LG_SLEEP_FAULT] = ASK_SURE_NS - 1;

	turn_of_a_loop();
	answer_is_exact();
	answer_tell(&t, 0, T0 + MS);
	t.has_since = true;
	t.since.sleep_ns[LG_SLEEP_FAULT] = t.unasked_ns = ASK_SURE_NS - 1;
	EQUAL(edge_pass(&t, task, T0 + 9 * MS, false), true);
}

CASE(sleep_of_another_call)
{
	struct call c = {.nr = __NR_read};

	t.seq = t.call_seq = 3;
	t.call.nr = __NR_futex;
	EQUAL(call_slept(&t, &c), false);
	t.call.nr = -1; /* a page fault */
	EQUAL(call_slept(&t, &c), false);
	t.call.nr = __NR_read;
	EQUAL(call_slept(&t, &c), true);
	t.seq++;
	EQUAL(call_slept(&t, &c), false);
}
