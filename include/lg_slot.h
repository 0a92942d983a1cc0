/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots: one a traced thread, in an array that user space maps read-only.
 *
 * The thread is the only writer of its slot (its own edges and switches), so plain stores do and a reader
 * at worst sees two fields a few ns apart. A slot shows what is going on now (views, and the watch for a
 * turn that does not end) and totals since the thread was first traced.
 */
#ifndef LG_SLOT_H
#define LG_SLOT_H

#include "lg_hist.h"
#include "lg_lists.h"
#include "lg_record.h"

#define LG_MAX_SLOTS 4096 /* threads at once; 2.2 KiB each, touched only when used */

#define LG_SLOT_READY 64 /* ready to run, or in its wait */

enum lg_slot_flag {
	LG_SLOT_USED = 1,
	LG_SLOT_LOOP = 2, /* the thread is an event loop */
};

struct lg_slot {
	__u32 pid;
	__u32 tid;
	__u32 flags;         /* enum lg_slot_flag */
	__s32 wait_nr;       /* the system call it waits in as a loop, -1 unknown */
	__s32 sleep_nr;      /* the system call of its last other sleep, -1 none or a page fault */
	__u32 off_class;     /* why it is off the CPU: enum lg_sleep; LG_SLOT_READY: it is not by its own will */
	__u64 first_ns;      /* traced since */
	__u64 turn_ns;       /* when the current turn began; 0 while it waits */
	__u64 off_ns;        /* since when it is off the CPU; 0 while it runs */
	__u64 turns;         /* turns that ended */
	__u64 idle_ns;       /* asleep in its wait */
	__u64 idle_since_ns; /* start of the current idle stretch; 0 while in a turn */
	__u64 sleep_ns[8];   /* in turns, by enum lg_sleep */
	__u64 runqueue_ns;
	__u64 throttled_ns;
	__u64 nr_waits;  /* sleeps in its wait */
	__u64 nr_sleeps; /* other voluntary sleeps */
	__u64 max_turn_ns;
	__u64 turn_hist[256]; /* by lg_hist_bucket() of the turn's length */
};
LG_SIZE(struct lg_slot, 2224);

/* LG_REC_LOOP: a slot as it was at head.time_ns, put into the stream by user space. */
struct lg_rec_loop {
	struct lg_head head;
	struct lg_slot slot;
};
LG_SIZE(struct lg_rec_loop, 2240);

#endif
