/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Records into the ring buffer. A record that finds no room is counted as lost, never waited for.
 * User space reads at a timer's beat; it is woken early only for what is urgent (a long turn, a
 * thread's birth or end) and when a quarter of the buffer is full.
 */
#ifndef LG_EMIT_BPF_H
#define LG_EMIT_BPF_H

#include "cost.bpf.h"

#define RING_WAKE_BYTES (2 * 1024 * 1024)

static __always_inline void head_fill(struct lg_head *head, __u16 kind, __u16 len, __u64 now)
{
	head->kind = kind;
	head->len = len;
	head->cpu = bpf_get_smp_processor_id();
	head->time_ns = now;
}

/* Room for one record of `size` bytes, a constant; NULL when there is none. */
static __always_inline void *record_reserve(__u16 kind, __u32 size, __u64 now)
{
	struct lg_head *head = bpf_ringbuf_reserve(&events, size, 0);

	if (!head) {
		count(LG_CNT_LOST_RECORDS);
		return NULL;
	}
	count(LG_CNT_RECORDS);
	head_fill(head, kind, size, now);
	return head;
}

static __always_inline void record_submit(void *rec, bool urgent)
{
	bpf_ringbuf_submit(rec, urgent ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

static __always_inline bool ring_is_filling(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > RING_WAKE_BYTES;
}

static __always_inline void thread_tell(struct task_struct *task, struct thread *t, __u32 event, __u32 parent)
{
	struct lg_rec_thread *rec = record_reserve(LG_REC_THREAD, sizeof(*rec), bpf_ktime_get_ns());

	if (!rec)
		return;
	rec->pid = t->pid;
	rec->tid = t->tid;
	rec->event = event;
	rec->slot = t->slot;
	rec->parent_tid = parent;
	rec->pad = 0;
	bpf_probe_read_kernel(rec->comm, sizeof(rec->comm), task->comm);
	record_submit(rec, true);
}

#endif
