/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a system call that blocks is about, as far as its number and arguments tell. Numbers are those of the machine
 * that this runs on.
 */
#ifndef LG_BASE_CALLS_H
#define LG_BASE_CALLS_H

#include <stdint.h>

enum call_kind {
	CALL_KIND_OTHER,
	CALL_KIND_SLEEP, /* for a time, and nothing else ends it */
	CALL_KIND_CHILD, /* the end of a child process, or its start */
	CALL_KIND_SYNC,  /* that data is on the disk */
	CALL_KIND_PATH,  /* a file by its name */
};

/* `args`: at least two; they are only looked at where the call may wait for something or nothing. */
enum call_kind call_kind(int nr, const uint64_t *args);

/* Which argument of the call is the path of a file; -1: none is. */
int call_path_arg(int nr);

#endif
