// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Logic cases: which waiting calls are the loop's own. A smaller stack pointer is deeper in the code. */
#include "logic.bpf.h"

#define NR_EPOLL __NR_epoll_pwait
#define NR_POLL  __NR_ppoll

#define SP 100000

static __always_inline bool set_waits(struct task_struct *task, __s32 fd, __u64 sp)
{
	struct call c = {.nr = NR_EPOLL, .role = CALL_WAIT_SET, .args = {fd}, .sp = sp};

	return wait_is_own(&t, task, &c);
}

static __always_inline bool uring_waits(struct task_struct *task, __u64 min_complete, __u64 flags)
{
	struct call c = {
		.nr = __NR_io_uring_enter,
		.role = CALL_WAIT_SET,
		.args = {input.outer_fd, 0, min_complete, flags},
		.sp = SP,
	};

	return wait_is_own(&t, task, &c);
}

static __always_inline bool poll_waits(struct task_struct *task, __u64 nr_fds, __u64 sp)
{
	struct call c = {.nr = NR_POLL, .role = CALL_WAIT_LIST, .args = {input.page, nr_fds}, .sp = sp};

	return wait_is_own(&t, task, &c);
}

static __always_inline bool select_waits(struct task_struct *task, __u64 nr_fds)
{
	struct call c = {.nr = __NR_pselect6, .role = CALL_WAIT_LIST, .args = {nr_fds, input.page}, .sp = SP};

	return wait_is_own(&t, task, &c);
}

/* Already a loop that polls. */
static __always_inline void polls_before(void)
{
	t.flags = THREAD_LOOP;
	t.wait.kind = WAIT_LIST;
	t.wait.sp = SP;
}

CASE(set_first_makes_a_loop)
{
	want_loop();
	EQUAL(set_waits(task, input.outer_fd, SP), true);
	EQUAL(t.flags, THREAD_LOOP);
	EQUAL(t.wait.kind, WAIT_SET);
	EQUAL(t.wait.fd, input.outer_fd);
	EQUAL(t.wait.sp, SP);
	EQUAL(t.wait.file != 0, true);
	EQUAL(SLOT(flags), LG_SLOT_LOOP);
	EQUAL(SLOT(wait_nr), NR_EPOLL);
}

CASE(set_deeper_is_nested)
{
	want_loop();
	EQUAL(set_waits(task, input.outer_fd, SP), true);
	EQUAL(set_waits(task, input.inner_fd, SP - 1000), false);
	EQUAL(set_waits(task, input.inner_fd, SP), false);
	EQUAL(t.wait.fd, input.outer_fd);
	EQUAL(set_waits(task, input.outer_fd, SP), true);
}

CASE(set_higher_is_the_loop)
{
	want_loop(); /* told once */
	EQUAL(set_waits(task, input.inner_fd, SP - 1000), true);
	EQUAL(set_waits(task, input.outer_fd, SP), true);
	EQUAL(t.wait.fd, input.outer_fd);
	EQUAL(t.wait.sp, SP);
	EQUAL(set_waits(task, input.inner_fd, SP - 1000), false);
}

CASE(set_from_anywhere_is_the_same)
{
	want_loop();
	EQUAL(set_waits(task, input.outer_fd, SP), true);
	EQUAL(set_waits(task, input.outer_fd, SP - 5000), true);
	EQUAL(set_waits(task, input.outer_fd, SP + 5000), true);
}

CASE(set_closed_makes_room)
{
	want_loop();
	EQUAL(set_waits(task, input.outer_fd, SP), true);
	t.wait.file++; /* another file has the descriptor now */
	EQUAL(set_waits(task, input.inner_fd, SP - 1000), true);
	EQUAL(t.wait.fd, input.inner_fd);
	t.wait.fd = 1 << 20; /* not open at all */
	EQUAL(set_waits(task, input.outer_fd, SP - 2000), true);
	EQUAL(t.wait.fd, input.outer_fd);
}

CASE(set_outranks_list)
{
	polls_before();
	EQUAL(set_waits(task, input.outer_fd, SP - 1000), true);
	EQUAL(t.wait.kind, WAIT_SET);
	EQUAL(poll_waits(task, 5, SP), false);
	EQUAL(poll_waits(task, 5, SP + 1000), false);
	EQUAL(select_waits(task, 5), false);
	EQUAL(t.wait.kind, WAIT_SET);
}

CASE(uring_without_a_wait)
{
	EQUAL(uring_waits(task, 0, 0), false);
	EQUAL(uring_waits(task, 1, 0), false);
	EQUAL(uring_waits(task, 0, IORING_ENTER_GETEVENTS), false);
	EQUAL(uring_waits(task, 1, IORING_ENTER_GETEVENTS << 1), false);
	EQUAL(t.wait.kind, WAIT_NONE);
	EQUAL(t.flags, 0);
}

CASE(uring_with_a_wait)
{
	want_loop();
	EQUAL(uring_waits(task, 1, IORING_ENTER_GETEVENTS), true);
	EQUAL(SLOT(wait_nr), __NR_io_uring_enter);
	EQUAL(uring_waits(task, 0, IORING_ENTER_GETEVENTS), false);
	EQUAL(uring_waits(task, 4, IORING_ENTER_GETEVENTS | 8), true);
}

CASE(list_of_one_is_no_loop)
{
	for (int i = 0; i < 2 * LOOP_MIN_WAITS; i++)
		EQUAL(poll_waits(task, 1, SP), false);
	EQUAL(t.nr_waits, 0);
	EQUAL(t.wait.kind, WAIT_NONE);
}

CASE(list_of_none_is_a_sleep)
{
	EQUAL(poll_waits(task, 0, SP), false);
	EQUAL(select_waits(task, 0), false);
	polls_before();
	EQUAL(poll_waits(task, 0, SP), false);
	EQUAL(select_waits(task, 0), false);
}

CASE(list_four_times_makes_a_loop)
{
	want_loop();
	EQUAL(poll_waits(task, 2, SP), false);
	EQUAL(poll_waits(task, 2, SP), false);
	EQUAL(poll_waits(task, 2, SP), false);
	EQUAL(t.flags, 0);
	EQUAL(poll_waits(task, 2, SP), true);
	EQUAL(t.flags, THREAD_LOOP);
	EQUAL(t.wait.kind, WAIT_LIST);
	EQUAL(SLOT(flags), LG_SLOT_LOOP);
	EQUAL(SLOT(wait_nr), NR_POLL);
	EQUAL(poll_waits(task, 1, SP), true); /* its clients have left */
}

CASE(list_needs_more_waits_than_sleeps)
{
	want_loop();
	t.nr_sleeps = 6;
	for (int i = 0; i < 5; i++)
		EQUAL(poll_waits(task, 2, SP), false);
	EQUAL(poll_waits(task, 2, SP), true);
}

CASE(select_four_times_makes_a_loop)
{
	want_loop();
	for (int i = 0; i < LOOP_MIN_WAITS - 1; i++)
		EQUAL(select_waits(task, 1), false);
	EQUAL(select_waits(task, 1), true);
	EQUAL(SLOT(wait_nr), __NR_pselect6);
}

CASE(list_deeper_is_nested)
{
	polls_before();
	EQUAL(poll_waits(task, 2, SP - WAIT_SP_SLACK - 1), false);
	EQUAL(poll_waits(task, 2, SP - WAIT_SP_SLACK), true);
	EQUAL(t.wait.sp, SP);
}

CASE(list_higher_is_the_loop)
{
	polls_before();
	EQUAL(poll_waits(task, 2, SP + 1000), true);
	EQUAL(t.wait.sp, SP + 1000);
	EQUAL(poll_waits(task, 2, SP), false);
}

CASE(nested_list_counts_for_nothing)
{
	t.wait.kind = WAIT_LIST;
	t.wait.sp = SP;
	for (int i = 0; i < 2 * LOOP_MIN_WAITS; i++)
		EQUAL(poll_waits(task, 2, SP - 1000), false);
	EQUAL(t.nr_waits, 0);
	EQUAL(t.flags, 0);
}

CASE(wait_returned_without_sleep)
{
	want_turn(1000, 500000)->edges = 1;
	t.turn_ns = t.edge_ns = 1000;
	t.turn_edges = 1;
	wait_return(&t, task, false, 500000);
	EQUAL(t.turn_ns, 500000);
	EQUAL(t.flags, THREAD_EXITS);
	EQUAL(SLOT(turns), 1);
}

CASE(wait_returned_after_sleep)
{
	t.wake_ns = 400000;
	wait_return(&t, task, true, 500000);
	EQUAL(t.turn_ns, 400000);
	EQUAL(t.wake_ns, 0);
	wait_return(&t, task, true, 600000); /* something showed the turn before: it goes on */
	EQUAL(t.turn_ns, 400000);
	EQUAL(SLOT(turns), 0);
}
