/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * IO records: an edge into the ring buffer, with a copy of its first bytes where they are wanted. OWNER records: what
 * the runtime told of the code up to an edge.
 */
#ifndef LG_TELL_BPF_H
#define LG_TELL_BPF_H

#include "emit.bpf.h"

/* One edge on its way to the ring buffer. */
struct io {
	__u64 bytes;
	__u64 ino;
	__u64 waited_ns;  /* as in lg_rec_io */
	const void *buf;  /* the first bytes, in user memory; NULL: none to be had */
	__u64 buf_len;    /* bytes at buf */
	const void *last; /* the last 8 bytes of a write, or its start when it is shorter; NULL: unknown */
	__u32 fd;
	__u32 captured;
	__u8 op;
	__u8 flags;
};

/* The last 8 bytes of a write; a shorter one is moved to their end (both architectures are little-endian). */
static __always_inline __u64 bytes_last(const struct io *io)
{
	__u64 n = bounded(io->bytes, sizeof(__u64));
	__u64 last = 0;

	if (bpf_probe_read_user(&last, n, io->last))
		return 0;
	return n ? last << (64 - 8 * n) : 0;
}

static __always_inline void io_fill(struct lg_rec_io *rec, struct thread *t, const struct io *io, __u32 captured)
{
	rec->pid = t->pid;
	rec->tid = t->tid;
	rec->fd = io->fd;
	rec->op = io->op;
	rec->flags = io->flags;
	rec->captured = captured;
	rec->ino = io->ino;
	rec->bytes = io->bytes;
	rec->waited_ns = io->waited_ns;
	*(__u64 *)rec->tail = io->last && io->bytes > captured ? bytes_last(io) : 0;
}

#define WORD4(a, b, c, d) ((__u32)(a) | (__u32)(b) << 8 | (__u32)(c) << 16 | (__u32)(d) << 24)

/* Of what is written only heads matter. */
static __always_inline bool is_wanted(const struct lg_rec_io *rec, const struct io *io)
{
	return io->op != LG_IO_WRITE || *(__u32 *)rec->data == WORD4('H', 'T', 'T', 'P');
}

/* With room for `room` bytes, a constant. */
static __always_inline void io_add(struct thread *t, const struct io *io, __u64 now, const __u32 room)
{
	struct lg_rec_io *rec = batch_room(t, sizeof(*rec) + room);
	__u64 n = bounded(io->captured, room);

	if (room && (bpf_probe_read_user(rec->data, n, io->buf) || !is_wanted(rec, io)))
		n = 0;
	io_fill(rec, t, io, n);
	batch_add(t, rec, LG_REC_IO, sizeof(*rec) + ((n + 7) & ~7), now, false);
}

/* More than a batch holds. */
static __always_inline void io_send(struct thread *t, const struct io *io, __u64 now)
{
	struct lg_rec_io *rec;
	__u64 n;

	batch_flush(t, false);
	rec = record_reserve(LG_REC_IO, sizeof(*rec) + LG_CAPTURE_MAX, now);
	if (!rec)
		return;
	n = bounded(io->captured, LG_CAPTURE_MAX);
	if (bpf_probe_read_user(rec->data, n, io->buf))
		n = 0;
	io_fill(rec, t, io, n);
	record_submit(rec, false);
}

SUBPROG int io_tell(struct thread *t, const struct io *io, __u64 now)
{
	if (!t || !io)
		return 0;
	t->turn_edges++;
	if (!io->captured || !io->buf)
		io_add(t, io, now, 0);
	else if (io->captured <= 256)
		io_add(t, io, now, 256);
	else if (io->captured <= BATCH_CAPTURE)
		io_add(t, io, now, BATCH_CAPTURE);
	else
		io_send(t, io, now);
	return 0;
}

/* Tells the edge that was kept back: it turned out to begin an interval that is told. */
static __always_inline void quiet_tell(struct thread *t)
{
	struct io io = {
		.fd = t->quiet.fd,
		.op = t->quiet.op,
		.flags = t->quiet.flags | (t->has_gap ? LG_IO_GAP : 0),
		.bytes = t->quiet.bytes,
		.ino = t->quiet.ino,
	};

	io_tell(t, &io, t->quiet.time_ns);
}

/* The last answer, no surer than `sure`; LG_SURE_NONE: it says nothing of what led up to here. */
static __always_inline void owner_tell(struct thread *t, __u8 sure, __u64 now)
{
	const struct answer *a = &t->answer;
	struct lg_rec_owner *rec = batch_room(t, sizeof(*rec));

	t->turn_edges++;
	__builtin_memset((void *)rec + sizeof(rec->head), 0, sizeof(*rec) - sizeof(rec->head));
	rec->pid = t->pid;
	rec->tid = t->tid;
	rec->answer = LG_ANSWER_UNKNOWN;
	if (sure != LG_SURE_NONE) {
		rec->ino = a->ino;
		rec->key = a->key;
		rec->port = a->port;
		rec->answer = a->answer;
		rec->sure = a->sure < sure ? a->sure : sure;
		rec->is_gc = a->is_gc;
		rec->is_gil = a->is_gil;
		rec->stage = a->stage;
		rec->is_behind = a->is_behind;
		rec->holder_tid = a->holder_tid;
	}
	batch_add(t, rec, LG_REC_OWNER, sizeof(*rec), now, false);
}

#endif
