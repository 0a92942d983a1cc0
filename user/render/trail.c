/* SPDX-License-Identifier: BSD-2-Clause */
/* The names on a stall's way. */
#include "render/trail.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "render/line.h"
#include "render/words.h"

#define MAX_PROCS 65536 /* of all time: what comes later is told as native */

void trail_guide_init(struct trail_guide *guide)
{
	table_init(&guide->runtimes, 0);
}

void trail_guide_fini(struct trail_guide *guide)
{
	table_fini(&guide->runtimes);
}

void trail_guide_record(struct trail_guide *guide, const struct lg_head *head)
{
	const struct lg_rec_target *rec = (const void *)head;
	uintptr_t runtime;

	if (head->kind != LG_REC_TARGET || guide->runtimes.count >= MAX_PROCS)
		return;
	runtime = rec->runtime < LG_NR_RUNTIMES ? rec->runtime : LG_RT_NATIVE;
	/* Without memory a runtime is told as native. */
	table_put(&guide->runtimes, rec->pid, (void *)((uintptr_t)rec->version << 16 | (runtime + 1)));
}

static void escape(char *out, size_t size, const char *raw)
{
	text_escape(out, size, raw, strlen(raw), true);
}

void trail_format_loop(const struct trail_guide *guide, char *buf, size_t size, uint32_t pid, const char *comm)
{
	uintptr_t known = (uintptr_t)table_get(&guide->runtimes, pid);
	char runtime[TARGET_RUNTIME_LEN], raw[LG_COMM_LEN + TARGET_RUNTIME_LEN + 4];

	target_format_runtime(runtime, sizeof(runtime), known ? (known & 0xffff) - 1 : LG_RT_NATIVE,
			      (uint16_t)(known >> 16));
	snprintf(raw, sizeof(raw), "%.*s (%s)", LG_COMM_LEN, comm, runtime);
	escape(buf, size, raw);
}

void trail_format_route(char *buf, size_t size, const struct model_request *request)
{
	char raw[MODEL_METHOD_LEN + MODEL_PATH_LEN + 2];

	if (!request)
		snprintf(raw, sizeof(raw), "(nobody)");
	else if (!*request->method)
		snprintf(raw, sizeof(raw), "(connection)");
	else
		snprintf(raw, sizeof(raw), "%s %s", request->method, request->route);
	escape(buf, size, raw);
}

void trail_make(struct trail *trail, const struct trail_guide *guide, const struct model_stall *stall)
{
	char detail[TARGET_LEN + WORDS_SYSCALL_LEN];

	line_format_detail(detail, sizeof(detail), stall);
	trail_format_loop(guide, trail->names[TRAIL_LOOP], TRAIL_NAME_LEN, stall->pid, stall->comm);
	snprintf(trail->names[TRAIL_CAUSE], TRAIL_NAME_LEN, "%s", words_cause(stall->cause));
	trail_format_route(trail->names[TRAIL_ROUTE], TRAIL_NAME_LEN, stall->request);
	escape(trail->names[TRAIL_REST], TRAIL_NAME_LEN, detail);
	trail->nr = *trail->names[TRAIL_REST] ? TRAIL_REST + 1 : TRAIL_REST;
}
