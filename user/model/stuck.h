/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns that do not end: a stall is told while it lasts, so that one that never ends is told too. It is judged by what
 * is known so far; the stall that is told at its end has the last word.
 */
#ifndef LG_STUCK_H
#define LG_STUCK_H

#include "lg_slot.h"
#include "model/loop.h"

/* A loop's slot at `now_ns`: tells its turn when it is due: first a moment past the threshold, then at twice the length
 * each time. */
void stuck_look(struct model *m, struct loop *l, const struct lg_slot *slot, uint64_t now_ns);

#endif
