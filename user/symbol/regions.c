/* SPDX-License-Identifier: BSD-2-Clause */
/* Only mappings of code are kept: tens of a process's hundreds. */
#include "symbol/regions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "target/proc.h"

#define MAX_REGIONS 8192 /* a browser has some hundreds; compiled code comes in pieces */

/* The process's root as its map's paths have it: empty where it is that of everybody. */
static void root_read(char *root, size_t size, int pid)
{
	char link[64];
	ssize_t n = proc_path(link, sizeof(link), pid, "root") ? -1 : readlink(link, root, size - 1);

	root[n > 1 ? n : 0] = '\0';
}

/* In a chroot the map's paths go on outside of it. */
static const char *path_seen(const char *path, const char *root)
{
	size_t len = strlen(root);

	return len && !strncmp(path, root, len) && path[len] == '/' ? path + len : path;
}

static int region_add(struct regions *r, const struct map *map, const char *root)
{
	struct region *v = r->v;

	if (!(r->nr & (r->nr - 1))) {
		v = realloc(r->v, (r->nr ? 2 * r->nr : 1) * sizeof(*v));
		if (!v)
			return -ENOMEM;
		r->v = v;
	}
	v = &r->v[r->nr];
	*v = (struct region){map->start, map->end, map->offset, map->dev, map->ino, strdup(path_seen(map->path, root))};
	if (!v->path)
		return -ENOMEM;
	r->nr++;
	return 0;
}

int regions_read(struct regions *r, int pid)
{
	char root[PROC_PATH_LEN];
	struct map_file exe;
	struct maps maps;
	int ret;

	regions_fini(r);
	r->read_ns = clock_ns(CLOCK_MONOTONIC);
	ret = maps_read(&maps, pid);
	if (ret)
		return ret;
	root_read(root, sizeof(root), pid);
	for (size_t i = 0; i < maps.nr && !ret && r->nr < MAX_REGIONS; i++)
		if (maps.v[i].is_exec)
			ret = region_add(r, &maps.v[i], root);
	maps_fini(&maps);
	if (ret) {
		regions_fini(r);
		return ret;
	}
	if (!map_file_init_exe(&exe, pid))
		r->exe_ino = exe.ino;
	return 0;
}

void regions_fini(struct regions *r)
{
	for (size_t i = 0; i < r->nr; i++)
		free(r->v[i].path);
	free(r->v);
	*r = (struct regions){0};
}

const struct region *regions_find(const struct regions *r, uint64_t addr)
{
	size_t low = 0, high = r->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->v[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->nr && r->v[low].start <= addr ? &r->v[low] : NULL;
}

int region_file(const struct region *region, int pid, struct map_file *file)
{
	struct map map = {
		.start = region->start, .end = region->end, .ino = region->ino, .path = region->path, .is_exec = true};

	return map_file_init(file, pid, &map);
}
