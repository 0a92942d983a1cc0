/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The return of a system call on a traced thread: the one handler behind the sys_exit tracepoint and
 * behind the uprobes in the target's libc.
 */
#ifndef LG_CALL_BPF_H
#define LG_CALL_BPF_H

#include "io.bpf.h"
#include "owner.bpf.h"
#include "path.bpf.h"
#include "stack.bpf.h"

struct user_iovec {
	const void *base;
	__u64 len;
};

/* struct msghdr of a 64-bit process */
struct user_msghdr {
	void *name;
	__u64 name_len;
	const struct user_iovec *iov;
	__u64 nr_iov;
};

/* Vectors of more parts are looked into at their first only: where their last bytes are is not known. */
#define IOV_PARTS 4

static __always_inline void io_buffer(struct io *io, const void *buf, __u64 len)
{
	io->buf = buf;
	io->buf_len = len < io->bytes ? len : io->bytes;
	io->last = io->bytes >= 8 ? buf + io->bytes - 8 : buf;
}

/* The first bytes of a vector; the last ones only where all of it passed. */
static __always_inline void io_vector(struct io *io, const struct user_iovec *iov, __u64 nr_iov)
{
	struct user_iovec v[IOV_PARTS] = {};
	__u64 n = bounded(nr_iov, IOV_PARTS), sum = 0;

	if (!n || bpf_probe_read_user(v, n * sizeof(*v), iov))
		return;
	io_buffer(io, v[0].base, v[0].len);
	if (nr_iov == 1)
		return;
	io->last = NULL;
	for (__u64 i = 0; i < IOV_PARTS; i++) {
		sum += v[i].len;
		if (i + 1 == nr_iov && sum == io->bytes && v[i].len >= 8)
			io->last = v[i].base + v[i].len - 8;
	}
}

/* Where the bytes of a reading or writing call are. */
static __always_inline void io_locate(struct io *io, const struct call *c)
{
	struct user_msghdr msg = {};

	switch (c->role) {
	case CALL_READ:
	case CALL_WRITE:
		io_buffer(io, (void *)c->args[1], io->bytes);
		break;
	case CALL_READ_VEC:
	case CALL_WRITE_VEC:
		io_vector(io, (void *)c->args[1], c->args[2]);
		break;
	case CALL_READ_MSG:
	case CALL_WRITE_MSG:
		if (!bpf_probe_read_user(&msg, sizeof(msg), (void *)c->args[1]))
			io_vector(io, msg.iov, msg.nr_iov);
		break;
	}
}

/*
 * A call that took the CPU for long inside the kernel shows in the thread's system time, which grows at
 * the clock tick; the call with the most of it is remembered.
 */
static __always_inline void system_time_note(struct thread *t, struct task_struct *task, long nr)
{
	__u64 system_ns = task->stime;

	if (system_ns == t->seen_system_ns)
		return;
	if (system_ns - t->seen_system_ns >= t->last_system_ns && t->seen_system_ns) {
		t->last_system_ns = system_ns - t->seen_system_ns;
		t->last_nr = nr;
	}
	t->seen_system_ns = system_ns;
}

#define MSG_PEEK 2 /* include/linux/socket.h */

/* A look at bytes that will be read later. */
static __always_inline bool call_is_peek(const struct call *c)
{
	return (c->nr == __NR_recvfrom && c->args[3] & MSG_PEEK) || (c->nr == __NR_recvmsg && c->args[2] & MSG_PEEK);
}

static __always_inline void nested_note(struct thread *t, struct task_struct *task, const struct call *c)
{
	if (c->sp <= t->nested_sp)
		return;
	t->nested_sp = c->sp;
	t->nested_fd = c->args[0];
	t->nested_file = (__u64)fd_file(task, c->args[0]);
}

/* The next file to be opened often gets the closed one's descriptor and its struct file. */
static __always_inline void nested_close(struct thread *t, __u32 fd)
{
	if (fd == t->nested_fd)
		t->nested_sp = 0;
}

/*
 * What a nested loop reads (a child's output, say) is part of the code that runs it. It is over when its set is closed:
 * what the loop's own callbacks then do may well be called from as deep.
 */
static __always_inline bool call_is_nested(struct thread *t, struct task_struct *task, const struct call *c)
{
	if (c->sp >= t->nested_sp)
		return false;
	if ((__u64)fd_file(task, t->nested_fd) == t->nested_file)
		return true;
	t->nested_sp = 0;
	return false;
}

/*
 * Is this return left out to stay within the budget? Waits make turns, and a close makes room for another connection:
 * without them what is told afterwards would be wrong.
 */
static __always_inline bool call_is_skipped(struct thread *t, long nr)
{
	__u8 role = call_role(nr);

	if (!level_reaches(LG_LEVEL_CALLS) || role_is_wait(role) || role == CALL_CLOSE)
		return false;
	count(LG_CNT_SKIPPED_CALLS);
	t->seq++;
	return true;
}

SUBPROG void call_io(struct thread *t, struct task_struct *task, const struct call *c)
{
	struct io io = {.fd = c->args[0], .bytes = c->ret};

	if (call_is_nested(t, task, c))
		return;
	switch (c->role) {
	case CALL_READ:
	case CALL_READ_VEC:
	case CALL_READ_MSG:
		if (c->ret < 0 || call_is_peek(c))
			return;
		io_locate(&io, c);
		io.last = NULL;
		io_read(t, task, &io, c->blocked);
		return;
	case CALL_WRITE:
	case CALL_WRITE_VEC:
	case CALL_WRITE_MSG:
	case CALL_SENDFILE:
		if (c->ret <= 0)
			return;
		io_locate(&io, c);
		io_write(t, task, &io);
		return;
	case CALL_ACCEPT:
		if (c->ret >= 0)
			io_accept(t, task, c->ret);
		return;
	case CALL_CONNECT:
		io_connect(t, task, c->args[0]);
		return;
	}
}

/*
 * After a call that blocked for long the stack is still that of the code that called: it can be taken, and asked who
 * it works for; short blocks cost nothing.
 */
static __always_inline void blocked_look(struct thread *t)
{
	__u64 now = bpf_ktime_get_ns();

	if (stack_is_due(t, now, t->call.sleep_ns))
		stack_take(now, LG_STACK_BLOCKED, t->call.start_ns);
	if (config.ask && t->turn_ns && t->unasked_ns >= ASK_AFTER_NS)
		owner_ask(ASK_NOW, t->call.sleep_ns, now);
}

/* Did this call sleep? Another one's sleep is not its: libc mode does not see every return, and a fault has none. */
static __always_inline bool call_slept(const struct thread *t, const struct call *c)
{
	return t->call_seq == t->seq && (t->call.nr == c->nr || c->nr == __NR_restart_syscall);
}

/* How long the call slept, its last stretch included, which may not be booked yet. */
static __always_inline __u64 call_slept_ns(const struct thread *t, __u64 now)
{
	return t->call.sleep_ns + (t->out_ns ? (t->in_ns ? t->in_ns : now) - t->out_ns : 0);
}

static __always_inline void call_path_look(struct thread *t, const struct call *c)
{
	__u64 now;

	if (!c->blocked || (c->role != CALL_PATH && c->role != CALL_PATH_AT))
		return;
	now = bpf_ktime_get_ns();
	if (call_slept_ns(t, now) >= PATH_MIN_NS)
		path_given_tell(t, c->role == CALL_PATH ? c->args[0] : c->args[1], now);
}

static __always_inline void call_take(struct thread *t, struct task_struct *task, struct call *c)
{
	bool slept = t->in_wait;
	__u64 now = 0;

	c->blocked = call_slept(t, c);
	if (c->blocked && t->out_ns && !t->in_ns) /* its switch-in was not reported, where this is done else */
		call_target_read(t, task);
	call_path_look(t, c);
	t->seq++;
	t->in_wait = false;
	if (c->role == CALL_CLOSE) {
		nested_close(t, c->args[0]);
		io_close(t, task, c->args[0]);
		return;
	}
	if (t->out_ns) {
		now = bpf_ktime_get_ns();
		thread_settle(t, now);
	}
	if (role_is_wait(c->role) && wait_is_own(t, task, c)) {
		t->seen_system_ns = task->stime;
		wait_return(t, task, slept, now ? now : bpf_ktime_get_ns());
		return;
	}
	if (!(t->flags & THREAD_LOOP) || level_reaches(LG_LEVEL_CALLS))
		return;
	if (c->role == CALL_WAIT_SET && c->nr != __NR_io_uring_enter)
		nested_note(t, task, c);
	if ((config.ask || config.stack) && c->blocked)
		blocked_look(t);
	if (control.edges == LG_EDGES_SYSCALL) /* libc mode does not see every call */
		system_time_note(t, task, c->nr);
	call_io(t, task, c);
}

/* Nothing depends on such a call: it moved no bytes, and did not sleep. */
static __always_inline bool call_is_plain(const struct thread *t, __u8 role)
{
	switch (role) {
	case CALL_OTHER:
	case CALL_PATH:
	case CALL_PATH_AT:
	case CALL_FD:
	case CALL_LOCK:
		return !t->out_ns && t->call_seq != t->seq;
	default:
		return false;
	}
}

/* What call_return() does for a plain call. */
static __always_inline void call_pass(struct thread *t, struct task_struct *task, long nr)
{
	t->seq++;
	t->in_wait = false;
	if (t->flags & THREAD_LOOP)
		system_time_note(t, task, nr);
}

/* A sample meanwhile would find the time that the call slept, but no longer that it was this call's. */
static __always_inline void call_return(struct thread *t, struct task_struct *task, struct call *c)
{
	t->in_return = true;
	barrier();
	call_take(t, task, c);
	barrier();
	t->in_return = false;
}

#endif
