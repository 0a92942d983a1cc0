/* SPDX-License-Identifier: BSD-2-Clause */
/* `lgtrace top`: its options (top.c) and its run (top_run.c). */
#ifndef LG_CMD_TOP_H
#define LG_CMD_TOP_H

#include "cmd/top_show.h"
#include "cmd/trace.h"

struct top_opts {
	struct trace_opts trace; /* first: the shared rows fill it */
	struct top_look look;
	const char *cgroup;
	uint64_t delay_ns;
	uint64_t iterations; /* 0: until told to stop */
};

/* Returns the exit code; says what went wrong in *err. */
int top_run(const struct top_opts *opts, struct err *err);

#endif
