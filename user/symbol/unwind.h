/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The native frames of a stack from its registers and its memory: by unwinding tables, and by frame pointers where
 * there are no tables (compiled code).
 */
#ifndef LG_UNWIND_H
#define LG_UNWIND_H

#include <stdbool.h>

#include "lg_record.h"
#include "symbol/symbols.h"
#include "target/cpython.h"

/*
 * Replaces the native frames of a record that has registers, where it finds callers. `memory` is the process's,
 * for one that sleeps; NULL: the copy in the record is all there is. `ends` is where on the stack each frame ends,
 * which its caller's begins at; 0: it is not known. Returns false when the record is as it was.
 */
bool unwind(struct lg_rec_stack *rec, struct symbols *symbols, const struct cpython_memory *memory,
	    uint64_t ends[LG_STACK_MAX]);

/*
 * For stacks that were walked by frame pointers alone, where calls leave their return address in a register (arm64): a
 * function that called nobody made no frame, and the walk went past its caller, which is put in.
 */
void unwind_link(struct lg_rec_stack *rec, struct symbols *symbols);

#endif
