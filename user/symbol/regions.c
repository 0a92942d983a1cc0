/* SPDX-License-Identifier: BSD-2-Clause */
/* Only mappings of code are kept: tens of a process's hundreds. */
#include "symbol/regions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_REGIONS 8192 /* a browser has some hundreds; compiled code comes in pieces */

static int region_add(struct regions *r, const struct map *map)
{
	struct region *v = r->v;

	if (!(r->nr & (r->nr - 1))) {
		v = realloc(r->v, (r->nr ? 2 * r->nr : 1) * sizeof(*v));
		if (!v)
			return -ENOMEM;
		r->v = v;
	}
	v = &r->v[r->nr];
	*v = (struct region){map->start, map->end, map->offset, map->dev, map->ino, strdup(map->path)};
	if (!v->path)
		return -ENOMEM;
	r->nr++;
	return 0;
}

int regions_read(struct regions *r, int pid)
{
	struct map_file exe;
	struct timespec now;
	struct maps maps;
	int ret;

	regions_fini(r);
	clock_gettime(CLOCK_MONOTONIC, &now);
	r->read_ns = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	ret = maps_read(&maps, pid);
	if (ret)
		return ret;
	for (size_t i = 0; i < maps.nr && !ret && r->nr < MAX_REGIONS; i++)
		if (maps.v[i].is_exec)
			ret = region_add(r, &maps.v[i]);
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
