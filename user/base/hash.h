/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FNV-1a, of names. Anybody can choose names that collide: no more may come of it than a slower search, or two rows or
 * hints that are taken for one.
 */
#ifndef LG_HASH_H
#define LG_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_NONE 0xcbf29ce484222325ull /* of no bytes: where each hash begins */

/* Of what `hash` is of, and `len` more bytes. */
static inline uint64_t hash_add(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 0x100000001b3ull;
	return hash;
}

#endif
