/* SPDX-License-Identifier: BSD-2-Clause */
/* One row a call. */
#include "base/calls.h"

#include <stddef.h>
#include <sys/syscall.h>

#include "lg_calls.h"

/* Which argument says for how many descriptors is waited: without any it is a sleep. */
enum waits { WAITS_NOT, WAITS_ARG0, WAITS_ARG1 };

static const struct {
	int nr;
	enum call_kind kind;
	enum waits waits;
} calls[] = {
	{__NR_clock_nanosleep, CALL_KIND_SLEEP, WAITS_NOT},
	{__NR_nanosleep, CALL_KIND_SLEEP, WAITS_NOT},
	{__NR_pselect6, CALL_KIND_SLEEP, WAITS_ARG0},
	{__NR_ppoll, CALL_KIND_SLEEP, WAITS_ARG1},
	{__NR_wait4, CALL_KIND_CHILD, WAITS_NOT},
	{__NR_waitid, CALL_KIND_CHILD, WAITS_NOT},
	{__NR_clone, CALL_KIND_CHILD, WAITS_NOT}, /* blocks for vfork(2) alone */
	{__NR_clone3, CALL_KIND_CHILD, WAITS_NOT},
	{__NR_fsync, CALL_KIND_SYNC, WAITS_NOT},
	{__NR_fdatasync, CALL_KIND_SYNC, WAITS_NOT},
	{__NR_sync_file_range, CALL_KIND_SYNC, WAITS_NOT},
	{__NR_msync, CALL_KIND_SYNC, WAITS_NOT},
	{__NR_syncfs, CALL_KIND_SYNC, WAITS_NOT},
	{__NR_sync, CALL_KIND_SYNC, WAITS_NOT},
#ifdef __NR_open /* newer machines have none of these */
	{__NR_select, CALL_KIND_SLEEP, WAITS_ARG0},
	{__NR_poll, CALL_KIND_SLEEP, WAITS_ARG1},
	{__NR_vfork, CALL_KIND_CHILD, WAITS_NOT},
#endif
};

enum call_kind call_kind(int nr, const uint64_t *args)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i].nr != nr)
			continue;
		if (calls[i].waits != WAITS_NOT && args[calls[i].waits == WAITS_ARG1])
			break;
		return calls[i].kind;
	}
	return call_path_arg(nr) >= 0 ? CALL_KIND_PATH : CALL_KIND_OTHER;
}

int call_path_arg(int nr)
{
	switch (nr) {
#define X(name) case __NR_##name:
		LG_CALLS_PATH(X)
#ifdef __NR_open
		LG_CALLS_PATH_OLD(X)
#endif
		return 0;
		LG_CALLS_PATH_AT(X)
#undef X
		return 1;
	default:
		return -1;
	}
}
