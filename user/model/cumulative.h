/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many small holds that add up (--cumulative SUM/WINDOW): runs of 1 ms and more that are no stalls by themselves are
 * summed up over the newest WINDOW of each loop. When the sum reaches SUM it is told with the routes and places that
 * made it, and counted from nothing again. Time without a CPU is not counted: the code does not make it.
 *
 * What is told as a stall, as a run or within a whole turn, is no small hold: no time is told twice.
 */
#ifndef LG_CUMULATIVE_H
#define LG_CUMULATIVE_H

#include "model/turn.h"

struct small_hold;

/* The small holds of a loop within the window. All zero: none, and off. */
struct cumulative {
	struct small_hold *holds; /* a ring */
	unsigned max;
	unsigned first;
	unsigned nr;
	uint64_t sum_ns;
};

/* A run ended that was no stall; its owner as it was. */
void cumulative_add(struct model *m, struct loop *l, const struct run *run, const struct request *who);
/* The run is told as a stall: what of it was added is not counted. */
void cumulative_drop(struct loop *l, const struct run *run);
/* A turn ended: tells the sum if it is enough. */
void cumulative_check(struct model *m, struct loop *l, uint64_t now_ns);
void cumulative_fini(struct cumulative *c);

#endif
