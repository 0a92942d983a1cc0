// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Edges from the sys_exit tracepoint. At its return a call has its result and still its arguments, and
 * sched_switch told if it slept: no sys_enter program is needed, which halves what every system call of
 * the host pays.
 */
#include "call.bpf.h"

SEC("tp_btf/sys_exit")
int on_sys_exit(__u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_of(task);
	__u64 begin_ns;
	long nr;

	if (!t)
		return 0;
	begin_ns = cost_begin();
	nr = regs_nr((struct pt_regs *)ctx[0]);
	if (call_is_plain(t, call_role(nr))) {
		call_pass(t, task, nr);
	} else if (!call_is_skipped(t, nr)) {
		call_from_regs(&t->returned, (struct pt_regs *)ctx[0]);
		t->returned.ret = ctx[1];
		call_return(t, task, &t->returned);
	}
	cost_end(LG_COST_CALL, begin_ns);
	return 0;
}

/* Attached alone, for a moment, before the edges: what each way of getting them would cost. */
SEC("tp_btf/sys_exit")
int on_sys_exit_count(__u64 *ctx)
{
	if (!thread_of(bpf_get_current_task_btf())) {
		count(LG_CNT_HOST_CALLS);
		return 0;
	}
	count(LG_CNT_TARGET_CALLS);
	if (call_role(regs_nr((struct pt_regs *)ctx[0])) != CALL_OTHER)
		count(LG_CNT_TARGET_EDGES);
	return 0;
}
