/* SPDX-License-Identifier: BSD-2-Clause */
/* The code that a process has mapped: a snapshot of its memory map, reduced to what symbols need. */
#ifndef LG_REGIONS_H
#define LG_REGIONS_H

#include <stddef.h>
#include <stdint.h>

#include "target/maps.h"

struct region {
	uint64_t start;
	uint64_t end;
	uint64_t offset; /* in the file, bytes */
	uint64_t dev;
	uint64_t ino; /* 0: no file */
	char *path;   /* as the process sees it; "" when it has none */
};

struct regions {
	struct region *v; /* by address */
	size_t nr;
	uint64_t read_ns; /* CLOCK_MONOTONIC; 0: never */
	uint64_t exe_ino; /* of the program itself, 0 unknown */
};

/* Replaces what was there. On an error nothing is left in it. */
int regions_read(struct regions *r, int pid);
void regions_fini(struct regions *r);

/* The region that holds an address, or NULL. */
const struct region *regions_find(const struct regions *r, uint64_t addr);

/* A path by which this host can open the region's file; see map_file_init(). */
int region_file(const struct region *region, int pid, struct map_file *file);

#endif
