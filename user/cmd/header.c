/* SPDX-License-Identifier: BSD-2-Clause */
/* The header: printed once everything is attached, so its arrival says that from now on nothing is missed. */
#include <string.h>

#include "cmd/header.h"
#include "render/target.h"
#include "target/kernel.h"
#include "target/proc.h"
#include "target/runtime.h"

static void target_describe(int pid, struct render_target *target, char *comm, char *exe, char *runtime)
{
	struct runtime found = {};
	struct proc_stat stat = {};

	proc_stat(pid, 0, &stat);
	memcpy(comm, stat.comm, LG_COMM_LEN);
	target->pid = pid;
	target->comm = comm;
	target->exe = proc_exe(pid, exe, PROC_PATH_LEN, NULL) < 0 ? NULL : exe;
	runtime_detect(&found, pid);
	target->runtime = target_format_runtime(runtime, TARGET_RUNTIME_LEN, found.kind, found.version);
}

/* What is told of the targets at the start; more may come (children), told by their stalls. */
#define HEADER_MAX_TARGETS 16

void header_print(struct render *render, const struct targets *traced, const struct probe *probe, uint64_t threshold_ns)
{
	static char comm[HEADER_MAX_TARGETS][LG_COMM_LEN], exe[HEADER_MAX_TARGETS][PROC_PATH_LEN];
	static char runtime[HEADER_MAX_TARGETS][TARGET_RUNTIME_LEN];
	struct render_target targets[HEADER_MAX_TARGETS];
	struct render_feature features[] = {
		{"edges", probe_edges(probe) == LG_EDGES_LIBC ? "libc" : "syscall"},
		{"tls", probe_has_tls(probe) ? "yes" : "no"},
	};
	struct kernel kernel = {};
	struct render_header header = {
		.version = LG_VERSION,
		.kernel = kernel.release,
		.host = kernel.host,
		.threshold_ns = threshold_ns,
		.features = features,
		.nr_features = sizeof(features) / sizeof(*features),
		.targets = targets,
	};

	kernel_read(&kernel);
	for (size_t i = 0; i < traced->nr_all && i < HEADER_MAX_TARGETS; i++)
		target_describe(traced->all[i], &targets[header.nr_targets++], comm[i], exe[i], runtime[i]);
	render_begin(render, &header);
}
