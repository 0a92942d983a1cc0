/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which waiting calls are the loop's own. Code that runs in a turn may itself wait (a blocking socket with a
 * time-out calls poll, a child process is awaited in a nested loop): that is a stall, not idleness.
 *
 * - Waits on a set (epoll, io_uring) outrank waits on a list (poll, select): a thread that has a set does not
 *   use a list as its loop.
 * - Of two sets the outer one is the loop's: the one waited on from higher up the stack, until it is closed.
 * - A list's wait is the loop's when no wait from higher up the stack is known.
 */
#ifndef LG_WAIT_BPF_H
#define LG_WAIT_BPF_H

#include "nr.h"
#include "target.bpf.h"
#include "site.bpf.h"

static __always_inline void call_from_regs(struct call *c, struct pt_regs *regs)
{
	c->nr = regs_nr(regs);
	c->role = call_role(c->nr);
	c->args[0] = PT_REGS_PARM1_SYSCALL(regs);
	c->args[1] = PT_REGS_PARM2_SYSCALL(regs);
	c->args[2] = PT_REGS_PARM3_SYSCALL(regs);
	c->args[3] = PT_REGS_PARM4_SYSCALL(regs);
	c->sp = PT_REGS_SP(regs);
}

static __always_inline bool role_is_wait(__u8 role)
{
	return role == CALL_WAIT_SET || role == CALL_WAIT_LIST;
}

/* The descriptor that a call is about, as far as its registers tell; -1: none. */
static __always_inline __s32 call_fd(const struct call *c)
{
	switch (c->role) {
	case CALL_OTHER:
	case CALL_LOCK:
	case CALL_PATH:
	case CALL_PATH_AT:
	case CALL_WAIT_LIST:
		return -1;
	default:
		return c->nr < 0 ? -1 : (__s32)c->args[0];
	}
}

static __always_inline __u32 sleep_class(const struct thread *t, struct task_struct *task, unsigned int state,
					 const struct call *c)
{
	if (state & TASK_STOPPED_OR_TRACED)
		return LG_SLEEP_STOPPED;
	if (c->nr < 0)
		return LG_SLEEP_FAULT;
	if (c->role == CALL_LOCK)
		return thread_is_gil(t, c->args[0]) ? LG_SLEEP_GIL : LG_SLEEP_LOCK;
	if (BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait))
		return LG_SLEEP_IO;
	return LG_SLEEP_SYSCALL;
}

#define IORING_ENTER_GETEVENTS 1 /* include/uapi/linux/io_uring.h */

/* Enough waits to call a thread that polls a list a loop; fewer may be a client's time-outs. */
#define LOOP_MIN_WAITS 4
/* Two waits of one loop may differ by a few frames' slots (other arguments, other wrapper). */
#define WAIT_SP_SLACK 256

static __always_inline void loop_found(struct thread *t, struct task_struct *task, const struct call *c)
{
	struct lg_slot *slot = slot_of(t);

	if (slot) {
		slot->flags |= LG_SLOT_LOOP;
		slot->wait_nr = c->nr;
	}
	t->flags |= THREAD_LOOP;
	thread_tell(task, t, LG_THREAD_LOOP, 0);
}

static __always_inline void wait_adopt_set(struct thread *t, struct task_struct *task, const struct call *c)
{
	t->wait.kind = WAIT_SET;
	t->wait.fd = c->args[0];
	t->wait.file = (__u64)fd_file(task, c->args[0]);
	t->wait.sp = c->sp;
	if (!(t->flags & THREAD_LOOP))
		loop_found(t, task, c);
}

static __always_inline bool wait_set_is_own(struct thread *t, struct task_struct *task, const struct call *c)
{
	if (c->nr == __NR_io_uring_enter && (!c->args[2] || !(c->args[3] & IORING_ENTER_GETEVENTS)))
		return false;
	if (t->wait.kind == WAIT_SET && t->wait.fd == (__s32)c->args[0])
		return true;
	if (t->wait.kind == WAIT_SET && c->sp <= t->wait.sp && (__u64)fd_file(task, t->wait.fd) == t->wait.file)
		return false;
	wait_adopt_set(t, task, c);
	return true;
}

static __always_inline bool nr_is_select(long nr)
{
#ifdef __NR_select
	if (nr == __NR_select)
		return true;
#endif
	return nr == __NR_pselect6;
}

static __always_inline bool wait_list_is_own(struct thread *t, struct task_struct *task, const struct call *c)
{
	bool is_select = nr_is_select(c->nr);
	__u64 nr_fds = is_select ? c->args[0] : c->args[1];

	if (!nr_fds || t->wait.kind == WAIT_SET)
		return false;
	if (t->wait.kind == WAIT_LIST && c->sp + WAIT_SP_SLACK < t->wait.sp)
		return false;
	/* A single descriptor is what a blocking client waits for; a server has its listener and its clients. */
	if (t->wait.kind == WAIT_NONE && !is_select && nr_fds < 2)
		return false;
	t->wait.kind = WAIT_LIST;
	if (c->sp > t->wait.sp)
		t->wait.sp = c->sp;
	if (t->flags & THREAD_LOOP)
		return true;
	t->nr_waits++;
	if (t->nr_waits < LOOP_MIN_WAITS || t->nr_waits < t->nr_sleeps)
		return false;
	loop_found(t, task, c);
	return true;
}

/* Is this waiting call the loop's own wait? Learns what the loop waits on along the way. */
SUBPROG bool wait_is_own(struct thread *t, struct task_struct *task, const struct call *c)
{
	if (!t || !c)
		return false;
	return c->role == CALL_WAIT_SET ? wait_set_is_own(t, task, c) : wait_list_is_own(t, task, c);
}

/*
 * The wait returned. Where it did not sleep, a turn ends and the next begins; where it did, the turn began at the
 * wake-up, and may have been opened then.
 */
static __always_inline void wait_return(struct thread *t, struct task_struct *task, bool slept, __u64 now)
{
	t->flags |= THREAD_EXITS;
	if (config.ask & LG_ASK_NATIVE && t->flags & THREAD_SITES)
		site_wait();
	if (t->turn_ns && slept)
		return;
	if (t->turn_ns)
		turn_end(t, now);
	turn_begin(t, task, t->wake_ns ? t->wake_ns : now);
}

#endif
