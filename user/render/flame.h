/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tree of names with lengths of time: what a flame graph draws. Each trail is a path from the root; what is added
 * along it counts for its end, and in the sums of all that lie above.
 *
 * It is bounded: names beyond the limit go to one node "_other" of their parent.
 */
#ifndef LG_RENDER_FLAME_H
#define LG_RENDER_FLAME_H

#include <stddef.h>
#include <stdint.h>

#define FLAME_DEPTH 128 /* names on a path; what lies deeper counts for the last one */

struct flame_node {
	struct flame_node *next;  /* sibling */
	struct flame_node *first; /* child */
	uint64_t ns;              /* that end here */
	uint64_t count;
	uint64_t sum_ns; /* that end here or below */
	char name[];
};

struct flame {
	struct flame_node *root; /* NULL: nothing was added; its name is empty */
	size_t nr_nodes;
};

/* One path: nr names, the outermost first. 0 or -ENOMEM. */
int flame_add(struct flame *flame, const char *const *names, unsigned nr, uint64_t ns);
/* Brings siblings into the order of their names: the same whatever order they came in. */
void flame_sort(struct flame *flame);
void flame_fini(struct flame *flame);

/* Calls each node at which something ends, with the names that lead there; stops at an error and returns it. */
int flame_each(const struct flame *flame,
	       int (*each)(void *arg, const char *const *names, unsigned nr, const struct flame_node *node), void *arg);

#endif
