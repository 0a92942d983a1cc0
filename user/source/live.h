/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stream of records of running processes: what BPF tells, and between it the facts that only user space
 * can learn in time (runtimes, paths of files, totals of the loops). What it hands on can be fed to the model or
 * recorded; both see the same.
 */
#ifndef LG_LIVE_H
#define LG_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lg_record.h"
#include "lg_slot.h"

struct live;
struct stacks;

/* What the stream's owner does for it; no member may be NULL. */
struct live_sink {
	void *arg;
	/* One checked record. */
	void (*record)(void *arg, const struct lg_head *rec);
	/* A process began to be traced, or runs another program now; its TARGET record follows. */
	void (*process_begin)(void *arg, int pid, bool is_exec);
	void (*process_end)(void *arg, int pid);
	/* A thread turned out to be an event loop. */
	void (*loop_found)(void *arg, int pid, int tid);
	/* A thread ended, its slot was read for the last time. */
	void (*slot_free)(void *arg, uint32_t slot);
	/* A thread sleeps in a turn that does not end: its stack is wanted before this returns, if it can be had. */
	void (*look)(void *arg, int tid);
};

/* `slots` are the LG_MAX_SLOTS that BPF writes, and outlive it; sink is copied. *out is freed with live_free(). */
int live_new(struct live **out, const struct lg_slot *slots, const struct live_sink *sink, struct err *err);
void live_free(struct live *live);

/* What gives names to the addresses of stacks, and outlives it. Without it none are told. */
void live_set_stacks(struct live *live, struct stacks *stacks);

/* Takes raw records, one after another: checks each, adds the facts that it calls for, hands it on. 0, or -EBADMSG. */
int live_take(struct live *live, const void *data, size_t size);

/* Hands on the totals of every loop, and counters[16]: at a beat of a second or so, and at the end. */
void live_totals(struct live *live, const uint64_t *counters);

/* Says that time has passed: at every beat, after the ring buffer was read, and before a summary. Returns its time. */
uint64_t live_tick(struct live *live);

/* Hands on how far the time of day is from the time of records: somebody may set the clock, or suspend the host. */
void live_clock(struct live *live, int64_t realtime_offset_ns);

/* Hands on what is left out from now on. Its head is filled in; records that were made before are in the stream. */
void live_budget(struct live *live, struct lg_rec_budget *rec);

/* Calls `each` for every traced process. */
void live_processes(const struct live *live, void (*each)(void *arg, int pid), void *arg);

/*
 * Looks for turns that last `after_ns` already, and hands on their loops' totals, and their stacks before: when that is
 * the case first, and whenever a turn has lasted twice as long. At every beat, and at the time that it returns
 * (CLOCK_MONOTONIC): then the next of the turns that go on will be due; UINT64_MAX: none goes on.
 */
uint64_t live_watch(struct live *live, uint64_t after_ns);

/* Whether a thread has shown itself to be a loop, as of now: its record may still be on its way. */
bool live_is_loop(const struct live *live, int tid);

/* Traced threads that still run. */
size_t live_threads(const struct live *live);
/* Loops found so far, ended ones included. */
size_t live_loops_ever(const struct live *live);

/*
 * Once a second, with the ring buffer read: forgets the processes that are gone although no record said so, and after
 * a loss of records also tells which threads began, ended or turned out to be loops meanwhile.
 */
void live_reap(struct live *live);

#endif
