/* SPDX-License-Identifier: BSD-2-Clause */
/* What is attached to the kernel, in which order, and the choice of where the edges come from. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/private.h"

static int target_add(struct probe *p, uint32_t id, uint32_t flag, struct err *err)
{
	int fd = bpf_map__fd(p->skel->maps.targets);
	uint32_t flags = 0;

	bpf_map_lookup_elem(fd, &id, &flags);
	flags |= flag;
	if (!bpf_map_update_elem(fd, &id, &flags, BPF_ANY))
		return 0;
	return err_set(err, EXIT_CODE_FAILED, errno, "cannot name %u as a target: %s", id, strerror(errno));
}

int probe_add_process(struct probe *p, int pid, struct err *err)
{
	return target_add(p, pid, LG_TARGET_PROCESS, err);
}

int probe_add_thread(struct probe *p, int tid, struct err *err)
{
	return target_add(p, tid, LG_TARGET_THREAD, err);
}

int probe_program_attach(struct bpf_program *program, struct bpf_link **link, struct err *err)
{
	*link = bpf_program__attach(program);
	if (*link)
		return 0;
	err_hint(err, errno == EPERM ? "it takes CAP_BPF and CAP_PERFMON, or root"
				     : "the kernel may lack the tracepoint; lgtrace needs 5.17 or later");
	return err_set(err, errno == EPERM ? EXIT_CODE_NOT_PERMITTED : EXIT_CODE_KERNEL, errno, "cannot attach %s: %s",
		       bpf_program__name(program), strerror(errno));
}

/* Runs a program once for all tasks. */
static int tasks_walk(const struct bpf_link *link)
{
	int fd = bpf_iter_create(bpf_link__fd(link));
	char nothing[64];

	if (fd < 0)
		return -errno;
	while (read(fd, nothing, sizeof(nothing)) > 0)
		;
	close(fd);
	return 0;
}

/* The program picks the targets' threads. */
int probe_take_in(struct probe *p, struct err *err)
{
	struct bpf_link *link;
	int error = probe_program_attach(p->skel->progs.trace_present, &link, err);

	if (error)
		return error;
	error = tasks_walk(link);
	if (error)
		err_set(err, EXIT_CODE_KERNEL, -error, "cannot walk the tasks: %s", strerror(-error));
	bpf_link__destroy(link);
	p->is_behind = true;
	return error;
}

int probe_presume_loop(struct probe *p, int pid, struct err *err)
{
	int error = target_add(p, pid, LG_TARGET_LOOP, err);

	return error ? error : probe_take_in(p, err);
}

int probe_look(struct probe *p, int tid)
{
	struct bpf_link **link = &p->skel->links.trace_asleep;
	int error = *link ? 0 : probe_program_attach(p->skel->progs.trace_asleep, link, NULL);

	p->skel->bss->control.look_tid = tid;
	return error ? error : tasks_walk(*link);
}

/*
 * Prices in ns, medians on x86-64 (kernel 6.18): a sys_exit program on an untraced and a traced thread's
 * call, and a uprobe on an emulated instruction.
 */
#define PRICE_HOST_CALL   40
#define PRICE_TARGET_CALL 80
#define PRICE_UPROBE      620
#define MEASURE_NS        50000000

/*
 * What the edges of the next second would cost by each way, in ns of CPU time, judged by what the host and the
 * targets do now. Takes about 50 ms.
 */
static int cost_measure(struct probe *p, uint64_t *syscall_ns, uint64_t *libc_ns)
{
	struct timespec pause = {0, MEASURE_NS};
	struct bpf_link *link = bpf_program__attach(p->skel->progs.on_sys_exit_count);
	uint64_t counters[16], scale = NS_PER_S / MEASURE_NS;
	int error;

	if (!link)
		return -errno;
	nanosleep(&pause, NULL);
	error = probe_counters(p, counters);
	bpf_link__destroy(link);
	if (error)
		return error;
	*syscall_ns = scale * (counters[LG_CNT_HOST_CALLS] * PRICE_HOST_CALL +
			       counters[LG_CNT_TARGET_CALLS] * PRICE_TARGET_CALL);
	*libc_ns = scale * counters[LG_CNT_TARGET_EDGES] * PRICE_UPROBE;
	return 0;
}

/* Below this share of one CPU (0.5 %) nobody notices, and system calls see more than a libc does. */
#define CHEAP_NS 5000000

/* Whether auto mode should take libc probes: when system calls would cost noticeably more. */
static bool libc_is_cheaper(struct probe *p)
{
	uint64_t syscall_ns = 0, libc_ns = 0;

	if (cost_measure(p, &syscall_ns, &libc_ns))
		return false;
	return syscall_ns > CHEAP_NS && syscall_ns > 2 * libc_ns;
}

static int libc_attach_all(struct probe *p, const int *pids, size_t nr_pids, struct err *err)
{
	int error = 0;

	p->edges = LG_EDGES_LIBC;
	for (size_t i = 0; i < nr_pids && !error; i++)
		error = probe_attach_process(p, pids[i], err);
	p->skel->bss->control.edges = p->edges;
	return error;
}

static int syscall_attach_all(struct probe *p, const int *pids, size_t nr_pids, struct err *err)
{
	int error = 0;

	p->edges = LG_EDGES_SYSCALL;
	p->skel->bss->control.edges = p->edges;
	for (size_t i = 0; i < nr_pids && !error; i++)
		error = probe_attach_process(p, pids[i], err);
	return error ? error : probe_program_attach(p->skel->progs.on_sys_exit, &p->skel->links.on_sys_exit, err);
}

static int edges_attach(struct probe *p, const int *pids, size_t nr_pids, struct err *err)
{
	struct err unsaid = {};

	if (p->opts.edges == PROBE_EDGES_LIBC)
		return libc_attach_all(p, pids, nr_pids, err);
	if (p->opts.edges == PROBE_EDGES_AUTO && libc_is_cheaper(p)) {
		if (!libc_attach_all(p, pids, nr_pids, &unsaid))
			return 0;
		for (size_t i = 0; i < nr_pids; i++)
			probe_detach_process(p, pids[i]);
	}
	return syscall_attach_all(p, pids, nr_pids, err);
}

/* Births are seen before the present threads are taken in, so that none falls between. */
int probe_attach(struct probe *p, const int *pids, size_t nr_pids, struct err *err)
{
	struct lgtrace_bpf *skel = p->skel;
	struct {
		struct bpf_program *program;
		struct bpf_link **link;
	} always[] = {
		{skel->progs.on_fork, &skel->links.on_fork},
		{skel->progs.on_exec, &skel->links.on_exec},
		{skel->progs.on_exit, &skel->links.on_exit},
		{skel->progs.on_sched_switch, &skel->links.on_sched_switch},
	};
	int error = 0;

	for (size_t i = 0; i < sizeof(always) / sizeof(*always) && !error; i++)
		error = probe_program_attach(always[i].program, always[i].link, err);
	if (!error && p->is_ticked)
		error = probe_program_attach(skel->progs.on_tick, &skel->links.on_tick, err);
	if (!error)
		error = probe_take_in(p, err);
	return error ? error : edges_attach(p, pids, nr_pids, err);
}
