/* SPDX-License-Identifier: BSD-2-Clause */
/* What the model says goes to every render. */
#include "cmd/view.h"

#include <errno.h>
#include <string.h>

#include "source/file.h"

static void on_stall(void *arg, const struct model_stall *stall)
{
	struct view *view = arg;

	if (view->has_stalls)
		render_stall(&view->render, stall);
	for (unsigned i = 0; i < view->nr_exports; i++)
		render_stall(&view->exports[i], stall);
}

static void on_stuck(void *arg, const struct model_stuck *stuck)
{
	struct view *view = arg;

	if (view->has_stalls)
		render_stuck(&view->render, stuck);
	for (unsigned i = 0; i < view->nr_exports; i++)
		render_stuck(&view->exports[i], stuck);
}

static void on_request(void *arg, const struct model_done *done)
{
	struct view *view = arg;

	if (view->has_requests)
		render_request(&view->render, done);
	for (unsigned i = 0; i < view->nr_exports; i++)
		render_request(&view->exports[i], done);
}

static void on_cumulative(void *arg, const struct model_cumulative *sum)
{
	struct view *view = arg;

	if (view->has_stalls)
		render_cumulative(&view->render, sum);
	for (unsigned i = 0; i < view->nr_exports; i++)
		render_cumulative(&view->exports[i], sum);
}

static void on_budget(void *arg, const struct model_budget *budget)
{
	struct view *view = arg;

	if (view->has_stalls)
		render_budget(&view->render, budget);
	for (unsigned i = 0; i < view->nr_exports; i++)
		render_budget(&view->exports[i], budget);
}

/* What answers to monitors says little about a service; an empty option takes these off. */
static const char *const exclude_default[] = {"/health", "/healthz", "/ready", "/metrics", NULL};

static const char *const *strings(const struct opt_list *list)
{
	return (const char *const *)list->items;
}

static void filter_init(struct model_filter *f, const struct trace_opts *opts)
{
	*f = (struct model_filter){
		.exclude_paths =
			opts->exclude_paths.count || opts->all ? strings(&opts->exclude_paths) : exclude_default,
		.routes = strings(&opts->routes),
		.methods = strings(&opts->methods),
		.causes = opts->causes,
		.details = opts->details,
	};
}

int view_open_model(struct view *view, const struct trace_opts *opts, struct err *err)
{
	struct model_opts model_opts = {
		.threshold_ns = opts->threshold_ns,
		.is_auto = opts->is_auto,
		.cumulative_ns = opts->cumulative_ns,
		.cumulative_window_ns = opts->cumulative_window_ns,
		.filter = &view->filter,
		.id_header = opts->id_header,
		.route_patterns = strings(&opts->route_patterns),
	};
	struct model_sink sink = {
		.arg = view,
		.stall = on_stall,
		.stuck = on_stuck,
		.request = on_request,
		.cumulative = on_cumulative,
		.budget = on_budget,
	};

	filter_init(&view->filter, opts);
	return model_new(&view->model, &model_opts, view->sink ? view->sink : &sink, err);
}

/* A recording is not taken for an old output: who writes `report -o FILE` may have meant to read it. */
static FILE *file_open(const char *path, struct err *err)
{
	FILE *out;

	if (path && file_is_recording(path)) {
		err_hint(err, "remove it first, or name another file; lgtrace report FILE reads one");
		err_set(err, EXIT_CODE_USAGE, EEXIST, "%s is a recording: it would be lost", path);
		return NULL;
	}
	out = path ? fopen(path, "we") : stdout;
	if (!out)
		err_set(err, EXIT_CODE_FAILED, errno, "cannot write to %s: %s", path, strerror(errno));
	return out;
}

int view_open_output(struct view *view, const struct trace_opts *opts, int64_t realtime_offset_ns, struct err *err)
{
	FILE *out = file_open(opts->output, err);

	if (!out)
		return -EIO;
	view->render = (struct render){
		.ops = opts->ops    ? opts->ops
		       : opts->json ? &render_json
				    : &render_text,
		.out = out,
		.realtime_offset_ns = realtime_offset_ns,
		.no_hints = opts->no_hints,
	};
	text_style_init(&view->render.style, opts->colour, fileno(out));
	view->has_stalls = !opts->quiet;
	view->has_requests = opts->requests;
	return 0;
}

int view_open_export(struct view *view, const struct render_ops *ops, const char *path, const struct trace_opts *opts,
		     int64_t realtime_offset_ns, struct err *err)
{
	FILE *out = file_open(path, err);

	if (!out)
		return -EIO;
	view->exports[view->nr_exports++] = (struct render){
		.ops = ops, .out = out, .realtime_offset_ns = realtime_offset_ns, .no_hints = opts->no_hints};
	return 0;
}

/* What stdio still holds is written now, if the disk takes it. */
static void render_close(struct render *r, struct err *err)
{
	if (!r->out)
		return;
	if (r->ops->end)
		r->ops->end(r);
	render_flush(r);
	if (r->out != stdout && fclose(r->out) && !r->error)
		r->error = -errno;
	if (r->error && r->error != -EPIPE && err)
		err_set(err, EXIT_CODE_FAILED, -r->error, "cannot write the output: %s", strerror(-r->error));
}

void view_close(struct view *view, struct err *err)
{
	model_free(view->model);
	render_close(&view->render, err);
	for (unsigned i = 0; i < view->nr_exports; i++)
		render_close(&view->exports[i], err);
}

/* The time of day was read again: what is told from now on is told in it. */
static void clock_set(struct view *view, const struct lg_rec_clock *rec)
{
	view->render.realtime_offset_ns = rec->realtime_offset_ns;
	for (unsigned i = 0; i < view->nr_exports; i++)
		view->exports[i].realtime_offset_ns = rec->realtime_offset_ns;
}

void view_begin(struct view *view, const struct render_header *header)
{
	if (view->render.ops)
		render_begin(&view->render, header);
	for (unsigned i = 0; i < view->nr_exports; i++)
		render_begin(&view->exports[i], header);
}

void view_feed(struct view *view, const struct lg_head *rec)
{
	if (rec->kind == LG_REC_CLOCK)
		clock_set(view, (const void *)rec);
	for (unsigned i = 0; i < view->nr_exports; i++)
		render_record(&view->exports[i], rec);
	if (view->model)
		model_feed(view->model, rec);
}

void view_flush_model(struct view *view)
{
	if (view->model)
		model_flush(view->model);
}

int view_summary(struct view *view, uint64_t now_ns)
{
	struct model_summary summary;
	int error = view->model ? model_summary(view->model, now_ns, &summary) : 0;

	if (error || !view->model)
		return error;
	if (view->render.ops)
		render_summary(&view->render, &summary);
	for (unsigned i = 0; i < view->nr_exports; i++)
		render_summary(&view->exports[i], &summary);
	model_summary_fini(&summary);
	return 0;
}

int view_restart(struct view *view, uint64_t now_ns)
{
	return view->model ? model_restart(view->model, now_ns) : 0;
}

int view_flush(struct view *view)
{
	return view->render.ops ? render_flush(&view->render) : 0;
}
