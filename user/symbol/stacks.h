/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a STACK record, which holds addresses, to a FRAMES record, which holds names: at once, while the process is as
 * it was. Frames of different languages are put into the order in which they called each other; what an interpreter
 * or a runtime is made of in between is left out.
 */
#ifndef LG_STACKS_H
#define LG_STACKS_H

#include <stdbool.h>
#include <stddef.h>

#include "lg_record.h"
#include "lg_runtime.h"
#include "symbol/frame.h"

#define STACKS_MAX_FRAMES (2 * LG_STACK_MAX + LG_STACK_KERNEL_MAX)

struct stacks;

/* At most `max_frames` are told of a stack, 0: STACKS_MAX_FRAMES. *out is freed with stacks_free(). 0 or -ENOMEM. */
int stacks_new(struct stacks **out, unsigned max_frames);
void stacks_free(struct stacks *s);

/* What a process's runtime looks like; without it native frames are all there is. Copied. 0 or -ENOMEM. */
int stacks_set_runtime(struct stacks *s, int pid, const struct lg_runtime_info *info);
/* Reads ahead what its first stack would wait for. */
void stacks_prepare(struct stacks *s, int pid);
/* The process ended, or runs another program. */
void stacks_forget(struct stacks *s, int pid);

/*
 * Whether the first thread of a CPython process stands inside of the loop of a library for events, read while it runs:
 * false may mean that too much went on meanwhile.
 */
bool stacks_is_in_loop(struct stacks *s, int pid);

/* Frames from the innermost one on; valid until the next call. *nr may be 0. */
const struct frame *stacks_resolve(struct stacks *s, const struct lg_rec_stack *rec, size_t *nr);

/* The same as a record with the STACK's time; valid until the next call. NULL: nothing is to be told. */
const struct lg_rec_frames *stacks_record(struct stacks *s, const struct lg_rec_stack *rec);

/* Bytes of memory in use, about. */
size_t stacks_bytes(const struct stacks *s);

#endif
