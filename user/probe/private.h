/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of user/probe share: the loaded programs and the uprobes in each process. */
#ifndef LG_PROBE_PRIVATE_H
#define LG_PROBE_PRIVATE_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/table.h"
#include "probe/probe.h"
#include "target/sites.h"
#include "target/tls.h"

#include "lgtrace.skel.h"

/* Places in one file for one program. */
struct uprobes {
	struct bpf_program *program;
	const char *path;
	uint64_t *offsets; /* in the file */
	uint64_t *cookies; /* one for each offset */
	size_t nr;
	bool is_return; /* when the function returns that begins there */
};

/* What keeps uprobes in a process: a link's descriptor, or libbpf's object. */
struct uprobe_link {
	int fd; /* -1: see link */
	struct bpf_link *link;
};

/* The uprobes in one process. */
struct process {
	struct uprobe_link *links;
	size_t nr_links;
	bool has_libc; /* libc mode: its probes are in */
	bool has_tls;
	unsigned nr_looks; /* of probe_refresh() */
};

struct probe {
	struct lgtrace_bpf *skel;
	struct probe_opts opts;
	struct ring_buffer *ring;
	struct lg_slot *slots;  /* the map's memory */
	struct table processes; /* pid -> struct process */
	enum lg_edges edges;
	bool has_tls;
	bool has_multi; /* uprobe_multi links are in use */
	bool is_ticked; /* samples come from the kernel's tick */
	int nr_cpus;
	probe_record_fn fn;
	void *arg;
	size_t taken;   /* bytes, by the probe_consume() that runs */
	bool is_behind; /* it left some, or there are some of which nobody is told: of threads just taken in */
};

/* Before the first use of libbpf. */
void probe_library_init(void);
/* Says why programs could not be loaded; returns `error`. */
int probe_load_error(int error, struct err *err);
/* Attaches one program; the link is destroyed with the skeleton where it is one of its own. */
int probe_program_attach(struct bpf_program *program, struct bpf_link **link, struct err *err);

/* Whether uprobe_multi links work here; the programs for them are prepared before they are loaded. */
bool multi_is_supported(void);
void multi_prepare(struct bpf_program *program);
/* Puts all of them in at once. The descriptor of the link, which keeps them, or -errno. */
int multi_attach(const struct uprobes *u, int pid);

/* Where samples come from, and how often: before the programs are loaded. */
void sample_select(struct probe *p);

void process_free(struct process *process);
/* Keeps a link for as long as the process is probed. */
int process_link_add(struct process *process, struct uprobe_link link);

#endif
