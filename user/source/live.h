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
#include "probe/probe.h"

struct live;

struct live_sink {
	void *arg;
	/* One checked record. */
	void (*record)(void *arg, const struct lg_head *rec);
	/* A process began to be traced, or runs another program now; its TARGET record follows. */
	void (*process)(void *arg, int pid, bool is_exec);
};

/* `p` must outlive it; sink is copied. *out is freed with live_free(). */
int live_new(struct live **out, struct probe *p, const struct live_sink *sink, struct err *err);
void live_free(struct live *live);

/* Hands on what waits in the ring buffer. 0 or -errno. */
int live_read(struct live *live);

/* Hands on the totals of every loop and the counters, as of now. Call it at a beat of a second or so, and at the end.
 */
int live_totals(struct live *live);

/* Traced threads that still run; of those, threads that are loops. */
size_t live_threads(const struct live *live);
size_t live_loops(const struct live *live);
/* Loops found so far, ended ones included. */
size_t live_loops_ever(const struct live *live);

/* Forgets the processes that are gone although no record said so (their records were lost). */
void live_reap(struct live *live);

#endif
