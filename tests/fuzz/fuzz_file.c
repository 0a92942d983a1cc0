/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a recording, through all that lgtrace report does with one: reader, model, and every view. Checksums
 * count for nothing here (FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION), so that what lies behind them is reached.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/model.h"
#include "render/chrome.h"
#include "render/folded.h"
#include "render/html.h"
#include "render/pprof.h"
#include "source/file_reader.h"

#define MAX_INPUT (256 << 10) /* longer ones find nothing that shorter ones do not */

static const struct render_ops *const all_ops[] = {&render_text,   &render_json,  &render_folded,
						   &render_chrome, &render_pprof, &render_html};
#define NR_VIEWS (sizeof(all_ops) / sizeof(*all_ops))

static struct render renders[NR_VIEWS];

static void on_stall(void *arg, const struct model_stall *stall)
{
	(void)arg;
	for (size_t i = 0; i < NR_VIEWS; i++)
		render_stall(&renders[i], stall);
}

static void on_request(void *arg, const struct model_done *done)
{
	(void)arg;
	for (size_t i = 0; i < NR_VIEWS; i++)
		render_request(&renders[i], done);
}

static void views_begin(const struct file_info *info)
{
	struct render_header header = {
		.version = info->version,
		.kernel = info->kernel,
		.host = info->host,
		.threshold_ns = info->threshold_ns,
		.recorded_ns = 1,
	};

	for (size_t i = 0; i < NR_VIEWS; i++) {
		renders[i] = (struct render){.ops = all_ops[i], .out = fopen("/dev/null", "w")};
		renders[i].realtime_offset_ns = info->realtime_offset_ns;
		render_begin(&renders[i], &header);
	}
}

static void views_end(const struct model *model, uint64_t end_ns)
{
	struct model_summary summary;

	if (!model_summary(model, end_ns, &summary)) {
		for (size_t i = 0; i < NR_VIEWS; i++)
			render_summary(&renders[i], &summary);
		model_summary_fini(&summary);
	}
	for (size_t i = 0; i < NR_VIEWS; i++) {
		if (all_ops[i]->end)
			all_ops[i]->end(&renders[i]);
		fclose(renders[i].out);
	}
}

static void replay(struct file_reader *file)
{
	const struct file_info *info = file_reader_info(file);
	struct model_opts opts = {.threshold_ns = info->threshold_ns ? info->threshold_ns : 1000000};
	struct model_sink sink = {.stall = on_stall, .request = on_request};
	bool is_state = false, was_state = false;
	const struct lg_head *rec;
	struct model *model;
	uint64_t end_ns = 0;
	size_t pos = 0;

	while (file_reader_target(file, &pos))
		;
	if (model_new(&model, &opts, &sink, NULL))
		return;
	views_begin(info);
	while (file_reader_next(file, &rec, &is_state) == 1) {
		if (was_state && !is_state)
			model_restart(model, end_ns);
		was_state = is_state;
		end_ns = rec->time_ns > end_ns ? rec->time_ns : end_ns;
		for (size_t i = 0; i < NR_VIEWS; i++)
			render_record(&renders[i], rec);
		model_feed(model, rec);
	}
	model_flush(model);
	views_end(model, end_ns);
	model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file_reader *file = NULL;
	char path[32];
	int fd;

	if (size > MAX_INPUT)
		return -1;
	fd = memfd_create("recording", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!file_reader_open(&file, path, NULL))
		replay(file);
	file_reader_close(file);
	close(fd);
	return 0;
}
