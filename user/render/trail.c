/* SPDX-License-Identifier: BSD-2-Clause */
/* The names on a stall's way. */
#include "render/trail.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "render/line.h"
#include "render/place.h"
#include "render/target.h"
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

/* Takes over a printable text; false: there is no room. */
static bool name_add(struct trail *trail, const char *text)
{
	size_t size = strlen(text) + 1;

	if (trail->nr == TRAIL_MAX || trail->len + size > sizeof(trail->text))
		return false;
	trail->names[trail->nr++] = memcpy(trail->text + trail->len, text, size);
	trail->len += size;
	return true;
}

void trail_make(struct trail *trail, const struct trail_guide *guide, const struct model_stall *stall)
{
	char raw[LINE_DETAIL_LEN], detail[4 * sizeof(raw)], text[PLACE_LEN];
	unsigned reserved;

	trail->nr = 0;
	trail->len = 0;
	trail->detail = NULL;
	trail_format_loop(guide, text, sizeof(text), stall->pid, stall->comm);
	name_add(trail, text);
	name_add(trail, words_cause(stall->cause));
	trail_format_route(text, sizeof(text), stall->request);
	name_add(trail, text);
	line_format_detail(raw, sizeof(raw), stall);
	escape(detail, sizeof(detail), raw);
	reserved = *detail ? 1 : 0;
	for (size_t i = stall->nr_frames; i-- > 0 && trail->nr + reserved < TRAIL_MAX;) {
		const struct model_frame *f = &stall->frames[i];

		place_format(text, sizeof(text), f->function, f->file, f->line, true);
		if (trail->len + strlen(text) + sizeof(detail) < sizeof(trail->text))
			name_add(trail, text);
	}
	if (*detail && name_add(trail, detail))
		trail->detail = trail->names[trail->nr - 1];
}
