/* SPDX-License-Identifier: BSD-2-Clause */
/* `lgtrace diff`: two recordings, before and after. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/replay.h"
#include "cmd/rows.h"
#include "render/compare.h"

static const struct opt diff_rows[] = {
	ROW_THRESHOLD("What to compare", "as A was recorded"),
	ROW_ID_HEADER("as A was recorded"),
	ROW_ROUTE_PATTERN,
	ROW_EXCLUDE_PATH_OF("as A was recorded"),
	ROW_ROUTE,
	ROW_METHOD,
	ROW_CAUSE,
	ROW_ALL,
	ROW_JSON("How to tell it"),
	ROW_OUTPUT,
	ROW_COLOR,
	{0},
};

static const char *const usage[] = {"lgtrace diff [OPTION]... A B", NULL};

static const char *const description[] = {
	"Compares two recordings, A before and B after a change: for each route the time that its stalls took of 1000 "
	"requests, and how long its requests held the loop (median and 99th percentile); for each place in the code "
	"and each cause the stall time in a minute.",
	"A change is told only where it is more than chance. Stall times differ when they are further apart than "
	"twice the standard error of their difference, stalls being taken as independent of each other; for less than "
	"5 stalls in both together it says \"few\". Quantiles differ when their 95 % intervals (by ranks: n*q -/+ "
	"2*sqrt(n*q*(1-q))) do not overlap; a median takes 8 requests on each side, a 99th percentile 396, or it says "
	"\"few\". Among many routes one in twenty may still seem to differ by chance.",
	NULL,
};

static const struct opt_pair examples[] = {
	{"lgtrace diff before.rec after.rec", "did the change help?"},
	{0},
};

const struct opt_command diff_command = {
	.name = "diff",
	.summary = "compare two recordings, before and after",
	.usage = usage,
	.description = description,
	.opts = diff_rows,
	.examples = examples,
	.max_args = 2,
	.arg = "FILE",
};

/* One recording, summed up. */
struct side {
	struct replay replay;
	struct model_summary summary;
};

/* The second side is opened with what the first one left in the options, so that both count the same. */
static int side_read(struct side *side, const char *path, struct trace_opts *opts, struct err *err)
{
	int error = replay_open(&side->replay, path, opts, err);

	if (!error)
		error = replay_run(&side->replay, err);
	if (error)
		return error;
	replay_notes(&side->replay, opts);
	error = model_summary(side->replay.view.model, side->replay.end_ns, &side->summary);
	return error ? err_set(err, EXIT_CODE_FAILED, -error, "cannot sum up %s: %s", path, strerror(-error)) : 0;
}

static struct compare_side side_describe(const struct side *side, const char *path)
{
	const struct file_info *info = file_reader_info(side->replay.file);

	return (struct compare_side){
		.name = path,
		.host = info->host,
		.start_ns = side->summary.start_ns + (uint64_t)info->realtime_offset_ns,
		.summary = &side->summary,
	};
}

static int both_print(const struct trace_opts *opts, struct view *view, const struct compare_side sides[2],
		      struct err *err)
{
	int error = view_open_output(view, opts, 0, err);

	if (error)
		return error;
	view->render.threshold_ns = opts->threshold_ns;
	view->render.is_auto = opts->is_auto;
	error = opts->json ? compare_print_json(&view->render, sides) : compare_print_text(&view->render, sides);
	return error ? err_set(err, EXIT_CODE_FAILED, -error, "cannot compare: %s", strerror(-error)) : 0;
}

static int diff_run(struct trace_opts *opts, const char *const paths[2], struct err *err)
{
	struct compare_side described[2];
	struct side sides[2] = {};
	struct view view = {};
	int error = 0;

	for (int i = 0; i < 2 && !error; i++)
		error = side_read(&sides[i], paths[i], opts, err);
	for (int i = 0; i < 2 && !error; i++)
		described[i] = side_describe(&sides[i], paths[i]);
	if (!error)
		error = both_print(opts, &view, described, err);
	view_close(&view, err);
	for (int i = 0; i < 2; i++) {
		model_summary_fini(&sides[i].summary);
		replay_close(&sides[i].replay, err);
	}
	return error ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

int diff_main(int argc, char **argv, struct err *err)
{
	struct trace_opts opts = {};
	struct opt_rest rest = {};
	int code = EXIT_CODE_OK;
	int parsed = opt_parse(&diff_command, argc, argv, &opts, &rest, err);

	if (parsed > 0) {
		opt_help(&diff_command, stdout);
	} else if (parsed < 0) {
		code = EXIT_CODE_USAGE;
	} else if (rest.nr_args != 2) {
		err_hint(err, "lgtrace diff before.rec after.rec");
		err_set(err, EXIT_CODE_USAGE, EINVAL, "it takes two recordings");
		code = EXIT_CODE_USAGE;
	} else {
		code = diff_run(&opts, rest.args, err);
	}
	trace_opts_fini(&opts);
	return code;
}
