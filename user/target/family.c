/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lists that /proc gives as directories: threads of a process, and its descendants (proc.h).
 *
 * Descendants come from /proc/PID/task/TID/children, or, where the kernel was built without it, from the parent of
 * every process on the host (some 20 us each, which is why that is the second choice).
 */
#include "target/proc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHILDREN_MAX (1 << 20) /* 4 million processes at 8 bytes each cannot be children of one thread */

struct ids {
	int *v;
	size_t nr;
	size_t size;
};

static int ids_add(struct ids *ids, int id)
{
	size_t size = ids->size ? ids->size * 2 : 64;
	int *more;

	if (ids->nr == ids->size) {
		more = realloc(ids->v, size * sizeof(*more));
		if (!more)
			return -ENOMEM;
		ids->v = more;
		ids->size = size;
	}
	ids->v[ids->nr++] = id;
	return 0;
}

static int id_compare(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* The entries of a directory that are numbers, in order. The caller frees ids->v, on failure too. */
static int ids_read(struct ids *ids, int pid, const char *what)
{
	char path[PROC_PATH_LEN], *end;
	struct dirent *entry;
	long id;
	DIR *dir;
	int ret;

	ret = proc_path(path, sizeof(path), pid, "%s", what);
	if (ret)
		return ret;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (!ret && (entry = readdir(dir))) {
		id = strtol(entry->d_name, &end, 10);
		if (end != entry->d_name && !*end && id > 0)
			ret = ids_add(ids, id);
	}
	closedir(dir);
	if (ids->nr)
		qsort(ids->v, ids->nr, sizeof(*ids->v), id_compare);
	return ret;
}

int proc_threads(int pid, struct proc_thread **out, size_t *nr)
{
	struct proc_thread *threads = NULL;
	struct ids ids = {0};
	struct proc_stat stat;
	size_t used = 0;
	int ret;

	ret = ids_read(&ids, pid, "task");
	if (ret)
		goto out;
	threads = calloc(ids.nr + 1, sizeof(*threads));
	if (!threads) {
		ret = -ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < ids.nr; i++) {
		if (proc_stat(pid, ids.v[i], &stat))
			continue;
		threads[used].tid = ids.v[i];
		threads[used].state = stat.state;
		memcpy(threads[used++].comm, stat.comm, sizeof(stat.comm));
	}
	if (!used)
		ret = -ESRCH;
out:
	free(ids.v);
	if (ret) {
		free(threads);
		return ret;
	}
	*out = threads;
	*nr = used;
	return 0;
}

/* Adds the children of one thread. */
static int children_add(struct ids *found, int pid, int tid)
{
	char what[64], *text, *word, *rest;
	int ret;

	snprintf(what, sizeof(what), "task/%d/children", tid);
	ret = proc_read(pid, what, CHILDREN_MAX, &text, NULL);
	if (ret)
		return ret == -ENOMEM ? ret : 0;
	for (word = strtok_r(text, " \n", &rest); word && !ret; word = strtok_r(NULL, " \n", &rest))
		if (atoi(word) > 0)
			ret = ids_add(found, atoi(word));
	free(text);
	return ret;
}

static int descendants_from_children(struct ids *found)
{
	int ret = 0;

	for (size_t next = 0; !ret && next < found->nr; next++) {
		struct ids tids = {0};

		ret = ids_read(&tids, found->v[next], "task");
		if (ret == -ENOENT || ret == -ESRCH)
			ret = 0;
		for (size_t i = 0; !ret && i < tids.nr; i++)
			ret = children_add(found, found->v[next], tids.v[i]);
		free(tids.v);
	}
	return ret;
}

static int descendants_from_parents(struct ids *found)
{
	struct proc_stat stat;
	struct ids all = {0};
	int *parents = NULL, ret;

	ret = ids_read(&all, 0, "");
	if (ret)
		goto out;
	parents = calloc(all.nr + 1, sizeof(*parents));
	if (!parents)
		ret = -ENOMEM;
	for (size_t i = 0; !ret && i < all.nr; i++)
		if (all.v[i] != found->v[0] && !proc_stat(all.v[i], 0, &stat) && stat.state != 'Z')
			parents[i] = stat.parent;
	/* Every id is taken once: a ring of parents, as reused ids may form one, ends too. */
	for (size_t next = 0; !ret && next < found->nr; next++)
		for (size_t i = 0; !ret && i < all.nr; i++)
			if (parents[i] == found->v[next]) {
				parents[i] = 0;
				ret = ids_add(found, all.v[i]);
			}
out:
	free(parents);
	free(all.v);
	return ret;
}

int proc_descendants(int pid, int **out, size_t *nr)
{
	struct ids found = {0};
	char path[PROC_PATH_LEN];
	int ret;

	ret = proc_path(path, sizeof(path), pid, "task/%d/children", pid);
	if (!ret)
		ret = ids_add(&found, pid);
	if (!ret)
		ret = access(path, R_OK) ? descendants_from_parents(&found) : descendants_from_children(&found);
	if (ret) {
		free(found.v);
		return ret;
	}
	memmove(found.v, found.v + 1, --found.nr * sizeof(*found.v));
	*out = found.v;
	*nr = found.nr;
	return 0;
}
