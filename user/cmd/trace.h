/* SPDX-License-Identifier: BSD-2-Clause */
/* The main job: `lgtrace -p PID`. Its options, and the command itself. */
#ifndef LG_TRACE_H
#define LG_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"

/* What the command line says; filled by opt_parse() with trace_command's table. */
struct trace_opts {
	struct opt_list pids;
	struct opt_list tids;
	struct opt_list route_patterns;
	const char *id_header;
	const char *output; /* NULL: standard output */
	uint64_t threshold_ns;
	uint64_t duration_s; /* 0: until interrupted */
	uint64_t interval_s; /* 0: one summary, at the end */
	uint64_t count;      /* summaries, with an interval; 0: without end */
	unsigned probes;     /* enum probe_edges */
	unsigned colour;     /* enum text_when */
	unsigned verbose;
	bool no_follow;
	bool requests;
	bool json;
	bool quiet;
	bool version;
	char **command; /* behind "--": NULL-terminated, or NULL */
};

extern const struct opt_command trace_command;

/* Takes over what stands beside the options, and refuses what makes no sense. */
int trace_opts_check(struct trace_opts *o, const struct opt_rest *rest, struct err *err);

/* Parses, runs, cleans up. Returns the exit code; says what went wrong in *err. */
int trace_main(int argc, char **argv, struct err *err);

#endif
