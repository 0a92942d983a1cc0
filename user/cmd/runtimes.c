/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread has nothing of the session's but the stacks, which nobody else looks at meanwhile. */
#include "cmd/runtimes.h"

#include <errno.h>
#include <malloc.h>

#include "target/cpython.h"
#include "target/maps.h"
#include "target/runtime.h"
#include "target/v8.h"

int runtime_find(struct lg_runtime_info *info, int pid)
{
	struct runtime runtime;
	int error = runtime_detect(&runtime, pid);

	if (error)
		return error;
	info->kind = runtime.kind;
	switch (runtime.kind) {
	case LG_RT_CPYTHON:
		return cpython_find(&info->python, pid, runtime.version);
	case LG_RT_NODE:
		return v8_find(&info->v8, pid);
	case LG_RT_NGINX:
	case LG_RT_REDIS:
		return 0;
	default:
		return -ENOTSUP;
	}
}

/* Frames are found without asyncio too, which is all that may be missing. */
bool runtime_has_frames(const struct lg_runtime_info *info, int error)
{
	if (info->kind == LG_RT_CPYTHON)
		return !error || (error == -ENOENT && info->python.interp);
	return !error && info->kind == LG_RT_NODE;
}

static void read_one(struct runtimes_ahead *a, struct runtime_ahead *r)
{
	struct map_file before, after;

	if (map_file_init_exe(&before, r->pid)) {
		r->error = -ESRCH;
		return;
	}
	r->error = runtime_find(&r->info, r->pid);
	if (a->stacks && runtime_has_frames(&r->info, r->error))
		stacks_set_runtime(a->stacks, r->pid, &r->info);
	if (a->stacks)
		stacks_prepare(a->stacks, r->pid);
	if (map_file_init_exe(&after, r->pid) || after.dev != before.dev || after.ino != before.ino) {
		r->error = -ESRCH;
		if (a->stacks)
			stacks_forget(a->stacks, r->pid);
	}
}

static void *read_all(void *arg)
{
	struct runtimes_ahead *a = arg;

	for (size_t i = 0; i < a->nr; i++)
		read_one(a, &a->v[i]);
	return NULL;
}

void runtimes_begin(struct runtimes_ahead *a, struct stacks *stacks, const int *pids, size_t nr)
{
	*a = (struct runtimes_ahead){.stacks = stacks, .nr = nr < RUNTIMES_AHEAD_MAX ? nr : RUNTIMES_AHEAD_MAX};
	for (size_t i = 0; i < a->nr; i++)
		a->v[i].pid = pids[i];
	/* A heap of the thread's own would keep its memory for good. */
	mallopt(M_ARENA_MAX, 1);
	a->is_running = a->nr && !pthread_create(&a->thread, NULL, read_all, a);
	if (!a->is_running)
		a->nr = 0;
}

void runtimes_end(struct runtimes_ahead *a)
{
	if (a->is_running)
		pthread_join(a->thread, NULL);
	a->is_running = false;
}

enum lg_runtime runtimes_kind(const struct runtimes_ahead *a, int pid)
{
	struct runtime runtime;

	for (size_t i = 0; i < a->nr; i++)
		if (a->v[i].pid == pid && a->v[i].error != -ESRCH)
			return a->v[i].info.kind;
	return runtime_detect(&runtime, pid) ? LG_RT_NATIVE : runtime.kind;
}
