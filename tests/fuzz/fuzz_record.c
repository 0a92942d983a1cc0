/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Raw bytes to what is shown of them: record_check(), the facts of user/source/live.c, model and both views. Each
 * record is given in memory of exactly its length.
 */
#include <jansson.h>
#include <time.h>

#include "fuzz_records.h"
#include "model/model.h"
#include "render/render.h"
#include "source/live.h"
#include "target/proc.h"

enum options { VIA_LIVE = 1, UTF8 = 2, NARROW = 4, PATTERNS = 8, FEW_ROUTES = 16, RESTARTS = 32 };

struct view {
	struct render render;
	char *text;
	size_t len;
};

struct session {
	uint8_t options;
	struct model *model;
	struct view views[2];
	uint64_t end_ns;
};

static struct lg_slot slots[LG_MAX_SLOTS];

static void on_stall(void *arg, const struct model_stall *stall)
{
	struct session *s = arg;

	for (size_t i = 0; i < 2; i++)
		render_stall(&s->views[i].render, stall);
}

static void on_request(void *arg, const struct model_done *done)
{
	struct session *s = arg;

	for (size_t i = 0; i < 2; i++)
		render_request(&s->views[i].render, done);
}

static void on_record(void *arg, const struct lg_head *rec)
{
	struct session *s = arg;

	if (rec->time_ns > s->end_ns)
		s->end_ns = rec->time_ns;
	FUZZ_CHECK(model_feed(s->model, rec) == 0);
}

static void on_process(void *arg, int pid, bool is_exec)
{
	(void)arg, (void)pid, (void)is_exec;
}

static void on_process_end(void *arg, int pid)
{
	(void)arg, (void)pid;
}

static void on_loop(void *arg, int pid, int tid)
{
	(void)arg, (void)pid, (void)tid;
}

static void on_slot_free(void *arg, uint32_t slot)
{
	(void)arg;
	memset(&slots[slot], 0, sizeof(slots[slot]));
}

static void views_open(struct session *s)
{
	struct render_header header = {.version = "0", .threshold_ns = 20000000};

	for (size_t i = 0; i < 2; i++) {
		struct view *v = &s->views[i];

		v->render.ops = i ? &render_json : &render_text;
		v->render.out = open_memstream(&v->text, &v->len);
		v->render.style = (struct text_style){.utf8 = s->options & UTF8, .width = s->options & NARROW ? 60 : 0};
		if (!v->render.out)
			abort();
		render_begin(&v->render, &header);
	}
}

/* Every line of JSON is an object, and no byte of either view could do harm on a terminal. */
static void views_check(struct session *s)
{
	for (size_t i = 0; i < 2; i++) {
		struct view *v = &s->views[i];

		FUZZ_CHECK(render_flush(&v->render) == 0);
		fclose(v->render.out);
		fuzz_check_printable(v->text, v->len);
	}
	for (char *line = s->views[1].text, *end; (end = strchr(line, '\n')); line = end + 1) {
		json_t *object = json_loadb(line, end - line, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);

		FUZZ_CHECK(json_is_object(object));
		json_decref(object);
	}
	free(s->views[0].text);
	free(s->views[1].text);
}

static void summary_show(struct session *s)
{
	struct model_summary summary;

	FUZZ_CHECK(model_summary(s->model, s->end_ns, &summary) == 0);
	for (size_t i = 0; i < 2; i++)
		render_summary(&s->views[i].render, &summary);
	model_summary_fini(&summary);
}

static void records_take(struct session *s, struct live *live, const uint8_t *data, size_t size)
{
	const struct lg_head *head;
	size_t len, nr = 0;

	for (; size; data += len, size -= len) {
		uint8_t *copy;

		len = record_len(data, size);
		copy = (uint8_t *)fuzz_string(data, len);
		if (s->options & VIA_LIVE)
			live_take(live, copy, len);
		else if (record_check(copy, len, &head) > 0)
			on_record(s, head);
		free(copy);
		if (s->options & RESTARTS && ++nr % 32 == 0) {
			summary_show(s);
			FUZZ_CHECK(model_restart(s->model, s->end_ns) == 0);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const patterns[] = {"/users/*", NULL};
	struct session s = {.options = size ? data[0] : 0};
	struct model_opts opts = {
		.threshold_ns = 20000000,
		.route_patterns = s.options & PATTERNS ? patterns : NULL,
		.max_routes = s.options & FEW_ROUTES ? 2 : 0,
	};
	struct model_sink sink = {.arg = &s, .stall = on_stall, .request = on_request};
	struct live_sink live_sink = {&s, on_record, on_process, on_process_end, on_loop, on_slot_free};
	struct live *live;

	if (size < OPTIONS_LEN)
		return 0;
	setenv("TZ", "UTC", 1);
	proc_set_root("/nonexistent"); /* what this host runs is no input */
	if (model_new(&s.model, &opts, &sink, NULL) || live_new(&live, slots, &live_sink, NULL))
		abort();
	views_open(&s);
	records_take(&s, live, data + OPTIONS_LEN, size - OPTIONS_LEN);
	model_flush(s.model);
	summary_show(&s);
	views_check(&s);
	live_free(live);
	model_free(s.model);
	return 0;
}
