/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stalls in detail, and turns that do not end: a page of its own for each, and their parts of their loop's page. All
 * that the text view says of a stall stands here, and what its words mean.
 */
#include <string.h>

#include "base/units.h"
#include "render/clock.h"
#include "render/hint.h"
#include "render/line.h"
#include "render/place.h"
#include "render/target.h"
#include "render/top_private.h"
#include "render/words.h"

#define SHOW_STALLS 8  /* on their loop's page */
#define VALUE_COL   10 /* of fields: "request   GET /a" */
#define NOTES_COL   14 /* below a stall's time */

void top_format_request(char *buf, size_t size, const struct model_request *request, bool utf8)
{
	char raw[LINE_REQUEST_LEN + MODEL_ID_LEN + 8];
	size_t len;

	line_format_request(raw, sizeof(raw), request);
	len = strlen(raw);
	if (*request->id)
		snprintf(raw + len, sizeof(raw) - len, "  id=%s", request->id);
	top_format_escaped(buf, size, raw, utf8);
}

bool top_is_severe(const struct board_stall *kept)
{
	return kept->is_stuck || kept->stall.duration_ns / 10 >= kept->stall.threshold_ns;
}

static void format_cause(char *buf, size_t size, const struct model_stall *stall, bool utf8)
{
	char raw[LINE_CAUSE_LEN];

	line_format_cause(raw, sizeof(raw), stall);
	top_format_escaped(buf, size, raw, utf8);
}

/* "c1-7 c1-8 and 3 more"; empty: nobody. Of those without an id only the number is known. */
static void format_victims(char *buf, size_t size, const struct model_stall *stall, bool utf8)
{
	unsigned more = stall->nr_victims - stall->nr_victims_told;
	char id[4 * MODEL_ID_LEN];
	size_t len = 0;

	*buf = '\0';
	for (unsigned i = 0; i < stall->nr_victims_told && len < size; i++) {
		top_format_escaped(id, sizeof(id), stall->victims[i], utf8);
		len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? " " : "", id);
	}
	if (more && len < size)
		snprintf(buf + len, size - len, len ? " and %u more" : "%u whose ids are not known yet", more);
}

/* --- fields: a name, and a text that may take several lines --- */

static void field_put(struct top_page *p, const char *name, unsigned attr, const char *text)
{
	if (!*text)
		return;
	screen_put(&p->screen, p->row, 0, TEXT_DIM, name);
	top_page_wrap(p, VALUE_COL, attr, text);
}

static void field_put_raw(struct top_page *p, const char *name, const char *raw)
{
	char text[4 * MODEL_PATH_LEN];

	top_format_escaped(text, sizeof(text), raw, p->screen.utf8);
	field_put(p, name, TEXT_PLAIN, text);
}

static void cause_put(struct top_page *p, const struct top *t, const struct model_stall *stall)
{
	char cause[TOP_CELL_LEN], text[TOP_CELL_LEN + 64], hint[HINT_LEN];

	format_cause(cause, sizeof(cause), stall, p->screen.utf8);
	snprintf(text, sizeof(text), "%s: %s", cause, words_cause_help(stall->cause));
	field_put(p, "cause", TEXT_CYAN, text);
	if (!t->no_hints)
		field_put_raw(p, "hint", hint_of_stall(hint, sizeof(hint), stall));
}

/* Whose it was, how that is known, and who waited. */
static void owner_put(struct top_page *p, const struct model_stall *stall)
{
	char text[MODEL_MAX_VICTIMS * 4 * MODEL_ID_LEN];

	snprintf(text, sizeof(text), "nobody's, or not known whose");
	if (stall->request)
		top_format_request(text, sizeof(text), stall->request, p->screen.utf8);
	field_put(p, "request", TEXT_BOLD, text);
	snprintf(text, sizeof(text), "%s: %s", words_confidence(stall->confidence),
		 words_confidence_help(stall->confidence));
	field_put(p, "sure", TEXT_PLAIN, text);
	format_victims(text, sizeof(text), stall, p->screen.utf8);
	field_put(p, "waited", TEXT_YELLOW, text);
}

static void request_put(struct top_page *p, const struct model_request *request)
{
	char peer[TARGET_LEN];
	const char *client;

	if (!request)
		return;
	client = target_format(peer, sizeof(peer), &request->peer, NULL);
	field_put_raw(p, "route", request->route);
	field_put_raw(p, "trace", request->trace_id);
	field_put_raw(p, "client", *request->method && client ? client : "");
}

/* "12.1 ms on the CPU, 148 ms blocked (syscall), 1.02 ms without a CPU" */
static void parts_put(struct top_page *p, const struct model_parts *parts)
{
	const struct {
		const char *what;
		uint64_t ns;
	} each[] = {
		{"in its code", parts->user_ns - (parts->gc_ns < parts->user_ns ? parts->gc_ns : parts->user_ns)},
		{"collecting garbage", parts->gc_ns},
		{"in the kernel", parts->system_ns},
		{"blocked", parts->blocked_ns},
		{"waiting for a CPU", parts->runqueue_ns},
		{"throttled", parts->throttled_ns},
	};
	char text[TOP_CELL_LEN] = "", length[UNITS_LEN];
	size_t len = 0;

	for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++)
		if (each[i].ns)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %s", len ? ", " : "",
						units_format_duration(length, sizeof(length), each[i].ns),
						each[i].what);
	field_put(p, "spent", TEXT_PLAIN, text);
}

static void frames_put(struct top_page *p, const struct model_stall *stall)
{
	char name[TOP_CELL_LEN];

	for (size_t i = 0; i < stall->nr_frames; i++) {
		const struct model_frame *f = &stall->frames[i];

		place_format(name, sizeof(name), f->function, f->file, f->line, p->screen.utf8);
		screen_put(&p->screen, p->row, 2, TEXT_DIM, place_kind(f->kind));
		top_page_put(p, VALUE_COL, f->is_own ? TEXT_BOLD : TEXT_PLAIN, name, TEXT_CUT_MIDDLE);
		p->row++;
	}
}

/* "STUCK for 1.21 s and counting, since 18:43:25.023", "150 ms, from 18:43:25.023 on" */
static void length_put(struct top_page *p, const struct top *t, const struct board_stall *kept)
{
	char text[CLOCK_LEN + UNITS_LEN + 32], time[CLOCK_LEN], length[UNITS_LEN];

	units_format_duration(length, sizeof(length), kept->stall.duration_ns);
	clock_format_local(time, sizeof(time), kept->stall.start_ns, t->realtime_offset_ns, 1);
	snprintf(text, sizeof(text), kept->is_stuck ? "STUCK for %s and counting, since %s" : "%s, from %s on", length,
		 time);
	top_page_wrap(p, 0, top_is_severe(kept) ? TEXT_RED : TEXT_YELLOW, text);
}

/* --- on a loop's page --- */

void top_stuck_put(struct top_page *p, const struct top *t, const struct board_stall *stuck)
{
	p->row++;
	length_put(p, t, stuck);
	cause_put(p, t, &stuck->stall);
	owner_put(p, &stuck->stall);
	frames_put(p, &stuck->stall);
}

/* Below a stall: where, who waited, and what to do, unless a newer one says it already. */
static void stall_notes(struct top_page *p, const struct top *t, const struct model_stall *stall, const char *hint,
			bool is_told)
{
	char text[MODEL_MAX_VICTIMS * 4 * MODEL_ID_LEN], line[sizeof(text) + 16];
	const struct model_frame *place = stall->place;

	if (place) {
		place_format(text, TOP_CELL_LEN, place->function, place->file, place->line, p->screen.utf8);
		snprintf(line, sizeof(line), "in %s", text);
		top_page_put(p, NOTES_COL, TEXT_DIM, line, TEXT_CUT_MIDDLE);
		p->row++;
	}
	format_victims(text, sizeof(text), stall, p->screen.utf8);
	snprintf(line, sizeof(line), "waited: %s", text);
	/* The stall's own page has them all. */
	if (NOTES_COL + text_columns(line) > p->screen.cols)
		snprintf(line, sizeof(line), "%u waited: %s", stall->nr_victims, text);
	if (*text) {
		top_page_put(p, NOTES_COL, TEXT_DIM, line, TEXT_CUT_END);
		p->row++;
	}
	if (t->no_hints || is_told || !*hint)
		return;
	top_format_escaped(text, sizeof(text), hint, p->screen.utf8);
	snprintf(line, sizeof(line), "hint: %s", text);
	top_page_wrap(p, NOTES_COL, TEXT_DIM, line);
}

static void stall_put(struct top_page *p, const struct top *t, const struct board_stall *kept)
{
	const struct model_stall *stall = &kept->stall;
	char time[CLOCK_LEN], length[UNITS_LEN], cause[TOP_CELL_LEN], who[TOP_CELL_LEN] = "-";
	int col;

	format_cause(cause, sizeof(cause), stall, p->screen.utf8);
	if (stall->request)
		top_format_request(who, sizeof(who), stall->request, p->screen.utf8);
	col = screen_put(&p->screen, p->row, 0, TEXT_DIM,
			 clock_format_local(time, sizeof(time), stall->start_ns, t->realtime_offset_ns, 1));
	col = screen_printf(&p->screen, p->row, col + 2, top_is_severe(kept) ? TEXT_RED : TEXT_YELLOW, "%s",
			    units_format_duration_table(length, sizeof(length), stall->duration_ns));
	col = screen_put(&p->screen, p->row, col + 2, TEXT_CYAN, cause);
	col = screen_put(&p->screen, p->row, col + 2, TEXT_DIM, words_confidence(stall->confidence));
	/* What has no room behind the rest stands below it. */
	if ((unsigned)col + 2 + text_columns(who) > p->screen.cols) {
		p->row++;
		col = NOTES_COL - 2;
	}
	top_page_wrap(p, col + 2, TEXT_PLAIN, who);
}

void top_stalls_put(struct top_page *p, const struct top *t, const struct board *b)
{
	char hints[SHOW_STALLS][HINT_LEN];
	const struct board_stall *kept;
	unsigned shown = 0;

	top_page_title(p, "STALLS", "the newest first");
	for (size_t i = 0; (kept = board_stall(b, i)) && shown < SHOW_STALLS; i++) {
		bool is_told = false;

		if (kept->stall.tid != t->tid || kept->stall.pid != t->pid)
			continue;
		hint_of_stall(hints[shown], HINT_LEN, &kept->stall);
		for (unsigned j = 0; j < shown; j++)
			is_told |= !strcmp(hints[j], hints[shown]);
		stall_put(p, t, kept);
		stall_notes(p, t, &kept->stall, hints[shown], is_told);
		shown++;
	}
	if (!shown)
		screen_put(&p->screen, p->row++, 2, TEXT_DIM, "none so far");
}

void top_worst_put(struct top_page *p, const struct top *t, const struct board_loop *l)
{
	char name[TOP_CELL_LEN], more[TOP_CELL_LEN + CLOCK_LEN + UNITS_LEN + 8], length[UNITS_LEN], time[CLOCK_LEN];
	const struct model_stall *stall = l->worst ? &l->worst->stall : NULL;

	if (!stall || !stall->nr_frames)
		return;
	snprintf(name, sizeof(name), "nobody's");
	if (stall->request)
		top_format_request(name, sizeof(name), stall->request, p->screen.utf8);
	snprintf(more, sizeof(more), "%s at %s, %s", units_format_duration(length, sizeof(length), stall->duration_ns),
		 clock_format_local(time, sizeof(time), stall->start_ns, t->realtime_offset_ns, 1), name);
	top_page_title(p, "STACK of the worst stall", more);
	frames_put(p, stall);
}

/* --- a page --- */

static void page_put(struct top_page *p, const struct top *t, const struct board_stall *kept)
{
	const struct model_stall *stall = &kept->stall;
	char text[LINE_LOOP_LEN + UNITS_LEN + 64], length[UNITS_LEN], threshold[UNITS_LEN];

	length_put(p, t, kept);
	p->row++;
	line_format_loop(text, sizeof(text), stall->pid, stall->tid, stall->comm, p->screen.utf8);
	field_put(p, "loop", TEXT_PLAIN, text);
	cause_put(p, t, stall);
	owner_put(p, stall);
	request_put(p, stall->request);
	parts_put(p, &stall->parts);
	units_format_duration(length, sizeof(length), stall->turn_ns);
	units_format_duration(threshold, sizeof(threshold), stall->threshold_ns);
	snprintf(text, sizeof(text), kept->is_stuck ? "%s so far" : "%s in all; the threshold was %s", length,
		 threshold);
	field_put(p, "turn", TEXT_PLAIN, text);
	if (!stall->nr_frames)
		return;
	top_page_title(p, "STACK", kept->is_stuck ? "where it was last seen" : "the innermost frame first");
	frames_put(p, stall);
}

void top_stall_draw(struct top *t, const struct board *b, struct screen *s, int at, unsigned height)
{
	const struct board_stall *kept = board_stall_at(b, t->pid, t->tid, t->stall_ns);
	struct top_page p;

	if (!kept) {
		screen_printf(s, at, 2, TEXT_DIM, "this stall of thread %u is not kept any more", t->tid);
		return;
	}
	if (top_page_init(&p, s))
		return;
	page_put(&p, t, kept);
	top_page_show(&p, s, &t->scroll, at, height);
}
