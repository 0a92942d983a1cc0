/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parsing /proc/PID/maps, and finding the files in it: see maps.h.
 *
 * In that file the kernel writes a newline of a path as \012 and leaves everything else as it is.
 */
#include "target/maps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define MAPS_MAX (64 << 20) /* 65530 mappings (the kernel's default limit) with paths of 1 KiB */

static void path_clean(char *path)
{
	static const char suffix[] = " (deleted)";
	size_t len;
	char *p = path;

	while ((p = strstr(p, "\\012"))) {
		*p++ = '\n';
		memmove(p, p + 3, strlen(p + 3) + 1);
	}
	len = strlen(path);
	if (len >= sizeof(suffix) && !strcmp(path + len - sizeof(suffix) + 1, suffix))
		path[len - sizeof(suffix) + 1] = 0;
}

int map_parse(struct map *map, char *line)
{
	unsigned major, minor;
	int path_at = 0;
	char perms[5];

	memset(map, 0, sizeof(*map));
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 "%n", &map->start, &map->end, perms,
		   &map->offset, &major, &minor, &map->ino, &path_at) != 7)
		return -EINVAL;
	if (map->start >= map->end || strlen(perms) != 4)
		return -EINVAL;
	map->dev = makedev(major, minor);
	map->is_exec = perms[2] == 'x';
	line += path_at;
	line += strspn(line, " ");
	path_clean(line);
	map->path = line;
	return 0;
}

int maps_read(struct maps *maps, int pid)
{
	size_t lines = 1;
	char *line, *rest;
	int ret;

	memset(maps, 0, sizeof(*maps));
	ret = proc_read(pid, "maps", MAPS_MAX, &maps->text, NULL);
	if (ret)
		return ret;
	for (const char *p = maps->text; (p = strchr(p, '\n')); p++)
		lines++;
	maps->v = calloc(lines, sizeof(*maps->v));
	if (!maps->v) {
		maps_fini(maps);
		return -ENOMEM;
	}
	for (line = strtok_r(maps->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (!map_parse(&maps->v[maps->nr], line))
			maps->nr++;
	return 0;
}

void maps_fini(struct maps *maps)
{
	free(maps->v);
	free(maps->text);
	memset(maps, 0, sizeof(*maps));
}

const struct map *maps_find(const struct maps *maps, bool (*is_wanted)(const char *name))
{
	for (size_t i = 0; i < maps->nr; i++)
		if (maps->v[i].ino && is_wanted(proc_basename(maps->v[i].path)))
			return &maps->v[i];
	return NULL;
}

/* Whether the path leads to inode `ino` (0: to any file). */
static int file_try(struct map_file *file, uint64_t ino)
{
	struct stat st;

	if (stat(file->path, &st))
		return -errno;
	if ((ino && st.st_ino != ino) || !S_ISREG(st.st_mode))
		return -ENOENT;
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	return 0;
}

/* The inode alone is compared: btrfs and overlay files show another device in the map than stat(2) gives. */
int map_file_init(struct map_file *file, int pid, const struct map *map)
{
	int ret;

	ret = proc_path(file->path, sizeof(file->path), pid, "root%s", map->path);
	if (!ret)
		ret = file_try(file, map->ino);
	if (!ret)
		return 0;
	ret = proc_path(file->path, sizeof(file->path), pid, "map_files/%" PRIx64 "-%" PRIx64, map->start, map->end);
	return ret ? ret : file_try(file, 0);
}

int map_file_init_exe(struct map_file *file, int pid)
{
	int ret = proc_path(file->path, sizeof(file->path), pid, "exe");

	return ret ? ret : file_try(file, 0);
}
