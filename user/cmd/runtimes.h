/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the runtimes of processes are asked and their frames read. Of a large program that takes a tenth of a second, so
 * those of the targets are read while the kernel verifies the programs, by a thread of its own: the only one besides
 * the first, and over before anything is attached.
 */
#ifndef LG_RUNTIMES_H
#define LG_RUNTIMES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "lg_runtime.h"
#include "symbol/stacks.h"

#define RUNTIMES_AHEAD_MAX 8 /* targets; of the others it is read once they show themselves as loops */

struct runtimes_ahead {
	pthread_t thread;
	bool is_running;
	struct stacks *stacks; /* NULL: none are told */
	size_t nr;
	struct runtime_ahead {
		int pid;
		int error; /* as of runtime_find(); -ESRCH: it ran another program before that was over */
		struct lg_runtime_info info;
	} v[RUNTIMES_AHEAD_MAX];
};

/* How to ask a process's runtime; -ENOTSUP when there is none that can be asked. */
int runtime_find(struct lg_runtime_info *info, int pid);
/* Whether the frames of its code can be found, by what runtime_find() returned. */
bool runtime_has_frames(const struct lg_runtime_info *info, int error);

/* Begins to read; `stacks` is the thread's until runtimes_end(). Where that fails, nothing is read ahead. */
void runtimes_begin(struct runtimes_ahead *a, struct stacks *stacks, const int *pids, size_t nr);
/* Waits for it to be over: then a->v[0..nr) is filled in, and the stacks know the runtimes. */
void runtimes_end(struct runtimes_ahead *a);
/* A process's runtime: what was found ahead, else it is looked for now. */
enum lg_runtime runtimes_kind(const struct runtimes_ahead *a, int pid);

#endif
