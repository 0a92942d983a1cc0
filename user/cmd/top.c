/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of `lgtrace top`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "cmd/commands.h"
#include "cmd/rows.h"
#include "cmd/top.h"

#define MAX_DELAY_S 3600

/* Seconds, as in top(1), or a length with its unit. */
static int delay_take(const char *value, void *result, struct err *err)
{
	struct top_opts *o = result;
	char *end;
	double seconds = strtod(value, &end);

	(void)err;
	if (end != value && !*end && seconds >= 0.1 && seconds <= MAX_DELAY_S) {
		o->delay_ns = (uint64_t)(seconds * 1e9);
		return 0;
	}
	if (units_parse_duration(value, &o->delay_ns) || o->delay_ns < 100000000)
		return -EINVAL;
	return 0;
}

static const struct opt top_rows[] = {
	ROW_PID("What to watch"),
	{"cgroup", 'c', "PATH", NULL,
	 "Watch the processes of this control group and of those below it: a directory, or a path below /sys/fs/cgroup",
	 OPT_STRING(struct top_opts, cgroup)},
	ROW_PROBES,
	ROW_BUDGET,
	ROW_THRESHOLD(NULL, "100ms"),
	ROW_EXCLUDE_PATH,
	ROW_ROUTE,
	ROW_METHOD,
	ROW_CAUSE,
	ROW_ID_HEADER("X-Request-ID"),
	ROW_ROUTE_PATTERN,
	{"delay", 'd', "SECONDS", "How to show it", "Refresh after so many seconds, 0.1 at least", .preset = "1",
	 OPT_CALL(delay_take)},
	TOP_ROW_VIEW(struct top_opts),
	TOP_ROW_SORT(struct top_opts, 's'),
	TOP_ROW_FILTER(struct top_opts, 'f'),
	TOP_ROW_BATCH(struct top_opts, "Print the table at each refresh instead of drawing on the terminal"),
	{"iterations", 'n', "N", NULL, "Stop after so many refreshes", OPT_U64(struct top_opts, iterations)},
	TOP_ROW_ASCII(struct top_opts),
	ROW_COLOR,
	ROW_NO_HINTS,
	{0},
};

static const char *const usage[] = {"lgtrace top [-p PID[,PID...] | -c CGROUP] [OPTION]...", NULL};

static const char *const description[] = {
	"Shows the event loops of this host, or those of some processes, as they are now: how busy, how long their "
	"turns are, which stall, why, and through which route. A loop whose turn does not end is shown as STUCK while "
	"it lasts: on what, for whom, and who waits. Enter opens one loop: its last minute, its stalls with culprits "
	"and victims, the requests in flight, its routes and its turns; or one stall with all that is known of it. "
	"? tells the keys.",
	"Without -p or -c it finds the loops by a look at the scheduler at the start, and those that come later within "
	"seconds.",
	NULL,
};

static const struct opt_pair examples[] = {
	{"lgtrace top", "every event loop of this host"},
	{"lgtrace top -c system.slice/shop.service", "those of one service"},
	{"lgtrace top -b -n 1 -s P99", "one table, for a report"},
	{0},
};

const struct opt_command top_command = {
	.name = "top",
	.summary = "show loops, routes and stalls live on the whole screen",
	.usage = usage,
	.description = description,
	.opts = top_rows,
	.examples = examples,
};

int top_main(int argc, char **argv, struct err *err)
{
	struct top_opts opts = {.trace = TRACE_OPTS_DEFAULT, .delay_ns = NS_PER_S};
	struct opt_rest rest;
	int code = EXIT_CODE_USAGE;
	int parsed = opt_parse(&top_command, argc, argv, &opts, &rest, err);

	opts.trace.quiet = true;
	if (parsed > 0) {
		opt_help(&top_command, stdout);
		code = EXIT_CODE_OK;
	} else if (!parsed && opts.cgroup && opts.trace.pids.count) {
		err_set(err, EXIT_CODE_USAGE, EINVAL, "--pid and --cgroup do not go together");
	} else if (!parsed && !opts.trace.threshold_ns) {
		err_set(err, EXIT_CODE_USAGE, EINVAL, "the threshold must be longer than nothing");
	} else if (!parsed) {
		code = top_run(&opts, err);
	}
	trace_opts_fini(&opts.trace);
	return code;
}
