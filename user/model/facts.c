/* SPDX-License-Identifier: BSD-2-Clause */
/* The facts, each kind in a table with a list by age. */
#include "model/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PROCS 4096 /* as many as there can be traced threads */
#define MAX_PATHS 1024 /* a path is needed only until the turn's end; this many keep the frequent ones */

struct path {
	struct list by_age;
	uint64_t key;
	uint32_t pid;
	uint64_t ino;
	char text[]; /* NUL-terminated */
};

void facts_init(struct facts *f)
{
	table_init(&f->procs, 0);
	table_init(&f->paths, 0);
	list_init(&f->procs_by_age);
	list_init(&f->paths_by_age);
}

static void proc_free(struct facts *f, struct proc *p)
{
	table_del(&f->procs, p->pid);
	list_del(&p->by_age);
	free(p);
}

static void path_free(struct facts *f, struct path *p)
{
	table_del(&f->paths, p->key);
	list_del(&p->by_age);
	free(p);
}

void facts_fini(struct facts *f)
{
	list_for_each (node, &f->procs_by_age)
		proc_free(f, list_entry(node, struct proc, by_age));
	list_for_each (node, &f->paths_by_age)
		path_free(f, list_entry(node, struct path, by_age));
	table_fini(&f->procs);
	table_fini(&f->paths);
}

void comm_copy(char dst[LG_COMM_LEN], const char src[LG_COMM_LEN])
{
	memcpy(dst, src, LG_COMM_LEN - 1);
	dst[LG_COMM_LEN - 1] = '\0';
}

int facts_add_target(struct facts *f, const struct lg_rec_target *rec)
{
	struct proc *p = table_get(&f->procs, rec->pid);

	if (!p) {
		if (f->procs.count >= MAX_PROCS)
			proc_free(f, list_entry(f->procs_by_age.next, struct proc, by_age));
		p = calloc(1, sizeof(*p));
		if (!p || table_put(&f->procs, rec->pid, p)) {
			free(p);
			return -ENOMEM;
		}
		p->pid = rec->pid;
		list_add_tail(&f->procs_by_age, &p->by_age);
	}
	p->runtime = rec->runtime < LG_NR_RUNTIMES ? rec->runtime : LG_RT_NATIVE;
	p->version = rec->version;
	comm_copy(p->comm, rec->comm);
	return 0;
}

static uint64_t path_key(uint32_t pid, uint64_t ino)
{
	return ino ^ (uint64_t)pid << 32;
}

int facts_add_path(struct facts *f, const struct lg_rec_path *rec)
{
	uint64_t key = path_key(rec->pid, rec->ino);
	struct path *old = table_get(&f->paths, key), *p;

	if (old)
		path_free(f, old);
	else if (f->paths.count >= MAX_PATHS)
		path_free(f, list_entry(f->paths_by_age.next, struct path, by_age));
	p = calloc(1, sizeof(*p) + rec->path_len + 1);
	if (!p || table_put(&f->paths, key, p)) {
		free(p);
		return -ENOMEM;
	}
	p->key = key;
	p->pid = rec->pid;
	p->ino = rec->ino;
	memcpy(p->text, rec->path, rec->path_len);
	list_add_tail(&f->paths_by_age, &p->by_age);
	return 0;
}

const struct proc *facts_proc(const struct facts *f, uint32_t pid)
{
	return table_get(&f->procs, pid);
}

static const char *path_find(const struct facts *f, uint32_t pid, uint64_t ino)
{
	const struct path *p = table_get(&f->paths, path_key(pid, ino));

	return p && p->pid == pid && p->ino == ino ? p->text : NULL;
}

const char *facts_block_path(const struct facts *f, uint32_t pid, const struct lg_block *block)
{
	bool has_path = block->target.kind == LG_TARGET_FILE || block->target.kind == LG_TARGET_PIPE;

	return has_path ? path_find(f, pid, block->target.ino) : NULL;
}
