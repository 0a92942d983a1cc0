/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of `lgtrace`: one table, from which parsing, --help, man page and completion come. */
#include <errno.h>
#include <stdlib.h>

#include "cmd/trace.h"

static const char *const probe_words[] = {"auto", "syscall", "libc", NULL};
static const char *const colour_words[] = {"auto", "always", "never", NULL};

static const struct opt trace_rows[] = {
	{"pid", 'p', "PID", "What to trace",
	 "Trace this process with all its threads; may be given several times or as a list",
	 OPT_LIST(struct trace_opts, pids)},
	{"tid", 't', "TID", NULL, "Trace only this thread", OPT_LIST(struct trace_opts, tids)},
	{"no-follow", 0, NULL, NULL, "Do not trace the threads and child processes that the targets make from now on",
	 OPT_FLAG(struct trace_opts, no_follow)},
	{"probes", 0, "WHERE", NULL,
	 "Where to see reads and writes: syscall (a tracepoint; every process of the host pays a little for each "
	 "system "
	 "call), libc (uprobes in the target's C library; only the target pays) or auto (what costs less here, "
	 "measured)",
	 .preset = "auto", OPT_CHOICE(struct trace_opts, probes, probe_words)},
	{"threshold", 0, "TIME", "What to tell", "Tell stalls at least this long, with a unit: 20ms, 500us, 1.5s",
	 .preset = "100ms", OPT_DURATION(struct trace_opts, threshold_ns)},
	{"requests", 'r', NULL, NULL, "Tell every request too, as it ends", OPT_FLAG(struct trace_opts, requests)},
	{"duration", 'd', "SECONDS", NULL, "Stop after this time", OPT_U64(struct trace_opts, duration_s)},
	{"request-id-header", 0, "NAME", NULL, "The header that names a request", .preset = "X-Request-ID",
	 OPT_STRING(struct trace_opts, id_header)},
	{"route-pattern", 0, "PATTERN", NULL,
	 "Count paths that match as one route, for example /users/{id}/orders or /static/*; may be given several "
	 "times. Other "
	 "paths are folded: numbers, UUIDs and hex become placeholders",
	 OPT_REPEAT(struct trace_opts, route_patterns)},
	{"json", 'j', NULL, "How to tell it", "Print JSON, one object a line", OPT_FLAG(struct trace_opts, json)},
	{"output", 'o', "FILE", NULL, "Write to this file instead of standard output",
	 OPT_STRING(struct trace_opts, output)},
	{"color", 0, "WHEN", NULL, "Colour the output; NO_COLOR is respected", .preset = "auto",
	 OPT_CHOICE(struct trace_opts, colour, colour_words)},
	{"quiet", 'q', NULL, NULL, "No stall lines and no notes, only the summary", OPT_FLAG(struct trace_opts, quiet)},
	{"verbose", 'v', NULL, NULL, "Say more about what is going on, on standard error",
	 OPT_COUNT(struct trace_opts, verbose)},
	{"version", 'V', NULL, NULL, "Print the version and leave", OPT_FLAG(struct trace_opts, version)},
	{0},
};

static const char *const usage[] = {
	"lgtrace -p PID[,PID...] [OPTION]... [INTERVAL [COUNT]]",
	"lgtrace -t TID[,TID...] [OPTION]... [INTERVAL [COUNT]]",
	"lgtrace [OPTION]... -- COMMAND [ARGUMENT]...",
	NULL,
};

static const char *const description[] = {
	"Tells, from outside a running server, what keeps its event loop from looking at its events: how long, why, "
	"whose "
	"request did it and who had to wait. Nothing is injected into the server, and it is not stopped.",
	"Each stall is printed as it ends. A summary follows at the end (Ctrl-C), or every INTERVAL seconds: each loop "
	"with "
	"its utilisation and the lengths of its turns, each route with the time it held the loop and the time it "
	"waited "
	"for others, and the causes.",
	NULL,
};

static const struct opt_pair examples[] = {
	{"lgtrace -p 4711", "watch a server until Ctrl-C"},
	{"lgtrace -p 4711 --threshold 20ms -d 60", "stalls from 20 ms on, for a minute"},
	{"lgtrace -p 4711 --json -o stalls.jsonl", "for programs"},
	{"lgtrace -p 4711 -q 5", "a summary every 5 seconds"},
	{"lgtrace -- node server.js", "start a server and trace it from its first moment"},
	{0},
};

static const struct opt_pair exit_codes[] = {
	{"0", "all went well, also when the target ended"},
	{"1", "something failed; standard error says what"},
	{"2", "the command line is wrong"},
	{"4", "not permitted: it takes root, or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"},
	{"5", "this kernel cannot"},
	{"6", "no such process, or no event loop in it"},
	{0},
};

const struct opt_command trace_command = {
	.name = "lgtrace",
	.summary = "tell what blocks an event loop, and whose request did it",
	.usage = usage,
	.description = description,
	.opts = trace_rows,
	.examples = examples,
	.exit_codes = exit_codes,
	.date = "November 21, 2026",
	.max_args = 2,
	.takes_command = true,
};

static int number_parse(const char *word, const char *what, uint64_t *out, struct err *err)
{
	char *end;

	errno = 0;
	*out = strtoull(word, &end, 10);
	if (!errno && *out && !*end && word[0] != '-')
		return 0;
	err_hint(err, "as in vmstat: lgtrace -p PID 5 10 prints ten summaries, five seconds apart");
	return err_set(err, EXIT_CODE_USAGE, EINVAL, "the %s must be a whole number of seconds, not \"%s\"", what,
		       word);
}

int trace_opts_check(struct trace_opts *o, const struct opt_rest *rest, struct err *err)
{
	int error = 0;

	o->command = rest->command;
	if (rest->nr_args > 0)
		error = number_parse(rest->args[0], "interval", &o->interval_s, err);
	if (!error && rest->nr_args > 1)
		error = number_parse(rest->args[1], "count", &o->count, err);
	if (error)
		return error;
	if (!o->threshold_ns) {
		err_hint(err, "try --threshold 1ms");
		return err_set(err, EXIT_CODE_USAGE, EINVAL, "the threshold must be longer than nothing");
	}
	if (!o->pids.count && !o->tids.count && !o->command) {
		err_hint(err, "lgtrace -p PID, or lgtrace -- COMMAND; lgtrace --help tells more");
		return err_set(err, EXIT_CODE_USAGE, EINVAL, "nothing to trace was named");
	}
	return 0;
}
