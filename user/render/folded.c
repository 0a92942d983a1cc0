/* SPDX-License-Identifier: BSD-2-Clause */
/* Folded stacks, in the order of their names. */
#include "render/folded.h"

#include "render/tree.h"

/* A ';' of a name would begin another one. */
static void put_name(FILE *out, const char *name)
{
	for (; *name; name++)
		fputc(*name == ';' ? ':' : *name, out);
}

static int put_path(void *arg, const char *const *names, unsigned nr, const struct flame_node *node)
{
	struct render *r = arg;

	for (unsigned i = 0; i < nr; i++) {
		fputs(i ? ";" : "", r->out);
		put_name(r->out, names[i]);
	}
	fprintf(r->out, " %llu\n", (unsigned long long)((node->ns + 500) / 1000));
	return 0;
}

static void folded_summary(struct render *r, const struct model_summary *summary)
{
	struct tree *tree = r->state;

	(void)summary;
	flame_sort(&tree->flame);
	flame_each(&tree->flame, put_path, r);
}

const struct render_ops render_folded = {
	.begin = tree_begin,
	.record = tree_record,
	.stall = tree_stall,
	.summary = folded_summary,
	.end = tree_end,
};
