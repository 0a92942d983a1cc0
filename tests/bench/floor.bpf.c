// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The least that a tracer with lgtrace's hooks can cost: at each of them the same filter by thread, and one addition
 * for a thread that is meant. The programs have the names of lgtrace's, by which bench.py compares them.
 */
#include "compat.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64); /* events seen */
} marks SEC(".maps");

const volatile int target_pid = 0;

static __always_inline void mark_count(struct task_struct *task)
{
	__u64 *nr_events;

	if (!task->bpf_storage)
		return;
	nr_events = bpf_task_storage_get(&marks, task, 0, 0);
	if (nr_events)
		(*nr_events)++;
}

SEC("iter/task")
int mark_present(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task && task->tgid == target_pid)
		bpf_task_storage_get(&marks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return 0;
}

SEC("tp_btf/sched_switch")
int on_sched_switch(__u64 *ctx)
{
	mark_count((struct task_struct *)ctx[1]);
	mark_count((struct task_struct *)ctx[2]);
	return 0;
}

SEC("tp_btf/sys_exit")
int on_sys_exit(void *ctx)
{
	mark_count(bpf_get_current_task_btf());
	return 0;
}

SEC("uprobe")
int on_libc_return(void *ctx)
{
	mark_count(bpf_get_current_task_btf());
	return 0;
}

SEC("tp_btf/hrtimer_expire_exit")
int on_tick(void *ctx)
{
	mark_count(bpf_get_current_task_btf());
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
