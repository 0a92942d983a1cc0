/* SPDX-License-Identifier: BSD-2-Clause */
/* Stalls to trails to a flame. */
#include "render/tree.h"

#include <errno.h>
#include <stdlib.h>

int tree_add(struct tree *tree, const struct model_stall *stall)
{
	trail_make(&tree->trail, &tree->guide, stall);
	return flame_add(&tree->flame, tree->trail.names, tree->trail.nr, stall->duration_ns);
}

void tree_begin(struct render *r, const struct render_header *header)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	if (!tree) {
		r->error = -ENOMEM;
		return;
	}
	trail_guide_init(&tree->guide);
	tree->threshold_ns = header->threshold_ns;
	r->state = tree;
}

void tree_record(struct render *r, const struct lg_head *rec)
{
	struct tree *tree = r->state;

	trail_guide_record(&tree->guide, rec);
}

void tree_stall(struct render *r, const struct model_stall *stall)
{
	int error = tree_add(r->state, stall);

	if (error)
		r->error = error;
}

void tree_end(struct render *r)
{
	struct tree *tree = r->state;

	if (!tree)
		return;
	trail_guide_fini(&tree->guide);
	flame_fini(&tree->flame);
	free(tree);
	r->state = NULL;
}
