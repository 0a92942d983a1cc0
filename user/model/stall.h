/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stalls: a run, or a whole turn, that was too long is told with its cause and its victims, and counted.
 *
 * Whoever sent a request during a stall waited too, but the loop reads it afterwards. So a stall is held back until
 * the loop's next turn ended, if that followed at once; a loop that went to sleep instead kept nobody waiting.
 */
#ifndef LG_STALL_H
#define LG_STALL_H

#include "model/turn.h"

struct held_stall {
	struct run run;        /* with a reference to its owner */
	uint64_t threshold_ns; /* that it reached */
	uint64_t turn_ns;      /* length of its turn, */
	uint64_t turn_end_ns;  /* and the end */
	bool goes_on;          /* as in struct model_stall */
	struct stack *stack;   /* with a reference; NULL: none was taken */
	struct model_detail detail;
	unsigned nr_waiting; /* clients whose requests were never read: victims too, but nobody knows which */
	unsigned nr_victims;
	char victims[MODEL_MAX_VICTIMS][MODEL_ID_LEN]; /* ids of the first ones */
};

/*
 * At the end of the turn, before what ended in it is settled: victims are found among that too. Takes a reference of
 * its own to the owner.
 */
void stall_hold(struct model *m, struct loop *l, const struct run *run, uint64_t turn_ns, uint64_t turn_end_ns);

/* A turn ended, and what ended in it is not settled yet: tells the held ones, with those that waited for it. */
void stalls_turn(struct model *m, struct loop *l, uint64_t start_ns);

/* Tells what is held of one loop. */
void stalls_tell(struct model *m, struct loop *l);

/* As stalls_tell(), of a loop that will not have another turn: who was seen to wait for the last one is its victim. */
void stalls_abandon(struct model *m, struct loop *l);

/* Tells what was held long enough at `now_ns`. */
void stalls_tick(struct model *m, uint64_t now_ns);

#endif
