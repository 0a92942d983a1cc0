/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The uprobes in one process: behind the system calls of its libc (libc mode) and at OpenSSL's SSL_read
 * and SSL_write. Each is bound to the process, so that others that map the same file pay nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/private.h"

static int link_add(struct process *process, struct bpf_link *link)
{
	struct bpf_link **links;

	if (!link)
		return -errno;
	links = realloc(process->links, (process->nr_links + 1) * sizeof(*links));
	if (!links) {
		bpf_link__destroy(link);
		return -ENOMEM;
	}
	process->links = links;
	links[process->nr_links++] = link;
	return 0;
}

static int uprobe_add(struct process *process, int pid, struct bpf_program *program, const char *path, uint64_t offset,
		      uint64_t cookie, bool is_return)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = cookie, .retprobe = is_return);

	return link_add(process, bpf_program__attach_uprobe_opts(program, pid, path, offset, &opts));
}

void process_free(struct process *process)
{
	if (!process)
		return;
	for (size_t i = 0; i < process->nr_links; i++)
		bpf_link__destroy(process->links[i]);
	free(process->links);
	free(process);
}

static struct bpf_program *site_program(struct probe *p, enum site_kind kind)
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

static int site_file_attach(struct probe *p, struct process *process, int pid, const struct site_file *file,
			    struct err *err)
{
	for (size_t i = 0; i < file->nr; i++) {
		const struct site *site = &file->v[i];
		int error = uprobe_add(process, pid, site_program(p, site->kind), file->file.path, site->offset,
				       (uint64_t)site->nr, false);

		if (error == -ESRCH || error == -ENOENT)
			return error;
		if (error) {
			err_hint(err, "--probes syscall does without uprobes");
			return err_set(err,
				       error == -EPERM || error == -EACCES ? EXIT_CODE_NOT_PERMITTED : EXIT_CODE_KERNEL,
				       -error, "cannot put a uprobe at %s of process %d: %s", site->function, pid,
				       strerror(-error));
		}
	}
	return 0;
}

int process_attach_libc(struct probe *p, struct process *process, int pid, struct err *err)
{
	struct sites sites = {};
	int error = sites_add(&sites, pid, err);

	for (size_t i = 0; i < sites.nr_files && !error; i++)
		error = site_file_attach(p, process, pid, &sites.files[i], err);
	if (!error && !process->nr_links)
		error = err_set(err, EXIT_CODE_FAILED, ENOENT, "the C library of process %d has no place to probe",
				pid);
	if (error)
		err_hint(err, "--probes syscall works for every program");
	sites_fini(&sites);
	return error;
}

static int tls_file_attach(struct probe *p, struct process *process, int pid, const struct tls_file *file)
{
	struct lgtrace_bpf *skel = p->skel;
	const struct {
		enum tls_function function;
		struct bpf_program *entry;
		struct bpf_program *leave;
	} hooks[] = {
		{TLS_READ, skel->progs.on_ssl_read, skel->progs.on_ssl_read_return},
		{TLS_READ_EX, skel->progs.on_ssl_read_ex, skel->progs.on_ssl_read_return},
		{TLS_WRITE, skel->progs.on_ssl_write, NULL},
		{TLS_WRITE_EX, skel->progs.on_ssl_write, NULL},
	};
	int error = 0;

	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks) && !error; i++) {
		enum tls_function f = hooks[i].function;

		if (!file->probe[f])
			continue;
		error = uprobe_add(process, pid, hooks[i].entry, file->file.path, file->probe[f], 0, false);
		if (!error && hooks[i].leave)
			error = uprobe_add(process, pid, hooks[i].leave, file->file.path, file->entry[f], 0, true);
	}
	return error;
}

int process_attach_tls(struct probe *p, struct process *process, int pid)
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

/* A process that ends between two looks is no failure of ours. */
static bool is_gone(int error)
{
	return error == -ESRCH;
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
	int error = 0;

	if (!process)
		return err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
	if (p->edges == LG_EDGES_LIBC && !process->has_libc) {
		error = process_attach_libc(p, process, pid, err);
		process->has_libc = !error;
	}
	if (!error && !process->has_tls)
		process_attach_tls(p, process, pid);
	return is_gone(error) ? 0 : error;
}

void probe_detach_process(struct probe *p, int pid)
{
	process_free(table_del(&p->processes, pid));
}

bool probe_has_process(const struct probe *p, int pid)
{
	return table_get(&p->processes, pid) != NULL;
}

void probe_refresh(struct probe *p)
{
	size_t pos = 0;
	uint64_t pid;
	void *process;

	while (table_next(&p->processes, &pos, &pid, &process))
		probe_attach_process(p, pid, NULL);
}
