// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The way of records into a thread's batch, and of the batch into the ring buffer: as functions that the verifier sees
 * once, for every program comes by here on many ways.
 */
#include "tell.bpf.h"

#define RING_WAKE_BYTES (2 * 1024 * 1024)

static __always_inline bool ring_is_filling(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > RING_WAKE_BYTES;
}

__noinline int batch_flush(struct thread *t, bool urgent)
{
	__u64 len, flags;
	__u32 nr;

	if (!t || !t->batch_len)
		return 0;
	len = bounded(t->batch_len, BATCH_SIZE);
	nr = t->batch_nr;
	flags = urgent || ring_is_filling() ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
	count_add(bpf_ringbuf_output(&events, t->batch, len, flags) ? LG_CNT_LOST_RECORDS : LG_CNT_RECORDS, nr);
	t->batch_nr = 0;
	t->batch_len = 0;
	return 0;
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
	/* Another thread may go on with the connection at once. */
	if (io->op >= LG_IO_ACCEPT)
		batch_flush(t, false);
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

__noinline int io_tell(struct thread *t, const struct io *io, __u64 now)
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
