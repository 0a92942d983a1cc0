/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stacks of the turn that goes on: kept until its end, when its stalls are known, and each gets the one that was taken
 * in it. A long turn may have many: when they become too many every second one goes.
 */
#ifndef LG_MODEL_STACK_H
#define LG_MODEL_STACK_H

#include "model/model.h"

#define STACKS_MAX 256 /* of a turn: one each half of a threshold, so 13 s without a gap at 100 ms */

struct loop;
struct run;

/* Frames with their strings, in one piece of memory; shared by counting. */
struct stack {
	unsigned refs;
	enum lg_stack_moment moment;
	uint64_t time_ns;
	uint64_t block_ns;               /* when the call began that blocked, 0: none did */
	const struct model_frame *place; /* one of the frames: see stack_place() */
	size_t nr;                       /* at least 1 */
	struct model_frame frames[];     /* the strings are behind them */
};

struct stacks {
	struct stack **v; /* by time */
	unsigned nr;
	unsigned max; /* allocated */
};

void loop_feed_frames(struct model *m, const struct lg_rec_frames *rec);

/* The turn is over. */
void stacks_clear(struct stacks *s);
void stacks_fini(struct stacks *s);

/* The stack that tells most of a run, with a reference for the caller; NULL: none was taken in it. */
struct stack *stacks_choose(const struct loop *l, const struct run *run);

void stack_put(struct stack *stack);

/* The frame that the author of the code would look at: the innermost own one that has a name. NULL: no stack. */
const struct model_frame *stack_place(const struct stack *stack);

#endif
