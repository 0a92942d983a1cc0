/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sampling: a clock on each loop thread whose runtime can be asked, so that long stretches on the CPU are asked
 * about while they last. It counts the thread's CPU time: a loop that sleeps is not sampled.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/private.h"

/* Runs are cut where the owner changes between two samples: the error of a length is half of this at most. */
#define SAMPLE_PERIOD_NS 2000000

int probe_set_runtime(struct probe *p, int pid, const struct lg_runtime_info *info)
{
	uint32_t key = pid;

	return bpf_map_update_elem(bpf_map__fd(p->skel->maps.runtimes), &key, info, BPF_ANY) ? -errno : 0;
}

int probe_sample_thread(struct probe *p, int pid, int tid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.sample_period = SAMPLE_PERIOD_NS,
	};
	struct process *process = table_get(&p->processes, pid);
	struct uprobe_link link = {.fd = -1};
	int error, fd;

	if (!process)
		return -ESRCH;
	fd = syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	link.link = bpf_program__attach_perf_event(p->skel->progs.on_sample, fd);
	if (!link.link) {
		error = -errno;
		close(fd);
		return error;
	}
	error = process_link_add(process, link);
	if (error)
		bpf_link__destroy(link.link);
	return error;
}
