/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A number that stands for a request's path: BPF makes it of what a server keeps in its memory, user space of the head
 * that was read. Two requests of one connection are told apart by it where nothing else does.
 */
#ifndef LG_PATH_H
#define LG_PATH_H

#include "lg_types.h"

#define LG_PATH_WORDS 8 /* as much of the path counts, and its length */
#define LG_PATH_BYTES (8 * LG_PATH_WORDS)

/* `words`: the path's first bytes, the rest 0; `len`: of all of it. Never 0, which says that it is not known. */
static inline __u32 lg_path_sum(const __u64 words[LG_PATH_WORDS], __u64 len)
{
	__u64 sum = len;

	for (int i = 0; i < LG_PATH_WORDS; i++) {
		sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15ull;
		sum ^= sum >> 32;
	}
	return (__u32)sum ? (__u32)sum : 1;
}

#endif
