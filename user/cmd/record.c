/* SPDX-License-Identifier: BSD-2-Clause */
/* `lgtrace record`: what lgtrace sees goes into a file, to be looked at later and elsewhere. */
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/rows.h"

static const struct opt record_rows[] = {
	ROW_PID("What to trace"),
	ROW_TID,
	ROW_NO_FOLLOW,
	ROW_PROBES,
	{"output", 'o', "FILE", "What to keep", "The recording", .preset = RECORD_FILE,
	 OPT_STRING(struct trace_opts, record)},
	ROW_STACK,
	ROW_FREQUENCY,
	ROW_BUDGET,
	ROW_MAX_SIZE,
	ROW_DURATION,
	{"quiet", 'q', NULL, NULL, "No notes", OPT_FLAG(struct trace_opts, quiet)},
	ROW_VERBOSE,
	ROW_THRESHOLD("What lgtrace report does unless it is told otherwise", "100ms"),
	ROW_CUMULATIVE,
	ROW_EXCLUDE_PATH,
	ROW_ROUTE,
	ROW_METHOD,
	ROW_CAUSE,
	ROW_ID_HEADER("X-Request-ID"),
	ROW_ROUTE_PATTERN,
	{0},
};

static const char *const usage[] = {
	"lgtrace record -p PID[,PID...] [OPTION]...",
	"lgtrace record [OPTION]... -- COMMAND [ARGUMENT]...",
	NULL,
};

static const char *const description[] = {
	"Records what lgtrace sees of a server, until Ctrl-C. lgtrace report then shows it as a live run would have: "
	"everything that is needed from this machine is in the file.",
	"Everything that was seen is in the file, whatever report is to leave out.",
	"The file may hold what requests carry in their heads, such as cookies and tokens; only its owner can read "
	"it. It is a ring: once it has its largest size, the newest part remains. If lgtrace is killed or the disk is "
	"full, what was written until a second before can be read.",
	NULL,
};

static const struct opt_pair examples[] = {
	{"lgtrace record -p 4711 -d 60", "record a minute of a server"},
	{"lgtrace record -p 4711 --max-size 1G -o /var/tmp/night.rec", "leave it on over night"},
	{0},
};

const struct opt_command record_command = {
	.name = "record",
	.summary = "record now, to look at it later",
	.usage = usage,
	.description = description,
	.opts = record_rows,
	.examples = examples,
	.takes_command = true,
};

int record_main(int argc, char **argv, struct err *err)
{
	struct trace_opts opts = TRACE_OPTS_DEFAULT;
	struct opt_rest rest = {};
	int code = EXIT_CODE_OK, parsed;

	opts.record = RECORD_FILE;
	opts.no_views = true;
	parsed = opt_parse(&record_command, argc, argv, &opts, &rest, err);
	opts.command = rest.command;
	if (parsed > 0)
		opt_help(&record_command, stdout);
	else if (parsed < 0 || trace_opts_check_targets(&opts, "lgtrace record", err))
		code = EXIT_CODE_USAGE;
	else
		code = trace_run(&opts, err);
	trace_opts_fini(&opts);
	return code;
}
