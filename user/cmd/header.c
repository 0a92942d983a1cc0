/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header: printed once everything is attached, so its arrival says that from now on nothing is missed. Live and
 * recorded targets come as the same records, so that both are told the same.
 */
#include "cmd/header.h"

#include <stdlib.h>
#include <string.h>

#include "render/target.h"
#include "source/target_record.h"

struct header_target {
	char comm[LG_COMM_LEN];
	char exe[PROC_PATH_LEN];
	char runtime[TARGET_RUNTIME_LEN];
};

static struct header *header_new(const struct trace_opts *opts)
{
	struct header *header = calloc(1, sizeof(*header));

	if (header)
		header->texts = calloc(HEADER_MAX_TARGETS, sizeof(*header->texts));
	if (!header || !header->texts) {
		free(header);
		return NULL;
	}
	header->told.threshold_ns = opts->threshold_ns;
	header->told.is_auto = opts->is_auto;
	header->told.features = header->features;
	header->told.targets = header->targets;
	return header;
}

void header_free(struct header *header)
{
	if (!header)
		return;
	buf_fini(&header->records);
	free(header->texts);
	free(header);
}

static void target_add(struct header *header, const struct lg_rec_target *rec)
{
	size_t n = header->told.nr_targets;
	struct header_target *text = &header->texts[n];
	size_t exe_len = rec->exe_len < sizeof(text->exe) ? rec->exe_len : sizeof(text->exe) - 1;

	if (n == HEADER_MAX_TARGETS)
		return;
	memcpy(text->comm, rec->comm, sizeof(text->comm) - 1);
	memcpy(text->exe, rec->exe, exe_len);
	header->targets[n] = (struct render_target){
		.pid = rec->pid,
		.comm = text->comm,
		.exe = exe_len ? text->exe : NULL,
		.runtime = target_format_runtime(text->runtime, sizeof(text->runtime), rec->runtime, rec->version),
	};
	header->told.nr_targets++;
	buf_add(&header->records, rec, rec->head.len);
}

static void feature_add(struct header *header, const char *name, const char *word)
{
	header->features[header->told.nr_features++] = (struct render_feature){name, word};
}

struct header *header_new_live(const struct targets *traced, const struct probe *probe, const struct trace_opts *opts)
{
	struct header *header = header_new(opts);

	if (!header)
		return NULL;
	kernel_read(&header->kernel);
	header->told.version = LG_VERSION;
	header->told.kernel = header->kernel.release;
	header->told.host = header->kernel.host;
	feature_add(header, "edges", probe_edges(probe) == LG_EDGES_LIBC ? "libc" : "syscall");
	feature_add(header, "tls", probe_has_tls(probe) ? "yes" : "no");
	for (size_t i = 0; i < traced->nr_all && i < HEADER_MAX_TARGETS; i++) {
		struct target_record target;
		struct proc_stat stat = {};

		proc_stat(traced->all[i], 0, &stat);
		target_record_make(&target, traced->all[i], stat.comm);
		target_add(header, &target.u.rec);
	}
	return header;
}

struct header *header_new_recorded(struct file_reader *file, const struct trace_opts *opts)
{
	const struct file_info *info = file_reader_info(file);
	struct header *header = header_new(opts);
	const struct lg_rec_target *rec;
	size_t pos = 0;

	if (!header)
		return NULL;
	header->told.recorded_ns = info->start_ns ? info->start_ns : 1;
	header->told.version = info->version;
	header->told.kernel = info->kernel;
	header->told.host = info->host;
	for (size_t i = 0; i < info->nr_features; i++)
		feature_add(header, info->features[i].name, info->features[i].word);
	while ((rec = file_reader_target(file, &pos)))
		target_add(header, rec);
	return header;
}
