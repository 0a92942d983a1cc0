// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* An edge of a loop, wherever its bytes were seen: as a function that the verifier sees once in a program. */
#include "io.bpf.h"

static __always_inline void conn_tell(struct thread *t, struct task_struct *task, __u32 fd, struct conn *conn,
				      __u64 now)
{
	struct lg_rec_conn *rec;

	if (conn->flags & CONN_TOLD)
		return;
	conn->flags |= CONN_TOLD;
	batch_flush(t, false);
	rec = record_reserve(LG_REC_CONN, sizeof(*rec), now);
	if (!rec)
		return;
	rec->pid = t->pid;
	rec->tid = t->tid;
	rec->fd = fd;
	rec->origin = conn->origin;
	__builtin_memset(rec->pad, 0, sizeof(rec->pad));
	target_read(&rec->peer, fd_file(task, fd));
	rec->peer.ino = conn->ino;
	record_submit(rec, false);
}

/* Keeps an edge back; the system time up to it is not the next interval's. */
static __always_inline void quiet_keep(struct thread *t, struct task_struct *task, const struct io *io, __u64 now)
{
	t->has_gap = t->quiet.time_ns != 0;
	t->quiet.time_ns = now;
	t->quiet.bytes = io->bytes;
	t->quiet.ino = io->ino;
	t->quiet.fd = io->fd;
	t->quiet.op = io->op;
	t->quiet.flags = io->flags;
	t->quiet.user_ns = task->utime;
	t->quiet.system_ns = task->stime;
	t->quiet.last_nr = t->last_system_ns ? t->last_nr : -1;
	t->last_system_ns = 0;
}

__noinline int io_edge(struct thread *t, struct conn *conn, struct io *io)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 now = bpf_ktime_get_ns();

	if (!t || !io)
		return 0;
	turn_open(t, task);
	if (!t->turn_ns)
		return 0;
	if (conn) {
		io->ino = conn->ino;
		if (conn->flags & CONN_SOCK)
			conn_tell(t, task, io->fd, conn, now);
	}
	if (edge_pass(t, task, now, false)) {
		io_tell(t, io, now);
		return 0;
	}
	quiet_keep(t, task, io, now);
	return 0;
}
