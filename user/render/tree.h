/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All stalls of a run as one flame: what the views are fed with that draw one. Their render_ops take these four as they
 * are, and have a summary of their own; the tree is r->state.
 */
#ifndef LG_RENDER_TREE_H
#define LG_RENDER_TREE_H

#include "render/flame.h"
#include "render/render.h"
#include "render/trail.h"

struct tree {
	struct trail_guide guide;
	struct flame flame;
	struct trail trail; /* of the newest stall */
	uint64_t threshold_ns;
};

void tree_begin(struct render *r, const struct render_header *header);
void tree_record(struct render *r, const struct lg_head *rec);
void tree_stall(struct render *r, const struct model_stall *stall);
void tree_end(struct render *r);

/* Adds one stall. 0 or -ENOMEM. */
int tree_add(struct tree *tree, const struct model_stall *stall);

#endif
