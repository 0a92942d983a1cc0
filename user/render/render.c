/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame around every view: keeps the first write error, and the state that lines share.
 *
 * stdio forgets why a write failed once another call has set errno, so each call here looks at once.
 */
#include "render/render.h"

#include <errno.h>

#include "render/budget.h"
#include "render/line.h"
#include "render/summary.h"

const struct render_ops render_text = {
	.begin = line_begin,
	.stall = line_stall,
	.stuck = line_stuck,
	.request = line_request,
	.cumulative = line_cumulative,
	.budget = budget_line,
	.summary = summary_print,
};

/* True when the output may be written to; then errno tells what happens from now on. */
static bool is_open(const struct render *r)
{
	errno = 0;
	return !r->error;
}

static void note_error(struct render *r)
{
	if (!r->error && ferror(r->out))
		r->error = errno ? -errno : -EIO;
}

/* A second loop among the lines: from now on each line names its own. */
static void note_loop(struct render *r, uint32_t tid)
{
	if (!r->first_tid)
		r->first_tid = tid;
	if (r->first_tid != tid)
		r->many_loops = true;
}

void render_begin(struct render *r, const struct render_header *header)
{
	r->threshold_ns = header->threshold_ns;
	r->is_auto = header->is_auto;
	if (header->nr_targets > 1)
		r->many_loops = true;
	if (!is_open(r) || !r->ops->begin)
		return;
	r->ops->begin(r, header);
	note_error(r);
}

void render_record(struct render *r, const struct lg_head *rec)
{
	if (!is_open(r) || !r->ops->record)
		return;
	r->ops->record(r, rec);
	note_error(r);
}

void render_stall(struct render *r, const struct model_stall *stall)
{
	if (!is_open(r) || !r->ops->stall)
		return;
	note_loop(r, stall->tid);
	r->ops->stall(r, stall);
	note_error(r);
}

void render_stuck(struct render *r, const struct model_stuck *stuck)
{
	if (!is_open(r) || !r->ops->stuck)
		return;
	note_loop(r, stuck->tid);
	r->ops->stuck(r, stuck);
	note_error(r);
}

void render_request(struct render *r, const struct model_done *done)
{
	if (!is_open(r) || !r->ops->request)
		return;
	note_loop(r, done->tid);
	r->ops->request(r, done);
	note_error(r);
}

void render_cumulative(struct render *r, const struct model_cumulative *sum)
{
	if (!is_open(r) || !r->ops->cumulative)
		return;
	note_loop(r, sum->tid);
	r->ops->cumulative(r, sum);
	note_error(r);
}

void render_budget(struct render *r, const struct model_budget *budget)
{
	if (!is_open(r) || !r->ops->budget)
		return;
	r->ops->budget(r, budget);
	note_error(r);
}

void render_summary(struct render *r, const struct model_summary *summary)
{
	if (!is_open(r) || !r->ops->summary)
		return;
	r->ops->summary(r, summary);
	note_error(r);
}

int render_flush(struct render *r)
{
	if (is_open(r)) {
		fflush(r->out);
		note_error(r);
	}
	return r->error;
}
