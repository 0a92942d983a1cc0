/* SPDX-License-Identifier: BSD-2-Clause */
/* A command that is started to be traced: held back until the probes are in place, then let go. */
#ifndef LG_LAUNCH_H
#define LG_LAUNCH_H

#include <stdbool.h>

#include "base/err.h"

struct launch {
	int pid;    /* 0: nothing was started */
	int go;     /* a byte written to it lets the command begin */
	int failed; /* the child writes the errno of its exec into it */
};

/*
 * Forks a child that waits. With `to_stderr` its standard output becomes standard error, so that it does not mix with
 * our data. argv is NULL-terminated.
 */
int launch_start(struct launch *l, char **argv, bool to_stderr, struct err *err);
/* Lets it call exec. A negative error with a sentence when the command cannot be run. */
int launch_go(struct launch *l, const char *name, struct err *err);
/* Ends the child if it still runs (SIGTERM), and waits for it for two seconds at most. */
void launch_end(struct launch *l);

#endif
