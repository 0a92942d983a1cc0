/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attaches the empty programs of floor.bpf.c to the hooks that lgtrace has on one process: what these alone cost is
 * the floor under lgtrace's own cost. It sees the threads that live when it begins; those born later are left out.
 *
 * usage: floor syscall|libc PID   (root) Prints "ready" once all is attached, and on SIGINT or SIGTERM how many events
 *                                 of the process's first thread it saw.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/private.h"

#include "floor.skel.h"

static int sites_attach(struct floor_bpf *skel, int pid, const struct site_file *file, bool has_multi)
{
	uint64_t offsets[file->nr ? file->nr : 1], cookies[file->nr ? file->nr : 1];
	struct uprobes u = {.program = skel->progs.on_libc_return,
			    .path = file->file.path,
			    .offsets = offsets,
			    .cookies = cookies,
			    .nr = file->nr};
	int fd;

	for (size_t i = 0; i < file->nr; i++) {
		offsets[i] = file->v[i].offset;
		cookies[i] = 0;
		if (!has_multi && !bpf_program__attach_uprobe(u.program, false, pid, u.path, offsets[i]))
			return -errno;
	}
	if (!has_multi || !u.nr)
		return 0;
	fd = multi_attach(&u, pid); /* kept for as long as this process lives */
	return fd < 0 ? fd : 0;
}

static int libc_attach(struct floor_bpf *skel, int pid, bool has_multi)
{
	struct sites sites = {};
	struct err err = {};
	int error = sites_add(&sites, pid, &err);

	for (size_t i = 0; i < sites.nr_files && !error; i++)
		error = sites_attach(skel, pid, &sites.files[i], has_multi);
	sites_fini(&sites);
	return error;
}

/* Runs the iterator once. */
static int threads_mark(struct floor_bpf *skel)
{
	struct bpf_link *link = bpf_program__attach(skel->progs.mark_present);
	int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -errno;
	char nothing[64];

	while (fd >= 0 && read(fd, nothing, sizeof(nothing)) > 0)
		;
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return fd < 0 ? fd : 0;
}

static int hooks_attach(struct floor_bpf *skel, int pid, bool is_libc, bool has_multi)
{
	int error = threads_mark(skel);

	if (!error && (!bpf_program__attach(skel->progs.on_sched_switch) || !bpf_program__attach(skel->progs.on_tick)))
		error = -errno;
	if (!error && is_libc)
		error = libc_attach(skel, pid, has_multi);
	if (!error && !is_libc && !bpf_program__attach(skel->progs.on_sys_exit))
		error = -errno;
	return error;
}

static void seen_print(struct floor_bpf *skel, int pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);
	uint64_t nr_events = 0;

	bpf_map_lookup_elem(bpf_map__fd(skel->maps.marks), &fd, &nr_events);
	printf("%lu\n", nr_events);
}

static int floor_run(struct floor_bpf *skel, int pid, bool is_libc)
{
	bool has_multi = multi_is_supported();
	sigset_t set;
	int error, got;

	if (has_multi)
		multi_prepare(skel->progs.on_libc_return);
	skel->rodata->target_pid = pid;
	error = floor_bpf__load(skel);
	if (!error)
		error = hooks_attach(skel, pid, is_libc, has_multi);
	if (error)
		return error;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("ready");
	fflush(stdout);
	sigwait(&set, &got);
	seen_print(skel, pid);
	return 0;
}

int main(int argc, char **argv)
{
	bool is_libc = argc == 3 && !strcmp(argv[1], "libc");
	struct floor_bpf *skel;
	int error;

	if (argc != 3 || (!is_libc && strcmp(argv[1], "syscall"))) {
		fprintf(stderr, "usage: floor syscall|libc PID\n");
		return 2;
	}
	skel = floor_bpf__open();
	error = skel ? floor_run(skel, atoi(argv[2]), is_libc) : -errno;
	if (error)
		fprintf(stderr, "floor: %s\n", strerror(-error));
	floor_bpf__destroy(skel);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
