/* SPDX-License-Identifier: BSD-2-Clause */
/* What the command line names as targets, checked: processes with their descendants, and single threads. */
#ifndef LG_TARGETS_H
#define LG_TARGETS_H

#include <stddef.h>

#include "base/err.h"
#include "cmd/trace.h"

struct targets {
	int *pids; /* to be traced with all their threads */
	size_t nr_pids;
	int *tids; /* to be traced alone */
	size_t nr_tids;
	int *all; /* processes that are touched: pids, and those of tids */
	size_t nr_all;
};

/* Nothing named is no error: a command may follow. */
int targets_init(struct targets *targets, const struct trace_opts *opts, struct err *err);
void targets_fini(struct targets *targets);

/* One more process. */
int targets_add(struct targets *targets, int pid, struct err *err);

/* One sentence why no loop was found: what the threads wait in. Returns buf. */
const char *targets_explain(const struct targets *targets, char *buf, size_t size);

#endif
