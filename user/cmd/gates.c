/* SPDX-License-Identifier: BSD-2-Clause */
/* From the options to the exit code. */
#include "cmd/gates.h"

#include <errno.h>
#include <string.h>

#include "render/gates.h"

int gates_check_opts(const struct trace_opts *opts, struct err *err)
{
	struct gates gates;

	if (opts->junit && !opts->fail_if.count) {
		err_hint(err, "add --fail-if 'stalls>0' or another condition");
		return err_set(err, EXIT_CODE_USAGE, EINVAL, "--junit without a --fail-if has nothing to tell");
	}
	if (opts->fail_if.count && opts->interval_s) {
		err_hint(err, "leave the interval off; -d SECONDS ends the run");
		return err_set(err, EXIT_CODE_USAGE, EINVAL, "--fail-if looks at the whole run, not at intervals");
	}
	return gates_parse(&gates, (const char *const *)opts->fail_if.items, err);
}

static int junit_write(const char *path, const struct gate_result *results, unsigned nr, uint64_t elapsed_ns,
		       struct err *err)
{
	FILE *out = fopen(path, "we");
	bool is_whole;

	if (out) {
		gates_print_junit(out, results, nr, elapsed_ns);
		is_whole = !ferror(out);
		if (!fclose(out) && is_whole)
			return EXIT_CODE_OK;
	}
	err_set(err, EXIT_CODE_FAILED, errno, "cannot write to %s: %s", path, strerror(errno));
	return EXIT_CODE_FAILED;
}

static int results_tell(const struct trace_opts *opts, struct view *view, const struct gates *gates,
			const struct model_summary *summary, struct err *err)
{
	struct gate_result results[GATES_MAX];
	unsigned tripped = 0;
	int code = EXIT_CODE_OK;

	for (unsigned i = 0; i < gates->nr; i++) {
		gate_check(&results[i], &gates->v[i], summary);
		tripped += results[i].has_tripped;
	}
	if (view->render.out && opts->json)
		gates_print_json(view->render.out, results, gates->nr);
	else if (view->render.out)
		gates_print(view->render.out, &view->render.style, results, gates->nr);
	if (opts->junit)
		code = junit_write(opts->junit, results, gates->nr, summary->end_ns - summary->start_ns, err);
	if (code)
		return code;
	return tripped ? EXIT_CODE_GATE : EXIT_CODE_OK;
}

int gates_finish(const struct trace_opts *opts, struct view *view, uint64_t now_ns, struct err *err)
{
	struct model_summary summary;
	struct gates gates;
	int code;

	if (!opts->fail_if.count || !view->model)
		return EXIT_CODE_OK;
	if (gates_parse(&gates, (const char *const *)opts->fail_if.items, err))
		return EXIT_CODE_USAGE;
	if (model_summary(view->model, now_ns, &summary)) {
		err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
		return EXIT_CODE_FAILED;
	}
	code = results_tell(opts, view, &gates, &summary, err);
	model_summary_fini(&summary);
	view_flush(view);
	return code;
}
