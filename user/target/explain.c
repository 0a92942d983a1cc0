/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/task/TID/syscall, counted: see explain.h. */
#include "target/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/proc.h"

int proc_thread_wait(int pid, int tid, int *nr, unsigned long long *first_arg)
{
	char what[64], *text;
	int ret;

	*first_arg = 0;
	snprintf(what, sizeof(what), "task/%d/syscall", tid);
	ret = proc_read(pid, what, 1024, &text, NULL);
	if (ret)
		return ret;
	if (!strncmp(text, "running", 7))
		ret = 1;
	else if (sscanf(text, "%d %llx", nr, first_arg) < 1)
		ret = -EINVAL;
	/* Outside of a system call the next field is the stack pointer. */
	if (!ret && *nr < 0)
		*first_arg = 0;
	free(text);
	return ret;
}

static void wait_count(struct explain *out, int nr)
{
	for (size_t i = 0; i < out->nr_waits; i++)
		if (out->waits[i].nr == nr) {
			out->waits[i].count++;
			return;
		}
	if (out->nr_waits == EXPLAIN_MAX_WAITS) {
		out->nr_unknown++;
		return;
	}
	out->waits[out->nr_waits].nr = nr;
	out->waits[out->nr_waits++].count = 1;
}

static int wait_compare(const void *a, const void *b)
{
	const struct explain_wait *x = a, *y = b;

	return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : (x->nr > y->nr) - (x->nr < y->nr);
}

int proc_explain_waits(int pid, struct explain *out)
{
	struct proc_thread *threads;
	unsigned long long arg;
	size_t nr_threads;
	int nr, ret;

	memset(out, 0, sizeof(*out));
	ret = proc_threads(pid, &threads, &nr_threads);
	if (ret)
		return ret;
	out->nr_threads = nr_threads;
	for (size_t i = 0; i < nr_threads; i++) {
		ret = proc_thread_wait(pid, threads[i].tid, &nr, &arg);
		if (ret > 0)
			out->nr_running++;
		else if (ret < 0)
			out->nr_unknown++;
		else
			wait_count(out, nr);
	}
	free(threads);
	qsort(out->waits, out->nr_waits, sizeof(out->waits[0]), wait_compare);
	return 0;
}
