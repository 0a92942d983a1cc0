/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From records to what is told of them: the model, and the renders that it feeds. The same for a live run and for a
 * recording, which is why both say the same of the same records.
 */
#ifndef LG_VIEW_H
#define LG_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cmd/trace.h"
#include "model/model.h"
#include "render/render.h"

#define VIEW_EXPORTS 4

/* All zero: nothing is told of what is fed. */
struct view {
	struct model *model;
	struct model_filter filter;    /* of the model; its lists are the options' */
	const struct model_sink *sink; /* who is told instead of the renders; NULL: they are */
	struct render render;          /* lines and summary; without ops: none */
	bool has_stalls;               /* `render` tells stalls, */
	bool has_requests;             /* and requests */
	struct render exports[VIEW_EXPORTS];
	unsigned nr_exports;
};

/* The model, with threshold and names as the options say. */
int view_open_model(struct view *view, const struct trace_opts *opts, struct err *err);
/* Lines and summary, to the output that the options name. */
int view_open_output(struct view *view, const struct trace_opts *opts, int64_t realtime_offset_ns, struct err *err);
/* One more render, onto `path`, NULL: standard output. */
int view_open_export(struct view *view, const struct render_ops *ops, const char *path, const struct trace_opts *opts,
		     int64_t realtime_offset_ns, struct err *err);
/* Safe on a view that was opened only in part. A file that could not be closed whole is told in *err, if not NULL. */
void view_close(struct view *view, struct err *err);

void view_begin(struct view *view, const struct render_header *header);
void view_feed(struct view *view, const struct lg_head *rec);
/* The stream is over. */
void view_flush_model(struct view *view);
/* 0 or -ENOMEM. */
int view_summary(struct view *view, uint64_t now_ns);
int view_restart(struct view *view, uint64_t now_ns);
/* Hands the lines to the kernel: 0 or the -errno of the first write that failed. */
int view_flush(struct view *view);

#endif
