/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A cache of frames by three numbers (a process, an address, and whatever makes it another question), with a fixed
 * number of places: a newcomer takes the place of what was in its way.
 */
#ifndef LG_NAMES_H
#define LG_NAMES_H

#include <stddef.h>

#include "symbol/frame.h"

struct names;

struct names_key {
	uint64_t process;
	uint64_t addr;
	uint64_t extra;
};

/* *out is freed with names_free(). `places`: a power of two. 0 or -ENOMEM. */
int names_new(struct names **out, size_t places);
void names_free(struct names *n);

bool names_get(const struct names *n, const struct names_key *key, struct frame *out);
/* Without memory nothing is remembered. */
void names_put(struct names *n, const struct names_key *key, const struct frame *frame);

size_t names_bytes(const struct names *n);

#endif
