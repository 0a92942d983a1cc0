/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stack of a thread that sleeps, walked from outside by its registers: what bpf/stack.bpf.c does in a running
 * thread. Should the thread go on meanwhile, the walk reads what is no stack any more: it ends, and names none.
 */
#ifndef LG_ASLEEP_H
#define LG_ASLEEP_H

#include "lg_record.h"
#include "lg_runtime.h"
#include "target/cpython.h"

/* What names the first thread of a CPython process, as lg_rec_stack.thread; 0: it is not found. */
uint64_t asleep_first_thread(const struct lg_runtime_info *info, const struct cpython_memory *memory);

/* Fills in the native frames beyond the first, and those of code. `info`: of the process's runtime, NULL unknown. */
void asleep_walk(struct lg_rec_stack *rec, const struct lg_runtime_info *info, const struct cpython_memory *memory);

#endif
