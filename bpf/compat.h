/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where kernels differ. Each flavour says which version needs it; the loader picks by the running
 * kernel's BTF, so an absent field costs nothing.
 */
#ifndef LG_COMPAT_H
#define LG_COMPAT_H

#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* Before 5.14 the state was called `state`. */
struct task_struct___before_5_14 {
	volatile long state;
};

/* From 6.18 tasks are throttled one by one. */
struct task_struct___since_6_18 {
	bool throttled;
};

#pragma clang attribute pop

static __always_inline unsigned int task_state(struct task_struct *task)
{
	struct task_struct___before_5_14 *old = (void *)task;

	if (bpf_core_field_exists(task->__state))
		return task->__state;
	return BPF_CORE_READ(old, state);
}

/* Is the task, at its switch-out, kept off the CPU by its group's quota? */
static __always_inline bool task_is_throttled(struct task_struct *task)
{
	struct task_struct___since_6_18 *now = (void *)task;

	if (bpf_core_field_exists(now->throttled))
		return BPF_CORE_READ(now, throttled);
	if (bpf_core_field_exists(struct cfs_rq, throttle_count))
		return BPF_CORE_READ(task, se.cfs_rq, throttle_count) > 0;
	return false;
}

/* Time for which the task's queue was throttled in all; it grows when the throttling ends. */
static __always_inline __u64 task_throttled_clock(struct task_struct *task)
{
	if (bpf_core_field_exists(struct cfs_rq, throttled_clock_pelt_time))
		return BPF_CORE_READ(task, se.cfs_rq, throttled_clock_pelt_time);
	return 0;
}

/* What a task's thread-local variables are found by: as it was at its last switch-out, and it seldom changes. */
static __always_inline __u64 task_thread_pointer(struct task_struct *task)
{
#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(task, thread.fsbase);
#else
	return BPF_CORE_READ(task, thread.uw.tp_value);
#endif
}

#define USER32_CS  0x23 /* arch/x86/include/asm/segment.h: of a 32-bit program */
#define MODE32_BIT 0x10 /* arch/arm64/include/uapi/asm/ptrace.h: PSR_MODE32_BIT */

/* A 32-bit program: its system calls have other numbers. */
static __always_inline bool regs_are_32bit(const struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->cs == USER32_CS;
#else
	return regs->pstate & MODE32_BIT;
#endif
}

/* The system call that a task is inside of; negative in a page fault or an interrupt, and where it is not known. */
static __always_inline long regs_nr(const struct pt_regs *regs)
{
	if (regs_are_32bit(regs))
		return -1;
#if defined(__TARGET_ARCH_x86)
	return (long)regs->orig_ax;
#else
	return regs->syscallno;
#endif
}

#endif
