/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading, maps and the ring buffer. Attaching is in attach.c, uprobes in process.c. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "probe/private.h"
#include "target/kernel.h"

/* An interval this long between two edges of a loop without HTTP is told: well below any useful threshold. */
#define QUIET_NS 1000000

/* Bytes that are read at once: as many as the ring buffer holds (bpf/state.bpf.h). */
#define TAKE_MAX (8 << 20)

/* libbpf explains at length what one sentence of ours says; it may speak when asked to debug. */
static int log_print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	if (!getenv("LGTRACE_DEBUG_BPF"))
		return 0;
	(void)level;
	return vfprintf(stderr, fmt, args);
}

int probe_load_error(int error, struct err *err)
{
	struct kernel kernel;

	if (error == -EPERM) { /* -EACCES is the verifier's */
		err_hint(err, "run it as root, or with CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE");
		return err_set(err, EXIT_CODE_NOT_PERMITTED, -error, "the kernel refuses to load BPF programs: %s",
			       strerror(-error));
	}
	if (error == -ENOMEM) {
		err_hint(err,
			 "in a container raise its memory limit: what the kernel keeps for lgtrace counts, 128 MiB do");
		return err_set(err, EXIT_CODE_FAILED, -error, "no memory left for the BPF programs");
	}
	if (!kernel_read(&kernel) && kernel.version < KERNEL_OLDEST)
		return err_set(err, EXIT_CODE_KERNEL, -error,
			       "Linux %s is too old: its BPF lacks what lgtrace is made of; it needs 5.17 "
			       "or later",
			       kernel.release);
	err_hint(err, "lgtrace needs a kernel from 5.17 on with BTF; LGTRACE_DEBUG_BPF=1 shows what the kernel says");
	return err_set(err, EXIT_CODE_KERNEL, -error, "this kernel cannot load the BPF programs: %s", strerror(-error));
}

/* The coarse clocks go by the kernel's tick. */
static uint32_t tick_length(void)
{
	struct timespec tick = {0};

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return tick.tv_nsec;
}

/* The verifier takes some 40 ms for each of the large programs: what the mode does not need is not loaded. */
static void edges_select(struct probe *p)
{
	struct bpf_program *libc[] = {p->skel->progs.on_libc_return, p->skel->progs.on_libc_enter,
				      p->skel->progs.on_libc_result};
	bool is_auto = p->opts.edges == PROBE_EDGES_AUTO;

	for (size_t i = 0; i < sizeof(libc) / sizeof(*libc); i++)
		bpf_program__set_autoload(libc[i], is_auto || p->opts.edges == PROBE_EDGES_LIBC);
	bpf_program__set_autoload(p->skel->progs.on_sys_exit, is_auto || p->opts.edges == PROBE_EDGES_SYSCALL);
	bpf_program__set_autoload(p->skel->progs.on_sys_exit_count, is_auto);
}

static void config_set(struct probe *p)
{
	struct lg_config *config = &p->skel->rodata->config;

	config->turn_ns = p->opts.turn_ns;
	config->quiet_ns = QUIET_NS;
	config->follow = p->opts.follow;
	config->capture = LG_CAPTURE_MAX;
	config->ask = p->opts.ask;
	config->tick_ns = tick_length();
	config->stack = p->opts.stack;
	config->batch = p->opts.ask || p->opts.stack;
	if (!(p->opts.stack & LG_STACK_KERNEL))
		bpf_map__set_max_entries(p->skel->maps.kernel_stacks, 1);
	sample_select(p);
	edges_select(p);
	/* scan.c loads them by themselves. */
	bpf_program__set_autoload(p->skel->progs.on_scan_switch, false);
	bpf_program__set_autoload(p->skel->progs.on_scan_task, false);
	bpf_map__set_autocreate(p->skel->maps.scans, false);
}

static void uprobes_prepare(struct probe *p)
{
	struct bpf_program *programs[] = {
		p->skel->progs.on_libc_return, p->skel->progs.on_libc_enter, p->skel->progs.on_libc_result,
		p->skel->progs.on_ssl_enter,   p->skel->progs.on_ssl_return,
	};

	p->has_multi = multi_is_supported();
	for (size_t i = 0; p->has_multi && i < sizeof(programs) / sizeof(*programs); i++)
		multi_prepare(programs[i]);
}

/* Every slot is free at first; the lowest comes first off the stack. */
static int slots_init(struct probe *p)
{
	int free_fd = bpf_map__fd(p->skel->maps.free_slots);
	size_t size = sizeof(struct lg_slot) * LG_MAX_SLOTS;

	p->slots = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(p->skel->maps.slots), 0);
	if (p->slots == MAP_FAILED) {
		p->slots = NULL;
		return -errno;
	}
	for (uint32_t i = LG_MAX_SLOTS; i-- > 0;)
		if (bpf_map_update_elem(free_fd, NULL, &i, BPF_ANY))
			return -errno;
	return 0;
}

/* Where records come faster than they are read, signals and timers have their turn too. */
static int on_sample(void *arg, void *data, size_t size)
{
	struct probe *p = arg;
	int error = p->fn ? p->fn(p->arg, data, size) : 0;

	if (error)
		return error;
	p->taken += size;
	return p->taken < TAKE_MAX ? 0 : -EAGAIN;
}

static int maps_init(struct probe *p)
{
	int error = slots_init(p);

	if (error)
		return error;
	p->nr_cpus = libbpf_num_possible_cpus();
	if (p->nr_cpus < 0)
		return p->nr_cpus;
	p->ring = ring_buffer__new(bpf_map__fd(p->skel->maps.events), on_sample, p, NULL);
	return p->ring ? 0 : -errno;
}

void probe_library_init(void)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY}, files;

	libbpf_set_print(log_print);
	/* Kernels before 5.11 charge maps to this limit; where it may not be raised, loading tells. */
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	/* Each process takes a descriptor, and before 6.10 one for each of its uprobes. */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

int probe_open(struct probe **out, const struct probe_opts *opts, struct err *err)
{
	struct probe *p = calloc(1, sizeof(*p));
	int error;

	if (!p)
		return err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
	p->opts = *opts;
	table_init(&p->processes, 0);
	probe_library_init();
	p->skel = lgtrace_bpf__open();
	if (!p->skel) {
		error = probe_load_error(-errno, err);
		goto fail;
	}
	config_set(p);
	uprobes_prepare(p);
	error = lgtrace_bpf__load(p->skel);
	if (!error)
		error = maps_init(p);
	if (error) {
		error = probe_load_error(error, err);
		goto fail;
	}
	*out = p;
	return 0;
fail:
	probe_close(p);
	return error;
}

void probe_close(struct probe *p)
{
	size_t pos = 0;
	void *process;

	if (!p)
		return;
	while (table_next(&p->processes, &pos, NULL, &process))
		process_free(process);
	table_fini(&p->processes);
	ring_buffer__free(p->ring);
	if (p->slots)
		munmap(p->slots, sizeof(struct lg_slot) * LG_MAX_SLOTS);
	lgtrace_bpf__destroy(p->skel);
	free(p);
}

int probe_fd(const struct probe *p)
{
	return ring_buffer__epoll_fd(p->ring);
}

void probe_on_record(struct probe *p, probe_record_fn fn, void *arg)
{
	p->fn = fn;
	p->arg = arg;
}

int probe_consume(struct probe *p)
{
	int n;

	p->taken = 0;
	n = ring_buffer__consume(p->ring);
	p->is_behind = n == -EAGAIN;
	return n < 0 && !p->is_behind ? n : 0;
}

bool probe_is_behind(const struct probe *p)
{
	return p->is_behind;
}

const struct lg_slot *probe_slots(const struct probe *p)
{
	return p->slots;
}

void probe_slot_free(struct probe *p, uint32_t slot)
{
	if (slot >= LG_MAX_SLOTS)
		return;
	memset(&p->slots[slot], 0, sizeof(p->slots[slot]));
	bpf_map_update_elem(bpf_map__fd(p->skel->maps.free_slots), NULL, &slot, BPF_ANY);
}

int probe_counters(const struct probe *p, uint64_t *counters)
{
	int fd = bpf_map__fd(p->skel->maps.counters);
	uint64_t *per_cpu = calloc(p->nr_cpus, sizeof(*per_cpu));
	int error = per_cpu ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < 16 && !error; i++) {
		error = bpf_map_lookup_elem(fd, &i, per_cpu);
		counters[i] = 0;
		for (int cpu = 0; cpu < p->nr_cpus && !error; cpu++)
			counters[i] += per_cpu[cpu];
	}
	free(per_cpu);
	return error;
}

enum lg_edges probe_edges(const struct probe *p)
{
	return p->edges;
}

bool probe_has_tls(const struct probe *p)
{
	return p->has_tls;
}
