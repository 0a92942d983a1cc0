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

/* The uprobes in one process. */
struct process {
	struct bpf_link **links;
	size_t nr_links;
	bool has_libc; /* libc mode: its probes are in */
	bool has_tls;
};

struct probe {
	struct lgtrace_bpf *skel;
	struct probe_opts opts;
	struct ring_buffer *ring;
	struct lg_slot *slots;  /* the map's memory */
	struct table processes; /* pid -> struct process */
	enum lg_edges edges;
	bool has_tls;
	int nr_cpus;
	probe_record_fn fn;
	void *arg;
};

/* Puts the libc probes into a process. */
int process_attach_libc(struct probe *p, struct process *process, int pid, struct err *err);
/* Puts the TLS probes into a process that uses OpenSSL. */
int process_attach_tls(struct probe *p, struct process *process, int pid);
void process_free(struct process *process);

/*
 * What the edges of the next second would cost by each way, in ns of CPU time, judged by what
 * the host and the targets do now. Takes about 50 ms.
 */
int cost_measure(struct probe *p, uint64_t *syscall_ns, uint64_t *libc_ns);

#endif
