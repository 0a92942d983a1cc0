/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The path that a call was given which still blocks, as on a disk that does not answer. BPF takes paths where calls
 * return, which this one may never do; here they are read from the caller's memory while it sleeps.
 */
#ifndef LG_PATH_GIVEN_H
#define LG_PATH_GIVEN_H

#include <stdbool.h>

#include "lg_record.h"

#define PATH_GIVEN_MAX 256 /* longer ones are cut */

union path_given {
	struct lg_rec_path rec;
	char bytes[sizeof(struct lg_rec_path) + PATH_GIVEN_MAX];
};

/*
 * Whether the call that `asleep` tells of was given a path that can be read: then `asleep` refers to it, and `path` is
 * a record of it. What it was by then, should the thread have woken up meanwhile, the caller has to find out.
 */
bool path_given_read(union path_given *path, struct lg_rec_asleep *asleep);

#endif
