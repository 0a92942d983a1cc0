/* SPDX-License-Identifier: BSD-2-Clause */
/* `lgtrace report`: a recording, told as the live run would have been. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/commands.h"
#include "cmd/gates.h"
#include "cmd/replay.h"
#include "cmd/rows.h"
#include "cmd/top_replay.h"
#include "render/chrome.h"
#include "render/folded.h"
#include "render/html.h"
#include "render/pprof.h"

struct report_opts {
	struct trace_opts trace; /* first: the shared rows fill it */
	const char *pprof;       /* files of exports, NULL: none */
	const char *chrome;
	const char *html;
	bool stalls;
	bool folded;
	bool top;
	struct top_look look; /* of the screen of top, */
	double speed;         /* and how much faster than it was */
};

/* A number, with or without an x. */
static int speed_take(const char *value, void *result, struct err *err)
{
	struct report_opts *o = result;
	char *end;

	(void)err;
	o->speed = strtod(value, &end);
	end += *end == 'x';
	return end != value && !*end && o->speed >= 0.1 && o->speed <= 1000 ? 0 : -EINVAL;
}

static const struct opt report_rows[] = {
	{"stalls", 's', NULL, "What to tell", "Tell every stall, before the summary",
	 OPT_FLAG(struct report_opts, stalls)},
	ROW_REQUESTS,
	ROW_THRESHOLD(NULL, "as it was recorded"),
	ROW_CUMULATIVE,
	ROW_EXCLUDE_PATH_OF("as it was recorded"),
	ROW_ROUTE,
	ROW_METHOD,
	ROW_CAUSE,
	ROW_ALL,
	ROW_ID_HEADER("as it was recorded"),
	ROW_ROUTE_PATTERN,
	ROW_FAIL_IF,
	ROW_JUNIT,
	ROW_JSON("How to tell it"),
	ROW_OUTPUT,
	ROW_COLOR,
	ROW_NO_HINTS,
	{"quiet", 'q', NULL, NULL, "Only the summary, in JSON too, and no notes", OPT_FLAG(struct trace_opts, quiet)},
	{"html", 0, "FILE", "Instead of the summary",
	 "Write a page with timeline, flame graph, causes, routes and the worst stalls: one file, which fetches "
	 "nothing",
	 OPT_STRING(struct report_opts, html)},
	{"folded", 0, NULL, NULL,
	 "Print stall time as folded stacks, for flame graphs: loop, cause, route, code and what was waited for, with "
	 "microseconds",
	 OPT_FLAG(struct report_opts, folded)},
	{"pprof", 0, "FILE", NULL, "Write stall time as a profile for pprof", OPT_STRING(struct report_opts, pprof)},
	{"chrome-trace", 0, "FILE", NULL,
	 "Write a timeline of turns, stalls and slow requests, for Perfetto or chrome://tracing",
	 OPT_STRING(struct report_opts, chrome)},
	{"top", 0, NULL, "On the screen of top", "Show it as lgtrace top would have, as it went on",
	 OPT_FLAG(struct report_opts, top)},
	{"speed", 0, "N", NULL, "So many times as fast as it was, 0.1 to 1000", .preset = "1", OPT_CALL(speed_take)},
	TOP_ROW_VIEW(struct report_opts),
	TOP_ROW_SORT(struct report_opts, 0),
	TOP_ROW_FILTER(struct report_opts, 0),
	TOP_ROW_BATCH(struct report_opts,
		      "Print the table as it is at the end; rates and shares are those of the whole recording"),
	TOP_ROW_ASCII(struct report_opts),
	{0},
};

static const char *const usage[] = {"lgtrace report [OPTION]... [FILE]", NULL};

static const char *const description[] = {
	"Shows a recording that lgtrace record or lgtrace --record made (" RECORD_FILE
	" if no FILE is named), with the same summary, lines and JSON as a live run has. It needs no rights and can be "
	"done on another machine.",
	"A recording that was cut short or is damaged is shown up to there, and standard error says so; the exit "
	"status is 0 as long as anything could be read.",
	NULL,
};

static const struct opt_pair examples[] = {
	{"lgtrace report", "the summary of " RECORD_FILE},
	{"lgtrace report --stalls --threshold 20ms night.rec", "every stall from 20 ms on"},
	{"lgtrace report --json --requests night.rec", "for programs"},
	{"lgtrace report --top --speed 10 night.rec", "ten minutes in one, on the screen of lgtrace top"},
	{0},
};

const struct opt_command report_command = {
	.name = "report",
	.summary = "show a recording",
	.usage = usage,
	.description = description,
	.opts = report_rows,
	.examples = examples,
	.max_args = 1,
	.arg = "FILE",
};

static int outputs_open(struct replay *replay, const struct report_opts *o, struct err *err)
{
	const struct {
		const struct render_ops *ops;
		bool is_wanted;
		const char *path;
	} exports[] = {
		{&render_folded, o->folded, o->trace.output},
		{&render_pprof, o->pprof, o->pprof},
		{&render_chrome, o->chrome, o->chrome},
		{&render_html, o->html, o->html},
	};
	struct view *view = &replay->view;
	int64_t offset_ns = file_reader_info(replay->file)->realtime_offset_ns;
	int error = 0;

	for (size_t i = 0; i < sizeof(exports) / sizeof(*exports) && !error; i++)
		if (exports[i].is_wanted)
			error = view_open_export(view, exports[i].ops, exports[i].path, &o->trace, offset_ns, err);
	if (error || view->nr_exports)
		return error;
	error = view_open_output(view, &o->trace, offset_ns, err);
	if (error)
		return error;
	view->has_stalls = o->stalls || (o->trace.json && !o->trace.quiet);
	view->render.no_lines = !view->has_stalls && !view->has_requests;
	return 0;
}

static int report_run(struct report_opts *o, const char *path, struct err *err)
{
	struct replay replay = {};
	int code = EXIT_CODE_FAILED;
	int error = replay_open(&replay, path, &o->trace, err);

	if (!error)
		error = outputs_open(&replay, o, err);
	if (!error)
		error = replay_run(&replay, err);
	if (!error)
		error = replay_sum_up(&replay, err);
	if (!error)
		code = gates_finish(&o->trace, &replay.view, replay.end_ns, err);
	if (!error && o->trace.quiet)
		replay_note_damage(&replay);
	else if (!error)
		replay_notes(&replay, &o->trace);
	replay_close(&replay, err);
	return code;
}

static int opts_check(const struct report_opts *o, struct err *err)
{
	const struct trace_opts *t = &o->trace;
	bool has_more = o->stalls || o->folded || o->pprof || o->chrome || o->html || t->requests || t->json ||
			t->output || t->fail_if.count || t->junit;

	if (o->top && has_more) {
		err_hint(err, "run lgtrace report twice");
		return err_set(err, EXIT_CODE_USAGE, EINVAL, "--top goes with no other view");
	}
	if (!o->top && (o->look.batch || o->look.sort || o->look.filter || o->look.view || o->look.ascii))
		return err_set(err, EXIT_CODE_USAGE, EINVAL,
			       "--batch, --view, --sort, --filter and --ascii are for --top");
	return gates_check_opts(t, err);
}

int report_main(int argc, char **argv, struct err *err)
{
	struct report_opts opts = {.speed = 1};
	struct opt_rest rest = {};
	const char *path;
	int code = EXIT_CODE_OK;
	int parsed = opt_parse(&report_command, argc, argv, &opts, &rest, err);

	path = rest.nr_args ? rest.args[0] : RECORD_FILE;
	if (parsed > 0)
		opt_help(&report_command, stdout);
	else if (parsed < 0 || opts_check(&opts, err))
		code = EXIT_CODE_USAGE;
	else if (opts.top)
		code = top_replay(path, &opts.trace, &opts.look, opts.speed, err);
	else
		code = report_run(&opts, path, err);
	trace_opts_fini(&opts.trace);
	return code;
}
