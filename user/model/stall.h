/* SPDX-License-Identifier: BSD-2-Clause */
/* Stalls: a run, or a whole turn, that was too long is told with its cause and its victims, and counted. */
#ifndef LG_STALL_H
#define LG_STALL_H

#include "model/turn.h"

/* At the end of the turn, before what ended in it is settled: victims are found among that too. */
void stall_tell(struct model *m, struct loop *l, const struct run *run, uint64_t turn_ns);

#endif
