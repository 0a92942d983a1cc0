/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sampling: loop threads are looked at while they run, so that long stretches on the CPU are asked about, and their
 * stacks taken, while they last. A loop that sleeps is not sampled.
 *
 * By the kernel's tick where that is fine enough for the turns that are looked for; else by a clock on each thread,
 * which takes an interrupt for each sample and some work at every switch.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/private.h"

#define SAMPLE_HZ 500 /* of the thread's clock */

/*
 * The shortest turn to be told, in ticks: what lies between two samples is one owner's, so lengths and owners are right
 * to a twentieth of it. 80 ms with the 250 ticks a second of most kernels.
 */
#define TURN_TICKS 20

/* Does every CPU that is at work have its tick, by the timers that are seen? */
static bool tick_is_seen(void)
{
	struct timespec timer = {0};
	char text[8] = "";
	int fd;

	/* Without timers finer than a tick, that is none of them. */
	if (clock_getres(CLOCK_MONOTONIC, &timer) || timer.tv_sec || timer.tv_nsec != 1)
		return false;
	/* CPUs that do without it where they have but one task: "(null)", an empty line, or no such file for none. */
	fd = open("/sys/devices/system/cpu/nohz_full", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '0';
	close(fd);
	return text[0] < '0' || text[0] > '9';
}

void sample_select(struct probe *p)
{
	struct lg_config *config = &p->skel->rodata->config;
	uint32_t tick_ns = config->tick_ns, hz = p->opts.sample_hz ? p->opts.sample_hz : SAMPLE_HZ;
	bool is_sampled = p->opts.ask || p->opts.stack;

	config->sample_ns = NS_PER_S / hz;
	p->is_ticked =
		is_sampled && !p->opts.sample_hz && p->opts.turn_ns >= TURN_TICKS * (uint64_t)tick_ns && tick_is_seen();
	if (p->is_ticked && tick_ns)
		config->sample_ns = (config->sample_ns + tick_ns - 1) / tick_ns * tick_ns;
	bpf_program__set_autoload(p->skel->progs.on_tick, p->is_ticked);
	bpf_program__set_autoload(p->skel->progs.on_sample, is_sampled && !p->is_ticked);
}

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
		.sample_period = p->skel->rodata->config.sample_ns,
	};
	struct process *process = table_get(&p->processes, pid);
	struct uprobe_link link = {.fd = -1};
	int error, fd;

	if (p->is_ticked)
		return 0;
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
