/* SPDX-License-Identifier: BSD-2-Clause */
/* What is traced, where and how: the first thing that a view shows and a recording holds. */
#ifndef LG_CMD_HEADER_H
#define LG_CMD_HEADER_H

#include "base/buf.h"
#include "cmd/targets.h"
#include "cmd/trace.h"
#include "probe/probe.h"
#include "render/render.h"
#include "source/file_reader.h"
#include "target/kernel.h"

/* What is told of the targets at the start; more may come (children), told by their stalls. */
#define HEADER_MAX_TARGETS 16

struct header_target;

struct header {
	struct render_header told; /* points into the rest */
	struct render_feature features[FILE_INFO_FEATURES];
	struct render_target targets[HEADER_MAX_TARGETS];
	struct header_target *texts; /* of the targets */
	struct buf records;          /* TARGET records of the targets, one behind the other */
	struct kernel kernel;
};

/* Of a run that begins now, or of a recording, which must stay open. NULL: no memory. */
struct header *header_new_live(const struct targets *traced, const struct probe *probe, const struct trace_opts *opts);
struct header *header_new_recorded(struct file_reader *file, const struct trace_opts *opts);
void header_free(struct header *header);

#endif
