/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The uprobes in one process: behind the system calls of its libc (libc mode) and at OpenSSL's SSL_read
 * and SSL_write. Each is bound to the process, so that others that map the same file pay nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/private.h"

int process_link_add(struct process *process, struct uprobe_link link)
{
	struct uprobe_link *links = realloc(process->links, (process->nr_links + 1) * sizeof(*links));

	if (!links)
		return -ENOMEM;
	process->links = links;
	links[process->nr_links++] = link;
	return 0;
}

static void link_close(struct uprobe_link link)
{
	bpf_link__destroy(link.link);
	if (link.fd >= 0)
		close(link.fd);
}

static int uprobes_attach_multi(struct process *process, int pid, const struct uprobes *u)
{
	struct uprobe_link link = {.fd = multi_attach(u, pid)};
	int error;

	if (link.fd < 0)
		return link.fd;
	error = process_link_add(process, link);
	if (error)
		link_close(link);
	return error;
}

/* Kernels without uprobe_multi: one by one. */
static int uprobes_attach_each(struct process *process, int pid, const struct uprobes *u)
{
	int error = 0;

	for (size_t i = 0; i < u->nr && !error; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = u->cookies[i], .retprobe = u->is_return);
		struct uprobe_link link = {.fd = -1};

		link.link = bpf_program__attach_uprobe_opts(u->program, pid, u->path, u->offsets[i], &opts);
		error = link.link ? process_link_add(process, link) : -errno;
		if (error)
			link_close(link);
	}
	return error;
}

static int uprobes_attach(const struct probe *p, struct process *process, int pid, const struct uprobes *u)
{
	if (!u->nr)
		return 0;
	return p->has_multi ? uprobes_attach_multi(process, pid, u) : uprobes_attach_each(process, pid, u);
}

void process_free(struct process *process)
{
	if (!process)
		return;
	for (size_t i = 0; i < process->nr_links; i++)
		link_close(process->links[i]);
	free(process->links);
	free(process);
}

static struct bpf_program *site_program(const struct probe *p, enum site_kind kind)
{
	switch (kind) {
	case SITE_CALL:
		return p->skel->progs.on_libc_enter;
	case SITE_RESULT:
		return p->skel->progs.on_libc_result;
	default:
		return p->skel->progs.on_libc_return;
	}
}

/* Attaches the sites of one kind. */
static int sites_attach(const struct probe *p, struct process *process, int pid, const struct site_file *file,
			enum site_kind kind)
{
	uint64_t offsets[file->nr ? file->nr : 1], cookies[file->nr ? file->nr : 1];
	struct uprobes u = {
		.program = site_program(p, kind), .path = file->file.path, .offsets = offsets, .cookies = cookies};

	for (size_t i = 0; i < file->nr; i++) {
		if (file->v[i].kind != kind)
			continue;
		offsets[u.nr] = file->v[i].offset;
		cookies[u.nr++] = file->v[i].nr;
	}
	return uprobes_attach(p, process, pid, &u);
}

static int site_file_attach(const struct probe *p, struct process *process, int pid, const struct site_file *file)
{
	int error = sites_attach(p, process, pid, file, SITE_DONE);

	/* Results before calls: a result without its call is passed over, a call without its result is not. */
	if (!error)
		error = sites_attach(p, process, pid, file, SITE_RESULT);
	return error ? error : sites_attach(p, process, pid, file, SITE_CALL);
}

static int libc_error(int error, int pid, struct err *err)
{
	bool may_not = error == -EPERM || error == -EACCES;

	err_hint(err, "--probes syscall does without uprobes");
	return err_set(err, may_not ? EXIT_CODE_NOT_PERMITTED : EXIT_CODE_KERNEL, -error,
		       "cannot put uprobes into process %d: %s", pid, strerror(-error));
}

/* Puts the libc probes into a process. */
static int libc_attach(struct probe *p, struct process *process, int pid, struct err *err)
{
	struct sites sites = {};
	int error = sites_add(&sites, pid, err);

	for (size_t i = 0; i < sites.nr_files && !error; i++)
		error = site_file_attach(p, process, pid, &sites.files[i]);
	if (!error && !process->nr_links)
		error = -ENOENT;
	if (error && error != -ESRCH)
		libc_error(error, pid, err);
	sites_fini(&sites);
	return error;
}

/* One link for the entries and one for the returns: taking a link out waits for the kernel. */
static int tls_file_attach(const struct probe *p, struct process *process, int pid, const struct tls_file *file)
{
	static const uint64_t cookie_of[TLS_NR_FUNCTIONS] = {
		[TLS_READ] = LG_TLS_READ,
		[TLS_READ_EX] = LG_TLS_READ_EX,
		[TLS_WRITE] = LG_TLS_WRITE,
		[TLS_WRITE_EX] = LG_TLS_WRITE,
	};
	uint64_t entries[TLS_NR_FUNCTIONS], returns[TLS_NR_FUNCTIONS];
	uint64_t entry_cookies[TLS_NR_FUNCTIONS], return_cookies[TLS_NR_FUNCTIONS] = {};
	struct uprobes enter = {.program = p->skel->progs.on_ssl_enter,
				.path = file->file.path,
				.offsets = entries,
				.cookies = entry_cookies};
	struct uprobes leave = {.program = p->skel->progs.on_ssl_return,
				.path = file->file.path,
				.offsets = returns,
				.cookies = return_cookies,
				.is_return = true};
	int error;

	for (int f = 0; f < TLS_NR_FUNCTIONS; f++) {
		if (!file->probe[f])
			continue;
		if (cookie_of[f] != LG_TLS_WRITE)
			returns[leave.nr++] = file->entry[f];
		entry_cookies[enter.nr] = cookie_of[f];
		entries[enter.nr++] = file->probe[f];
	}
	error = uprobes_attach(p, process, pid, &leave);
	return error ? error : uprobes_attach(p, process, pid, &enter);
}

/* Puts the TLS probes into a process that uses OpenSSL. */
static int tls_attach(struct probe *p, struct process *process, int pid)
{
	struct tls_files files = {};
	int error = tls_files_add(&files, pid);

	for (size_t i = 0; i < files.nr && !error; i++) {
		error = tls_file_attach(p, process, pid, &files.v[i]);
		if (!error)
			process->has_tls = p->has_tls = true;
	}
	tls_files_fini(&files);
	return error;
}

static struct process *process_get(struct probe *p, int pid)
{
	struct process *process = table_get(&p->processes, pid);

	if (process)
		return process;
	process = calloc(1, sizeof(*process));
	if (process && table_put(&p->processes, pid, process)) {
		process_free(process);
		return NULL;
	}
	return process;
}

int probe_attach_process(struct probe *p, int pid, struct err *err)
{
	struct process *process = process_get(p, pid);
	struct err said = {};
	int error = 0;

	if (!process)
		return err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
	if (p->edges == LG_EDGES_LIBC && !process->has_libc) {
		error = libc_attach(p, process, pid, &said);
		process->has_libc = !error;
	}
	if (!error && !process->has_tls)
		tls_attach(p, process, pid);
	/* One that ends between two looks is no failure of ours; until its parent takes note, it maps nothing. */
	if (!error || proc_has_ended(pid))
		return 0;
	if (err && !err->what[0])
		*err = said;
	return error;
}

/* Its threads are known by now; a later process with the same id is not meant. */
void probe_detach_process(struct probe *p, int pid)
{
	uint32_t id = pid;

	bpf_map_delete_elem(bpf_map__fd(p->skel->maps.targets), &id);
	process_free(table_del(&p->processes, pid));
}

bool probe_has_process(const struct probe *p, int pid)
{
	return table_get(&p->processes, pid) != NULL;
}

/* Often while it is young, then ever more seldom: each look reads the map of its memory. */
static bool is_look_due(unsigned nr_looks)
{
	return nr_looks < 16 || !(nr_looks & (nr_looks - 1)) || nr_looks % 64 == 0;
}

void probe_refresh(struct probe *p)
{
	size_t pos = 0;
	uint64_t pid;
	void *value;

	while (table_next(&p->processes, &pos, &pid, &value)) {
		struct process *process = value;

		if (is_look_due(process->nr_looks++))
			probe_attach_process(p, pid, NULL);
	}
}
