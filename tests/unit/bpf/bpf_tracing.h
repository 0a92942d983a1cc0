/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of libbpf's header: registers of x86-64, whatever the host is. */
#ifndef LG_HOST_BPF_TRACING_H
#define LG_HOST_BPF_TRACING_H

#define PT_REGS_SP(regs)            ((regs)->sp)
#define PT_REGS_FP(regs)            ((regs)->bp)
#define PT_REGS_PARM1_SYSCALL(regs) ((regs)->di)
#define PT_REGS_PARM2_SYSCALL(regs) ((regs)->si)
#define PT_REGS_PARM3_SYSCALL(regs) ((regs)->dx)
#define PT_REGS_PARM4_SYSCALL(regs) ((regs)->r10)

#endif
