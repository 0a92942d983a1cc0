/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns that do not end: a stall is told while it lasts, so that one that never ends is told too. It is judged by what
 * is known so far; the stall that is told at its end has the last word.
 */
#ifndef LG_STUCK_H
#define LG_STUCK_H

#include "lg_slot.h"
#include "model/loop.h"

/* What was found out about a turn that does not end, for the next stuck_look(). */
void stuck_feed_asleep(struct model *m, const struct lg_rec_asleep *rec);
void stuck_feed_waiting(struct model *m, const struct lg_rec_waiting *rec);

/* A loop's slot at `now_ns`: tells its turn when it is due: first a moment past the threshold, then at twice the length
 * each time. */
void stuck_look(struct model *m, struct loop *l, const struct lg_slot *slot, uint64_t now_ns);

/* Nothing more will be seen: what was told as stuck and goes on becomes a stall, as far as it is known. */
void stuck_cut(struct model *m, struct loop *l);

#endif
