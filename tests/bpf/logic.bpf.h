/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The frame of the logic cases: a thread to play with, comparisons, and the records to expect.
 *
 * The thread's state is made up, its task is the runner itself: where the code reads figures of the task, a case
 * sets the state relative to them. A case during which these moved (a tick, a preemption) is run again.
 */
#ifndef LG_LOGIC_BPF_H
#define LG_LOGIC_BPF_H

#include "io.bpf.h"
#include "logic.h"

extern struct logic_input input SEC(".bss");
extern struct logic_result result SEC(".bss");
extern struct logic_want wants[LOGIC_WANTS] SEC(".bss");

/* Static, so that the skeleton leaves it out: user space does not know its type. */
static struct thread t;

#define TEST_PID 71
#define TEST_TID 72

struct figures {
	__u64 run_delay, exec, user, system, throttled;
};

static __always_inline void figures_read(struct figures *f, struct task_struct *task)
{
	f->run_delay = task->sched_info.run_delay;
	f->exec = task->se.sum_exec_runtime;
	f->user = task->utime;
	f->system = task->stime;
	f->throttled = task_throttled_clock(task);
}

static __always_inline void thread_init(struct task_struct *task)
{
	for (__u32 i = 0; i < sizeof(t) / sizeof(__u64); i++)
		((volatile __u64 *)&t)[i] = 0; /* more than clang's memset takes */
	control.level = LG_LEVEL_FULL;
	control.is_measured = 0;
	t.pid = TEST_PID;
	t.tid = TEST_TID;
	t.user_ns = task->utime;
	t.system_ns = task->stime;
}

/* Defines the program case_NAME; its body sees `task`, and `t` in its first state. */
#define CASE(name) \
	static __always_inline void body_##name(struct task_struct *task); \
	SEC("syscall") int case_##name(void *ctx) \
	{ \
		struct task_struct *task = bpf_get_current_task_btf(); \
		struct figures before, after; \
\
		figures_read(&before, task); \
		thread_init(task); \
		body_##name(task); \
		batch_flush(&t, false); \
		figures_read(&after, task); \
		result.disturbed = before.run_delay != after.run_delay || before.exec != after.exec || \
				   before.user != after.user || before.system != after.system || \
				   before.throttled != after.throttled; \
		return 0; \
	} \
	static __always_inline void body_##name(struct task_struct *task)

static __noinline void check_equal(__u64 got, __u64 want, __u32 line)
{
	result.nr_checks++;
	if (got == want || result.line)
		return;
	result.got = got;
	result.want = want;
	result.line = line;
}

#define EQUAL(got, want) check_equal((got), (want), __LINE__)

/* A field of the thread's slot. */
#define SLOT(field) \
	({ \
		struct lg_slot *slot__ = slot_of(&t); \
		slot__ ? (__u64)slot__->field : ~0ull; \
	})

/* Room for the record that is expected next, zero but for its head; NULL: one too many. */
static __always_inline void *want_record(__u16 kind, __u16 len, __u64 time_ns)
{
	struct logic_want *want = &wants[result.nr_wants & (LOGIC_WANTS - 1)];
	struct lg_head *head = (void *)want->bytes;

	result.nr_wants++;
	want->len = len;
	head->kind = kind;
	head->len = len;
	head->time_ns = time_ns;
	return head;
}

static __always_inline struct lg_rec_off *want_off(__u64 time_ns)
{
	struct lg_rec_off *rec = want_record(LG_REC_OFF, sizeof(*rec), time_ns);

	rec->pid = TEST_PID;
	rec->tid = TEST_TID;
	rec->last_nr = -1;
	return rec;
}

/* `room`: of the data behind it. */
static __always_inline struct lg_rec_io *want_io(__u64 time_ns, __u8 op, __u32 fd, __u32 room)
{
	struct lg_rec_io *rec = want_record(LG_REC_IO, sizeof(*rec) + room, time_ns);

	rec->pid = TEST_PID;
	rec->tid = TEST_TID;
	rec->op = op;
	rec->fd = fd;
	return rec;
}

static __always_inline struct lg_rec_turn *want_turn(__u64 start_ns, __u64 end_ns)
{
	struct lg_rec_turn *rec = want_record(LG_REC_TURN, sizeof(*rec), end_ns);

	rec->pid = TEST_PID;
	rec->tid = TEST_TID;
	rec->start_ns = start_ns;
	rec->end_ns = end_ns;
	return rec;
}

/* The record that tells that the thread is a loop. */
static __always_inline void want_loop(void)
{
	struct lg_rec_thread *rec = want_record(LG_REC_THREAD, sizeof(*rec), 0);

	rec->pid = TEST_PID;
	rec->tid = TEST_TID;
	rec->event = LG_THREAD_LOOP;
	bpf_get_current_comm(rec->comm, sizeof(rec->comm));
}

#endif
