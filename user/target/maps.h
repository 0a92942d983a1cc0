/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory map of a process, and the files behind it as this host can open them.
 *
 * A process may live in another mount namespace and may run files that were deleted or replaced: a path of its map
 * means nothing here by itself. map_file_init() finds a path that leads to the very inode that is mapped.
 */
#ifndef LG_MAPS_H
#define LG_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/proc.h"

struct map {
	uint64_t start;  /* first address */
	uint64_t end;    /* address after the last */
	uint64_t offset; /* in the file, bytes */
	uint64_t dev;    /* of the file, as makedev() makes it; some file systems show another than stat(2) */
	uint64_t ino;    /* 0: no file */
	bool is_exec;
	const char *path; /* as the process sees it, without " (deleted)"; "" when it has none; untrusted bytes */
};

struct maps {
	struct map *v; /* by address */
	size_t nr;
	char *text; /* what the paths point into */
};

/* -EACCES without the right to look. */
int maps_read(struct maps *maps, int pid);
void maps_fini(struct maps *maps);

/* Takes apart one line without its newline, and changes it: map->path points into it. -EINVAL for nonsense. */
int map_parse(struct map *map, char *line);

/* The lowest mapping of the first file whose last path component passes `is_wanted`, or NULL. */
const struct map *maps_find(const struct maps *maps, bool (*is_wanted)(const char *name));

/* A file that a process maps. */
struct map_file {
	uint64_t dev; /* of stat(2) */
	uint64_t ino;
	char path[PROC_PATH_LEN]; /* opens it on this host, as long as the process maps it */
};

/* -ENOENT when no path leads to the mapped inode any more. */
int map_file_init(struct map_file *file, int pid, const struct map *map);

/* The executable of the process. */
int map_file_init_exe(struct map_file *file, int pid);

#endif
