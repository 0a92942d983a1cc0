/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree: children of a node are few, so they are a plain list. */
#include "render/flame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NODES 20000 /* more than anybody looks at; about 2 MB of HTML */
#define OTHER     "_other"

static struct flame_node *node_new(struct flame *flame, const char *name)
{
	size_t size = strlen(name) + 1;
	struct flame_node *node = calloc(1, sizeof(*node) + size);

	if (!node)
		return NULL;
	memcpy(node->name, name, size);
	flame->nr_nodes++;
	return node;
}

/* The child of this name, made when it is not there. */
static struct flame_node *child_get(struct flame *flame, struct flame_node *parent, const char *name)
{
	struct flame_node *node;

	for (node = parent->first; node; node = node->next)
		if (strcmp(node->name, name) == 0)
			return node;
	if (flame->nr_nodes >= MAX_NODES && strcmp(name, OTHER) != 0)
		return child_get(flame, parent, OTHER);
	node = node_new(flame, name);
	if (!node)
		return NULL;
	node->next = parent->first;
	parent->first = node;
	return node;
}

int flame_add(struct flame *flame, const char *const *names, unsigned nr, uint64_t ns)
{
	struct flame_node *node;

	if (!flame->root)
		flame->root = node_new(flame, "");
	node = flame->root;
	for (unsigned i = 0; node; i++) {
		node->sum_ns += ns;
		if (i == nr || i == FLAME_DEPTH)
			break;
		node = child_get(flame, node, names[i]);
	}
	if (!node)
		return -ENOMEM;
	node->ns += ns;
	node->count++;
	return 0;
}

static int name_compare(const void *a, const void *b)
{
	const struct flame_node *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* Left as they are when there is no memory to sort them. */
static void children_sort(struct flame_node *parent)
{
	struct flame_node **all, *node, **link = &parent->first;
	size_t n = 0;

	for (node = parent->first; node; node = node->next)
		n++;
	all = n > 1 ? calloc(n, sizeof(struct flame_node *)) : NULL;
	if (!all)
		return;
	n = 0;
	for (node = parent->first; node; node = node->next)
		all[n++] = node;
	qsort(all, n, sizeof(struct flame_node *), name_compare);
	for (size_t i = 0; i < n; i++) {
		*link = all[i];
		link = &all[i]->next;
	}
	*link = NULL;
	free(all);
}

static void node_sort(struct flame_node *node)
{
	children_sort(node);
	for (node = node->first; node; node = node->next)
		node_sort(node);
}

void flame_sort(struct flame *flame)
{
	if (flame->root)
		node_sort(flame->root);
}

static void node_free(struct flame_node *node)
{
	while (node) {
		struct flame_node *next = node->next;

		node_free(node->first);
		free(node);
		node = next;
	}
}

void flame_fini(struct flame *flame)
{
	node_free(flame->root);
	*flame = (struct flame){0};
}

struct walk {
	int (*each)(void *arg, const char *const *names, unsigned nr, const struct flame_node *node);
	void *arg;
	const char *names[FLAME_DEPTH + 2]; /* "_other" may stand behind the last one */
};

static int node_walk(struct walk *walk, const struct flame_node *node, unsigned depth)
{
	int error = node->count ? walk->each(walk->arg, walk->names, depth, node) : 0;

	for (const struct flame_node *child = node->first; child && !error; child = child->next) {
		walk->names[depth] = child->name;
		error = node_walk(walk, child, depth + 1);
	}
	return error;
}

int flame_each(const struct flame *flame,
	       int (*each)(void *arg, const char *const *names, unsigned nr, const struct flame_node *node), void *arg)
{
	struct walk walk = {.each = each, .arg = arg};

	return flame->root ? node_walk(&walk, flame->root, 0) : 0;
}
