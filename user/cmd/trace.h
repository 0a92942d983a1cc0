/* SPDX-License-Identifier: BSD-2-Clause */
/* The main job: `lgtrace -p PID`. Its options, and the command itself. */
#ifndef LG_TRACE_H
#define LG_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"

struct render_ops;

enum trace_stack { TRACE_STACK_USER, TRACE_STACK_KERNEL, TRACE_STACK_BOTH, TRACE_STACK_NONE };

/* What the command line says; filled by opt_parse() with trace_command's table. */
struct trace_opts {
	struct opt_list pids;
	struct opt_list tids;
	struct opt_list route_patterns;
	const char *id_header;
	const char *output; /* NULL: standard output */
	const char *record; /* file for a recording; NULL: none */
	uint64_t max_size;  /* of the recording, in bytes */
	uint64_t threshold_ns;
	uint64_t cumulative_ns; /* 0: off */
	uint64_t cumulative_window_ns;
	struct opt_list exclude_paths; /* empty: the default ones */
	struct opt_list routes;
	struct opt_list methods;
	uint32_t causes;  /* 1 << enum lg_cause, or-ed, */
	uint32_t details; /* or 1 << enum model_detail_kind; both 0: all */
	bool all;         /* of a recording: nothing is left out unless it says so here */
	bool is_filled;   /* what was left open was taken from a recording */
	struct opt_list fail_if;
	const char *junit;   /* file; NULL: none */
	bool is_auto;        /* the threshold */
	uint64_t duration_s; /* 0: until interrupted */
	uint64_t interval_s; /* 0: one summary, at the end */
	uint64_t count;      /* summaries, with an interval; 0: without end */
	unsigned probes;     /* enum probe_edges */
	unsigned stack;      /* enum trace_stack */
	uint64_t max_frames; /* of a stack; 0: all */
	uint64_t sample_hz;  /* TRACE_HZ_AUTO: as often as the threshold needs */
	uint64_t budget_ppm; /* see model/budget.h; 0: none */
	unsigned colour;     /* enum text_when */
	unsigned verbose;
	bool no_follow;
	bool requests;
	bool no_hints;
	bool json;
	bool quiet;
	bool version;
	const struct render_ops *ops; /* how it is told; NULL: text, or JSON */
	bool no_views;                /* nothing but the recording */
	char **command;               /* behind "--": NULL-terminated, or NULL */
};

extern const struct opt_command trace_command;

#define RECORD_FILE "lgtrace.rec" /* what a recording is called unless it is named */

/* Above what a server at full load pays for requests of 10 us: those are what it is traced for. */
#define BUDGET_PPM 250000

#define TRACE_HZ_AUTO UINT64_MAX

#define THRESHOLD_NS 100000000 /* as --help tells it, in rows.h */

#define TRACE_OPTS_DEFAULT \
	{ \
		.threshold_ns = THRESHOLD_NS, .max_size = 256 << 20, .sample_hz = TRACE_HZ_AUTO, \
		.budget_ppm = BUDGET_PPM \
	}

/* Reads "[INTERVAL [COUNT]]", as vmstat has it; what was not given is left as it was. */
int interval_parse(const struct opt_rest *rest, uint64_t *interval_s, uint64_t *count, struct err *err);

/* Takes over what stands beside the options, and refuses what makes no sense. */
int trace_opts_check(struct trace_opts *o, const struct opt_rest *rest, struct err *err);

/* The part of it that is the same for every command that traces; `usage` begins its command line. */
int trace_opts_check_targets(const struct trace_opts *o, const char *usage, struct err *err);
void trace_opts_fini(struct trace_opts *o);

/* Take the values of their options; `result` begins with a struct trace_opts. */
int trace_take_threshold(const char *value, void *result, struct err *err);
int trace_take_cumulative(const char *value, void *result, struct err *err);
int trace_take_budget(const char *value, void *result, struct err *err);
int trace_take_cause(const char *value, void *result, struct err *err);

/* Traces as the options say. Returns the exit code; says what went wrong in *err. */
int trace_run(const struct trace_opts *opts, struct err *err);

/* Parses, runs, cleans up. Returns the exit code; says what went wrong in *err. */
int trace_main(int argc, char **argv, struct err *err);

#endif
