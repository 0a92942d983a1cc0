/* SPDX-License-Identifier: BSD-2-Clause */
/* `lgtrace stat` and `lgtrace hist`: a trace whose summaries are columns, or histograms, in the form of vmstat. */
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/rows.h"
#include "render/stat.h"

struct stat_opts {
	struct trace_opts trace; /* first: the shared rows fill it */
	unsigned of;             /* enum stat_hist */
};

static const struct opt stat_rows[] = {
	ROW_PID("What to trace"),
	ROW_TID,
	ROW_NO_FOLLOW,
	ROW_PROBES,
	ROW_BUDGET,
	ROW_THRESHOLD("What to tell", "100ms"),
	ROW_EXCLUDE_PATH,
	ROW_ROUTE,
	ROW_METHOD,
	ROW_CAUSE,
	ROW_JSON("How to tell it"),
	ROW_OUTPUT,
	ROW_COLOR,
	{0},
};

static const char *const hist_of_words[] = {"turns", "hold", "delay", "duration", NULL};

static const struct opt hist_rows[] = {
	ROW_PID("What to trace"),
	ROW_TID,
	ROW_NO_FOLLOW,
	ROW_PROBES,
	ROW_BUDGET,
	{"of", 0, "WHAT", "What to tell",
	 "Lengths of what: turns of each loop; of each route's requests the time they held the loop (hold), waited for "
	 "others (delay), or took in all (duration)",
	 .preset = "turns", OPT_CHOICE(struct stat_opts, of, hist_of_words)},
	ROW_DURATION,
	ROW_ROUTE_PATTERN,
	ROW_EXCLUDE_PATH,
	ROW_ROUTE,
	ROW_METHOD,
	ROW_JSON("How to tell it"),
	ROW_OUTPUT,
	ROW_COLOR,
	{0},
};

static const char *const stat_usage[] = {"lgtrace stat -p PID[,PID...] [OPTION]... [INTERVAL [COUNT]]", NULL};
static const char *const hist_usage[] = {"lgtrace hist -p PID[,PID...] [OPTION]... [INTERVAL [COUNT]]", NULL};

static const char *const stat_description[] = {
	"Prints a line for each loop every INTERVAL seconds (1 unless given), COUNT times or until Ctrl-C: the share "
	"of the interval in which the loop was busy, turns and requests a second, the lengths of turns, and the "
	"stalls. Each line is of its interval alone.",
	NULL,
};

static const char *const hist_description[] = {
	"Prints histograms at the end (Ctrl-C), or every INTERVAL seconds, each of its interval alone.",
	NULL,
};

static const struct opt_pair stat_examples[] = {
	{"lgtrace stat -p 4711", "every second"},
	{"lgtrace stat -p 4711 -j 10 6", "a minute in steps of ten seconds, for programs"},
	{0},
};

static const struct opt_pair hist_examples[] = {
	{"lgtrace hist -p 4711 -d 10", "how long the turns of ten seconds were"},
	{"lgtrace hist -p 4711 --of delay 5", "how long requests waited for others, every five seconds"},
	{0},
};

const struct opt_command stat_command = {
	.name = "stat",
	.summary = "print a line of figures for each loop every second",
	.usage = stat_usage,
	.description = stat_description,
	.opts = stat_rows,
	.examples = stat_examples,
	.max_args = 2,
};

const struct opt_command hist_command = {
	.name = "hist",
	.summary = "print histograms of turns, or of the requests of each route",
	.usage = hist_usage,
	.description = hist_description,
	.opts = hist_rows,
	.examples = hist_examples,
	.max_args = 2,
};

static int run(struct stat_opts *o, bool is_hist, const struct opt_rest *rest, struct err *err)
{
	const struct render_ops *text = is_hist ? &render_hist[o->of] : &render_stat;
	const struct render_ops *json = is_hist ? &render_hist_json[o->of] : &render_stat_json;

	if (!is_hist)
		o->trace.interval_s = 1;
	o->trace.quiet = true;
	o->trace.ops = o->trace.json ? json : text;
	if (trace_opts_check(&o->trace, rest, err))
		return EXIT_CODE_USAGE;
	return trace_run(&o->trace, err);
}

static int command_main(const struct opt_command *command, int argc, char **argv, struct err *err)
{
	struct stat_opts opts = {.trace = TRACE_OPTS_DEFAULT};
	struct opt_rest rest = {};
	int code = EXIT_CODE_OK;
	int parsed = opt_parse(command, argc, argv, &opts, &rest, err);

	if (parsed > 0)
		opt_help(command, stdout);
	else if (parsed < 0)
		code = EXIT_CODE_USAGE;
	else
		code = run(&opts, command == &hist_command, &rest, err);
	trace_opts_fini(&opts.trace);
	return code;
}

int stat_main(int argc, char **argv, struct err *err)
{
	return command_main(&stat_command, argc, argv, err);
}

int hist_main(int argc, char **argv, struct err *err)
{
	return command_main(&hist_command, argc, argv, err);
}
