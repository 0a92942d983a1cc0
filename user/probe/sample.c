/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sampling: a clock on each loop thread, so that long stretches on the CPU are asked about, and their stacks taken,
 * while they last. It counts the thread's CPU time: a loop that sleeps is not sampled.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/private.h"

static int info_set(const struct bpf_map *map, int pid, const struct lg_runtime_info *info)
{
	uint32_t key = pid;

	return bpf_map_update_elem(bpf_map__fd(map), &key, info, BPF_ANY) ? -errno : 0;
}

int probe_set_runtime(struct probe *p, int pid, const struct lg_runtime_info *info)
{
	return info_set(p->skel->maps.runtimes, pid, info);
}

int probe_set_stack_runtime(struct probe *p, int pid, const struct lg_runtime_info *info)
{
	return info_set(p->skel->maps.stack_runtimes, pid, info);
}

int probe_sample_thread(struct probe *p, int pid, int tid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.sample_period = 1000000000 / p->opts.sample_hz,
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
