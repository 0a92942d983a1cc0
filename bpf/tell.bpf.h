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
	__u8 pad[6];
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

#define WORD4(a, b, c, d) ((__u32)(a) | (__u32)(b) << 8 | (__u32)(c) << 16 | (__u32)(d) << 24)

/*
 * Tells an edge, with what is wanted of its bytes. A global function (tell.bpf.c), which the verifier sees once in a
 * program.
 */
int io_tell(struct thread *t, const struct io *io, __u64 now);

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

/* Into a record that is 0 but for its thread. */
static __always_inline void answer_put(struct lg_rec_owner *rec, const struct answer *a)
{
	rec->ino = a->ino;
	rec->key = a->key;
	rec->port = a->port;
	rec->answer = a->answer;
	rec->sure = a->sure;
	rec->is_gc = a->is_gc;
	rec->is_gil = a->is_gil;
	rec->stage = a->stage;
	rec->is_behind = a->is_behind;
	rec->holder_tid = a->holder_tid;
	rec->path_sum = a->path_sum;
}

/* The last answer, no surer than `sure`; LG_SURE_NONE: it says nothing of what led up to here. */
static __always_inline void owner_tell(struct thread *t, __u8 sure, __u64 now)
{
	struct lg_rec_owner *rec = batch_room(t, sizeof(*rec));

	t->turn_edges++;
	__builtin_memset((void *)rec + sizeof(rec->head), 0, sizeof(*rec) - sizeof(rec->head));
	rec->pid = t->pid;
	rec->tid = t->tid;
	rec->answer = LG_ANSWER_UNKNOWN;
	if (sure != LG_SURE_NONE) {
		answer_put(rec, &t->answer);
		if (rec->sure > sure)
			rec->sure = sure;
	}
	batch_add(t, rec, LG_REC_OWNER, sizeof(*rec), now, false);
}

#endif
