/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of option tables that several commands share, so that an option means and says the same everywhere. All fill
 * struct trace_opts: the result struct of a command begins with one. GROUP is the heading over a row, or NULL.
 */
#ifndef LG_ROWS_H
#define LG_ROWS_H

#include "base/opt.h"
#include "cmd/trace.h"

extern const char *const rows_probe_words[];
extern const char *const rows_colour_words[];
extern const char *const rows_stack_words[];
extern const char *const rows_cause_words[];

/* clang-format off */
#define ROW_PID(group) \
	{"pid", 'p', "PID", group, "Trace this process with all its threads; may be given several times or as a list", \
	 OPT_LIST(struct trace_opts, pids)}
#define ROW_TID \
	{"tid", 't', "TID", NULL, "Trace only this thread", OPT_LIST(struct trace_opts, tids)}
#define ROW_NO_FOLLOW \
	{"no-follow", 0, NULL, NULL, \
	 "Do not trace the threads and child processes that the targets make from now on", \
	 OPT_FLAG(struct trace_opts, no_follow)}
#define ROW_PROBES \
	{"probes", 0, "WHERE", NULL, \
	 "Where to see reads and writes: syscall (a tracepoint; every process of the host pays a little for each " \
	 "system call), libc (uprobes in the target's C library; only the target pays) or auto (what costs less " \
	 "here, measured)", \
	 .preset = "auto", OPT_CHOICE(struct trace_opts, probes, rows_probe_words)}
#define ROW_THRESHOLD(group, by_default) \
	{"threshold", 0, "TIME", group, \
	 "Tell stalls at least this long, with a unit: 20ms, 500us, 1.5s. Or auto: each loop has its own, 8 times the " \
	 "90th percentile of its healthy turns of late (half their weight is gone after 30 s), at least 10ms and at " \
	 "most 1s; a turn over the threshold is not healthy. It begins with 100ms, until 50 turns below 20ms were seen", \
	 .preset = by_default, OPT_CALL(trace_take_threshold)}
#define ROW_CUMULATIVE \
	{"cumulative", 0, "SUM/WINDOW", NULL, \
	 "Tell also when runs of 1ms and more, which are no stalls by themselves, add up to SUM within WINDOW on one " \
	 "loop, with the routes and the places in the code that made it: 200ms/1s. Time that a run waited for a CPU is " \
	 "not in the sum. Then it counts from zero again", \
	 OPT_CALL(trace_take_cumulative)}
#define ROW_EXCLUDE_PATH_OF(by_default) \
	{"exclude-path", 0, "GLOB", NULL, \
	 "Leave out requests for paths that match, and the stalls that they make; may be given several times, and " \
	 "replaces the default. Give '' to leave out none", \
	 .preset = by_default, OPT_REPEAT(struct trace_opts, exclude_paths)}
#define ROW_EXCLUDE_PATH ROW_EXCLUDE_PATH_OF("/health /healthz /ready /metrics")
#define ROW_ROUTE \
	{"route", 0, "GLOB", NULL, "Only requests whose route or path matches, and stalls that they make", \
	 OPT_REPEAT(struct trace_opts, routes)}
#define ROW_METHOD \
	{"method", 0, "METHOD", NULL, "Only requests with this method, and stalls that they make", \
	 OPT_LIST(struct trace_opts, methods)}
#define ROW_CAUSE \
	{"cause", 0, "CAUSE", NULL, "Only stalls with this cause or detail, as the summary names it; may be a list", \
	 .choices = rows_cause_words, OPT_CALL(trace_take_cause)}
#define ROW_ALL \
	{"all", 'a', NULL, NULL, \
	 "Leave out nothing: neither what was left out when it was recorded, nor the default of --exclude-path", \
	 OPT_FLAG(struct trace_opts, all)}
#define ROW_STACK \
	{"stack", 0, "WHICH", NULL, \
	 "Where in the code a stall was: frames of its own code (user), of the kernel below it, of both (user,kernel), " \
	 "or none", \
	 .preset = "user", OPT_CHOICE(struct trace_opts, stack, rows_stack_words)}
#define ROW_MAX_FRAMES \
	{"max-frames", 0, "N", NULL, "Tell at most this many frames of a stack, from the innermost one on; 0: all", \
	 .preset = "0", OPT_U64(struct trace_opts, max_frames)}
#define ROW_FREQUENCY \
	{"frequency", 'F', "HZ", NULL, \
	 "Look this often in a second of CPU time: how fine owners are told apart, and the shortest stall on the CPU " \
	 "of which a stack is sure to be had. Unless it is given, thresholds of 20 ticks of the kernel's clock or more " \
	 "(80 ms, mostly) go by these ticks, which cost nothing", \
	 .preset = "500", OPT_U64(struct trace_opts, sample_hz)}
#define ROW_BUDGET \
	{"budget", 0, "PERCENT", NULL, \
	 "What tracing may cost, or none: a share of the CPU time that the traced processes use, or of one CPU where that " \
	 "is more. Over it, lgtrace leaves out, one after the other and until there is room again: stacks; samples of " \
	 "whose code runs; requests, so that stalls are told by connection; reads and writes, so that they " \
	 "are told without an owner. It says so", \
	 .preset = "25%", OPT_CALL(trace_take_budget)}
#define ROW_REQUESTS \
	{"requests", 'r', NULL, NULL, "Tell every request too, as it ends", OPT_FLAG(struct trace_opts, requests)}
#define ROW_NO_HINTS \
	{"no-hints", 0, NULL, NULL, "No advice below stalls and causes", OPT_FLAG(struct trace_opts, no_hints)}
#define ROW_DURATION \
	{"duration", 'd', "SECONDS", NULL, "Stop after this time", OPT_U64(struct trace_opts, duration_s)}
#define ROW_ID_HEADER(by_default) \
	{"request-id-header", 0, "NAME", NULL, "The header that names a request", .preset = by_default, \
	 OPT_STRING(struct trace_opts, id_header)}
#define ROW_ROUTE_PATTERN \
	{"route-pattern", 0, "PATTERN", NULL, \
	 "Count paths that match as one route, for example /users/{id}/orders or /static/*; may be given several " \
	 "times. Other paths are folded: numbers, UUIDs and hex become placeholders", \
	 OPT_REPEAT(struct trace_opts, route_patterns)}
#define ROW_JSON(group) \
	{"json", 'j', NULL, group, "Print JSON, one object a line", OPT_FLAG(struct trace_opts, json)}
#define ROW_OUTPUT \
	{"output", 'o', "FILE", NULL, "Write to this file instead of standard output", \
	 OPT_STRING(struct trace_opts, output)}
#define ROW_COLOR \
	{"color", 0, "WHEN", NULL, "Colour the output; NO_COLOR is respected", .preset = "auto", \
	 OPT_CHOICE(struct trace_opts, colour, rows_colour_words)}
#define ROW_FAIL_IF \
	{"fail-if", 0, "CONDITION", "To pass or fail", \
	 "Exit with 3 if it holds at the end, for load tests and CI: p99>50ms, stalls>0; may be given several times. " \
	 "Metrics: p50 p90 p99 max (turns, of the worst loop), utilisation, stalls, stalled, cumulative, hold_p99 " \
	 "hold_max delay_p99 delay_max duration_p99 duration_max (of the worst route), requests, turns, lost. A run " \
	 "without a turn or without a request fails too, unless there is a condition on turns or requests", \
	 OPT_REPEAT(struct trace_opts, fail_if)}
#define ROW_JUNIT \
	{"junit", 0, "FILE", NULL, "Write the outcome of --fail-if to this file too, as a JUnit report", \
	 OPT_STRING(struct trace_opts, junit)}
#define ROW_MAX_SIZE \
	{"max-size", 0, "SIZE", NULL, \
	 "Keep the recording below this size: 2M, 100M, 1G. When it is reached, what is oldest gives way", \
	 .preset = "256M", OPT_SIZE(struct trace_opts, max_size)}
#define ROW_VERBOSE \
	{"verbose", 'v', NULL, NULL, "Say more about what is going on, on standard error", \
	 OPT_COUNT(struct trace_opts, verbose)}
/* clang-format on */

#endif
