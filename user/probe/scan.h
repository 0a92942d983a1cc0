/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loops of the whole host, found by how their threads sleep: a look at the scheduler that traces nobody and
 * probes no system call. Closing takes everything out of the kernel.
 */
#ifndef LG_PROBE_SCAN_H
#define LG_PROBE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "lg_scan.h"

struct scan;

/* Loads the programs; nothing is watched yet. *out is freed with scan_close(). */
int scan_open(struct scan **out, struct err *err);
void scan_close(struct scan *s);

/* Watches every thread that there is now, and those that a scan_read() meets later from then on. */
int scan_start(struct scan *s, struct err *err);
/* Watches no more; what was counted stays. */
void scan_stop(struct scan *s);

/*
 * Totals of each thread that has waited for events at all, in the order of thread ids; this process's own are left
 * out. *out is freed with free().
 */
int scan_read(struct scan *s, struct lg_scan **out, size_t *nr, struct err *err);

/*
 * Whether a thread is an event loop: it waits on a set of events; or on a list of them, at least as often as it sleeps
 * for anything else. `before` (may be NULL) holds its totals at an earlier time: then only what came since counts.
 */
bool scan_is_loop(const struct lg_scan *now, const struct lg_scan *before);

#endif
