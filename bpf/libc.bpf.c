// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Edges from the target's libc: uprobes where the kernel emulates the probed instruction, so that nothing is
 * single-stepped and only the target pays, not the host. The cookie is the system call's number.
 *
 * Mostly one probe does: on the conditional jump behind the system call, the result and still the arguments
 * are in the registers. glibc from 2.41 on makes calls that can be cancelled in one common function: there one
 * probe sees the arguments on the way in and another one the result.
 */
#include "call.bpf.h"

static __always_inline void libc_return(struct task_struct *task, struct thread *t, __u64 begin_ns)
{
	if (!call_is_skipped(t, t->returned.nr)) {
		t->returned.role = call_role(t->returned.nr);
		call_return(t, task, &t->returned);
	}
	cost_end(LG_COST_UPROBE, begin_ns);
}

SEC("uprobe")
int on_libc_return(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_get(task);
	__u64 begin_ns = cost_begin();
	struct call *c;

	if (!t || control.edges != LG_EDGES_LIBC)
		return 0;
	c = &t->returned;
	c->nr = bpf_get_attach_cookie(ctx);
	c->ret = PT_REGS_RC(ctx);
	c->args[0] = PT_REGS_PARM1(ctx);
	c->args[1] = PT_REGS_PARM2(ctx);
	c->args[2] = PT_REGS_PARM3(ctx);
	c->args[3] = PT_REGS_PARM4_SYSCALL(ctx);
	c->sp = PT_REGS_SP(ctx);
	libc_return(task, t, begin_ns);
	return 0;
}

SEC("uprobe")
int on_libc_enter(struct pt_regs *ctx)
{
	struct thread *t = thread_get(bpf_get_current_task_btf());
	__u64 begin_ns = cost_begin();

	if (!t || control.edges != LG_EDGES_LIBC)
		return 0;
	t->pair_nr = bpf_get_attach_cookie(ctx);
	t->pair_args[0] = PT_REGS_PARM1(ctx);
	t->pair_args[1] = PT_REGS_PARM2(ctx);
	t->pair_args[2] = PT_REGS_PARM3(ctx);
	t->pair_args[3] = PT_REGS_PARM4(ctx);
	t->pair_sp = PT_REGS_SP(ctx);
	cost_end(LG_COST_UPROBE, begin_ns);
	return 0;
}

SEC("uprobe")
int on_libc_result(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_get(task);
	__u64 begin_ns = cost_begin();
	struct call *c;

	if (!t || control.edges != LG_EDGES_LIBC || t->pair_nr == PAIR_NONE)
		return 0;
	c = &t->returned;
	c->nr = t->pair_nr;
	c->ret = PT_REGS_RC(ctx);
	__builtin_memcpy(c->args, t->pair_args, sizeof(c->args));
	c->sp = t->pair_sp;
	t->pair_nr = PAIR_NONE;
	libc_return(task, t, begin_ns);
	return 0;
}
