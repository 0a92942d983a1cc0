/* SPDX-License-Identifier: BSD-2-Clause */
/* A file is told by its last parts: the folder tells apart what has the same name, the whole path stands in JSON. */
#include "render/place.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "render/words.h"

#define MAX_PLACES 20 /* rows */
#define FILE_PARTS 3

const char *place_kind(enum lg_frame_kind kind)
{
	static const char *const words[] = {
		[LG_FRAME_NATIVE] = "native",
		[LG_FRAME_PYTHON] = "python",
		[LG_FRAME_JS] = "js",
		[LG_FRAME_KERNEL] = "kernel",
	};

	return (unsigned)kind < sizeof(words) / sizeof(words[0]) ? words[kind] : "unknown";
}

static const char *file_tail(const char *file)
{
	const char *at = file + strlen(file);
	int parts = FILE_PARTS;

	while (at > file && (at[-1] != '/' || --parts))
		at--;
	return at == file + 1 ? file : at;
}

const char *place_format(char *buf, size_t size, const char *function, const char *file, uint32_t line, bool utf8)
{
	char raw[1024], number[16] = "";

	if (line)
		snprintf(number, sizeof(number), ":%u", line);
	if (*file && !strstr(function, "+0x"))
		snprintf(raw, sizeof(raw), "%.400s (%.400s%s)", function, file_tail(file), number);
	else
		snprintf(raw, sizeof(raw), "%.800s", function);
	text_escape(buf, size, raw, strlen(raw), utf8);
	return buf;
}

static void put_line_number(struct writer *w, uint32_t line)
{
	if (line)
		writer_u64(w, "line", line);
	else
		writer_null(w, "line");
}

static void put_frame_keys(struct writer *w, const struct model_frame *frame)
{
	writer_string(w, "function", frame->function);
	writer_name(w, "file", frame->file);
	put_line_number(w, frame->line);
	writer_string(w, "kind", place_kind(frame->kind));
	writer_bool(w, "own", frame->is_own);
}

void place_put_frame(struct writer *w, const char *key, const struct model_frame *frame)
{
	writer_object(w, key);
	put_frame_keys(w, frame);
	writer_object_end(w);
}

void place_put_stack(struct writer *w, const struct model_frame *frames, size_t nr)
{
	writer_array(w, "stack");
	for (size_t i = 0; i < nr; i++)
		place_put_frame(w, NULL, &frames[i]);
	writer_array_end(w);
}

void place_put_json(struct writer *w, const struct model_summary *summary)
{
	writer_array(w, "places");
	for (size_t i = 0; i < summary->nr_places; i++) {
		const struct model_place *p = &summary->places[i];
		const struct model_frame frame = {p->function, p->file, p->line, p->kind, p->is_own};

		writer_object(w, NULL);
		put_frame_keys(w, &frame);
		writer_u64(w, "stalls", p->nr_stalls);
		writer_u64(w, "stall_ns", p->stall_ns);
		writer_u64(w, "longest_ns", p->max_stall_ns);
		writer_string(w, "cause", words_cause(p->cause));
		writer_name(w, "worst_id", p->worst_id);
		writer_array(w, "routes");
		for (unsigned r = 0; r < p->nr_routes; r++)
			writer_string(w, NULL, p->routes[r]);
		writer_array_end(w);
		writer_object_end(w);
	}
	writer_array_end(w);
}

static void put_number(struct render *r, int cols, const char *text)
{
	fprintf(r->out, "  %*s", cols, text);
}

/* "  GET /a, GET /b  id=order-7", printable */
static void format_whose(char *out, size_t size, const struct model_place *p, bool utf8)
{
	char raw[1024] = "", id[80] = "";
	size_t len = 0;

	for (unsigned i = 0; i < p->nr_routes && len < sizeof(raw); i++)
		len += snprintf(raw + len, sizeof(raw) - len, "%s%s", i ? ", " : "  ", p->routes[i]);
	if (*p->worst_id && len < sizeof(raw)) {
		snprintf(id, sizeof(id), "  id=%s", p->worst_id);
		snprintf(raw + len, sizeof(raw) - len, "%s", id);
	}
	text_escape(out, size, raw, strlen(raw), utf8);
}

static void put_place(struct render *r, const struct model_place *p)
{
	char count[UNITS_LEN], sum[UNITS_LEN], longest[UNITS_LEN], whole[2 * PLACE_LEN], text[2 * PLACE_LEN];
	size_t len;

	put_number(r, 6, units_format_count(count, sizeof(count), p->nr_stalls));
	put_number(r, 7, units_format_duration_table(sum, sizeof(sum), p->stall_ns));
	put_number(r, 7, units_format_duration_table(longest, sizeof(longest), p->max_stall_ns));
	place_format(whole, PLACE_LEN, p->function, p->file, p->line, r->style.utf8);
	len = strlen(whole);
	format_whose(whole + len, sizeof(whole) - len, p, r->style.utf8);
	text_fit(text, sizeof(text), whole, r->style.width > 40 ? r->style.width - 28 : sizeof(text), TEXT_CUT_END,
		 r->style.utf8);
	fprintf(r->out, "  %s\n", text);
}

void place_print(struct render *r, const struct model_summary *summary)
{
	if (!summary->nr_places)
		return;
	fputc('\n', r->out);
	text_put(r->out, &r->style, TEXT_BOLD, "PLACES of stalls in the code", 0);
	fputc('\n', r->out);
	text_put(r->out, &r->style, TEXT_DIM,
		 "  STALLS  STALLED  LONGEST  PLACE, its routes and the request of the longest", 0);
	fputc('\n', r->out);
	for (size_t i = 0; i < summary->nr_places && i < MAX_PLACES; i++)
		put_place(r, &summary->places[i]);
	if (summary->nr_places > MAX_PLACES)
		fprintf(r->out, "  and %zu more (--json tells all)\n", summary->nr_places - MAX_PLACES);
}
