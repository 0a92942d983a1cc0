/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Records into the ring buffer. A record that finds no room is counted as lost, never waited for. Those of a thread
 * go there in batches: when one is full, when the thread leaves the CPU, and at each sample.
 * User space reads at a timer's beat; it is woken early only for what is urgent (a long turn, a
 * thread's birth or end) and when a quarter of the buffer is full.
 */
#ifndef LG_EMIT_BPF_H
#define LG_EMIT_BPF_H

#include "cost.bpf.h"

static __always_inline void head_fill(struct lg_head *head, __u16 kind, __u16 len, __u64 now)
{
	head->kind = kind;
	head->len = len;
	head->cpu = bpf_get_smp_processor_id();
	head->time_ns = now;
}

/*
 * Hands on what waits in the thread's batch: by the thread itself, or for it while it cannot run. A global function
 * (tell.bpf.c), which the verifier sees once in a program.
 */
int batch_flush(struct thread *t, bool urgent);

/* Room in the batch for a record of at most `max` bytes, a constant. It is part of it after batch_add(). */
static __always_inline void *batch_room(struct thread *t, const __u32 max)
{
	__u64 at = t->batch_len;

	barrier_var(at);
	if (at > BATCH_SIZE - max) {
		batch_flush(t, false);
		at = 0;
	}
	return t->batch + at;
}

/*
 * Adds what was put there, `len` bytes, a multiple of 8. Nothing waits where no sample would hand it on in a turn that
 * does not end.
 */
static __always_inline void batch_add(struct thread *t, void *rec, __u16 kind, __u16 len, __u64 now, bool urgent)
{
	head_fill(rec, kind, len, now);
	t->batch_nr++;
	t->batch_len += len;
	if (urgent || !config.batch)
		batch_flush(t, urgent);
}

/* Room for one record of `size` bytes, a constant, that goes by itself; NULL when there is none. */
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

/*
 * A new thread may be running by now: its batch is its own. User space need not be woken by its own walk over the
 * threads that are there (trace_present), after which it reads.
 */
static __always_inline void thread_tell(struct task_struct *task, struct thread *t, __u32 event, __u32 parent)
{
	bool is_walk = !parent && bpf_get_current_pid_tgid() >> 32 != t->pid;
	struct lg_rec_thread *rec;

	if (event != LG_THREAD_NEW)
		batch_flush(t, false);
	rec = record_reserve(LG_REC_THREAD, sizeof(*rec), bpf_ktime_get_ns());
	if (!rec)
		return;
	rec->pid = t->pid;
	rec->tid = t->tid;
	rec->event = event;
	rec->slot = t->slot;
	rec->parent_tid = parent;
	rec->pad = 0;
	bpf_probe_read_kernel(rec->comm, sizeof(rec->comm), task->comm);
	record_submit(rec, !is_walk);
}

#endif
