/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who waits for a process that does not look: sockets with bytes that nobody has read, and connections that nobody has
 * accepted, over TCP. From /proc, where it is a walk over all sockets of the network: for now and then.
 */
#ifndef LG_TARGET_WAITING_H
#define LG_TARGET_WAITING_H

#include <stddef.h>
#include <stdint.h>

#include "lg_types.h"

struct waiting {
	__u64 *inodes; /* of sockets with unread bytes: of the process's network namespace, whoever's they are */
	size_t nr;
	size_t max;         /* allocated by the caller: more are not told */
	uint64_t nr_queued; /* connections in the process's own listeners */
};

/* Fills in nr, nr_queued and the inodes. 0 or a negative error: then nothing is known. */
int waiting_read(struct waiting *w, int pid);

/* Takes apart one line of a table of sockets; 0, or -EINVAL when it is none. */
struct waiting_row {
	uint64_t ino;
	uint32_t unread; /* bytes; of a listener connections */
	uint8_t is_listener;
};
int waiting_row_parse(struct waiting_row *out, const char *line);

#endif
