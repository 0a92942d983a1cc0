/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /tmp/perf-PID.map: where a runtime says which function it compiled to which address, if it was told to
 * (node --perf-basic-prof, python -X perf, the JVM's agents). Anyone can put such a file there, so only the process's
 * own user, or root, is believed; and a text is all that can come of it.
 */
#ifndef LG_PERFMAP_H
#define LG_PERFMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct perfmap;

/* Of a process, in its own mount namespace. *out is freed with perfmap_free(). -ENOENT: it has none. */
int perfmap_open(struct perfmap **out, int pid);
void perfmap_free(struct perfmap *map);

/* From a text, which it takes over (freed with free()), NUL-terminated; its lines are "start size name", in hex. */
int perfmap_parse(struct perfmap **out, char *text);

/* The newest name for an address, as the file has it; NULL: none. Valid as long as the map. */
const char *perfmap_find(const struct perfmap *map, uint64_t addr);

/* Whether the file has changed since it was read. */
bool perfmap_is_stale(const struct perfmap *map, int pid);

size_t perfmap_bytes(const struct perfmap *map);

#endif
