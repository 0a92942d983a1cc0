/* SPDX-License-Identifier: BSD-2-Clause */
/* A comparison for people: numbers of both runs, and the change where it can be told. */
#include <string.h>

#include "base/units.h"
#include "render/clock.h"
#include "render/compare_rows.h"
#include "render/place.h"
#include "render/words.h"

#define MAX_ROUTES  30  /* rows */
#define WIDE        130 /* terminals from this width on, and files, get every column */
#define CHANGE_COLS 7
#define NAME_LEN    (4 * (MODEL_PATH_LEN + MODEL_METHOD_LEN))

static bool is_wide(const struct render *r)
{
	return !r->style.width || r->style.width >= WIDE;
}

static void put_side(struct render *r, char letter, const struct compare_side *side)
{
	char name[NAME_LEN], time[CLOCK_LEN], elapsed[UNITS_LEN], stalled[UNITS_LEN], requests[UNITS_LEN];
	const struct model_summary *s = side->summary;
	uint64_t sum_ns = 0;

	for (int i = 0; i < LG_NR_CAUSES; i++)
		sum_ns += s->causes[i].stall_ns;
	text_escape(name, sizeof(name), side->name, strlen(side->name), r->style.utf8);
	fprintf(r->out, "%c: %s, ", letter, name);
	text_escape(name, sizeof(name), side->host, strlen(side->host), r->style.utf8);
	fprintf(r->out, "%.19sZ on %s: %s, %s requests, %llu stalls (%s in all)\n",
		clock_format_utc(time, sizeof(time), side->start_ns, 0), name,
		units_format_duration(elapsed, sizeof(elapsed), s->end_ns - s->start_ns),
		units_format_count(requests, sizeof(requests), s->nr_requests), (unsigned long long)s->nr_stalls,
		units_format_duration(stalled, sizeof(stalled), sum_ns));
}

static void put_count(struct render *r, int cols, uint64_t n)
{
	char text[UNITS_LEN];

	fprintf(r->out, "  %*s", cols, units_format_count(text, sizeof(text), n));
}

static void put_length(struct render *r, uint64_t ns, bool is_known)
{
	char text[UNITS_LEN];

	fprintf(r->out, "  %*s", UNITS_TABLE_COLS,
		is_known ? units_format_duration_table(text, sizeof(text), ns) : "-");
}

static void format_factor(char *text, size_t size, double before, double after)
{
	if (before <= 0)
		snprintf(text, size, "new");
	else if (after <= 0)
		snprintf(text, size, "gone");
	else if (after / before < 10)
		snprintf(text, size, "%+.0f%%", (after / before - 1) * 100);
	else
		snprintf(text, size, after / before < 10000 ? "x%.0f" : "x10000", after / before);
}

static void put_change(struct render *r, enum compare_verdict verdict, double before, double after)
{
	static const enum text_tone tones[] = {TEXT_DIM, TEXT_GREEN, TEXT_RED, TEXT_DIM};
	char text[32] = "~";

	if (verdict == COMPARE_FEW)
		snprintf(text, sizeof(text), "few");
	else if (verdict != COMPARE_SAME)
		format_factor(text, sizeof(text), before, after);
	fputs("  ", r->out);
	text_put(r->out, &r->style, tones[verdict], text, -CHANGE_COLS);
}

static double rate(const struct compare_sum *sum)
{
	return sum->units > 0 ? (double)sum->stall_ns / sum->units : 0;
}

static void put_quantile(struct render *r, const struct compare_route *row, double q, enum compare_verdict verdict)
{
	const struct hist *a = &row->sides[0]->hold, *b = &row->sides[1]->hold;
	uint64_t before = hist_quantile(a, q), after = hist_quantile(b, q);

	put_length(r, before, a->count);
	put_length(r, after, b->count);
	put_change(r, verdict, (double)before, (double)after);
}

static void put_route(struct render *r, const struct compare_route *row)
{
	char raw[MODEL_PATH_LEN + MODEL_METHOD_LEN + 2], name[NAME_LEN], cut[NAME_LEN];
	int left = (int)r->style.width - (is_wide(r) ? 119 : 60);

	if (is_wide(r)) {
		put_count(r, 6, row->sides[0]->count);
		put_count(r, 6, row->sides[1]->count);
	}
	put_count(r, 6, row->sums[0].nr_stalls);
	put_count(r, 6, row->sums[1].nr_stalls);
	if (is_wide(r)) {
		put_length(r, (uint64_t)(rate(&row->sums[0]) * 1000), row->sums[0].nr_stalls);
		put_length(r, (uint64_t)(rate(&row->sums[1]) * 1000), row->sums[1].nr_stalls);
	}
	put_change(r, row->stalled, rate(&row->sums[0]), rate(&row->sums[1]));
	if (is_wide(r))
		put_quantile(r, row, 0.5, row->p50);
	put_quantile(r, row, 0.99, row->p99);
	snprintf(raw, sizeof(raw), "%s%s%s", row->name->method, *row->name->method ? " " : "", row->name->route);
	text_escape(name, sizeof(name), raw, strlen(raw), r->style.utf8);
	text_fit(cut, sizeof(cut), name,
		 !r->style.width ? sizeof(cut)
		 : left > 8      ? (unsigned)left
				 : 8,
		 TEXT_CUT_MIDDLE, r->style.utf8);
	fputs("  ", r->out);
	text_put(r->out, &r->style, TEXT_CYAN, cut, 0);
	fputc('\n', r->out);
}

static void put_title(struct render *r, const char *title, const char *above, const char *heading)
{
	fputc('\n', r->out);
	text_put(r->out, &r->style, TEXT_BOLD, title, 0);
	fputc('\n', r->out);
	text_put(r->out, &r->style, TEXT_DIM, above, 0);
	fputc('\n', r->out);
	text_put(r->out, &r->style, TEXT_DIM, heading, 0);
	fputc('\n', r->out);
}

static void put_routes(struct render *r, const struct compare_rows *rows)
{
	if (!rows->nr_routes) {
		fputs("\nNo request was seen in either.\n", r->out);
		return;
	}
	if (is_wide(r))
		put_title(r, "ROUTES, what changed most first",
			  "        COUNT          STALLS      STALLED of 1000 requests          HOLD P50               "
			  "    "
			  "HOLD P99",
			  "       A       B       A       B        A        B   CHANGE        A        B   CHANGE      "
			  "  A   "
			  "     B   CHANGE  ROUTE");
	else
		put_title(r, "ROUTES, what changed most first", "        STALLS    STALLED             HOLD P99",
			  "       A       B   CHANGE        A        B   CHANGE  ROUTE");
	for (size_t i = 0; i < rows->nr_routes && i < MAX_ROUTES; i++)
		put_route(r, &rows->routes[i]);
	if (rows->nr_routes > MAX_ROUTES)
		fprintf(r->out, "  and %zu more (--json tells all)\n", rows->nr_routes - MAX_ROUTES);
}

/* What causes and places have in common; a name follows. */
static void put_per_minute(struct render *r, const struct compare_sum sums[2], enum compare_verdict verdict)
{
	put_count(r, 6, sums[0].nr_stalls);
	put_count(r, 6, sums[1].nr_stalls);
	put_length(r, (uint64_t)(rate(&sums[0]) * 60), sums[0].nr_stalls);
	put_length(r, (uint64_t)(rate(&sums[1]) * 60), sums[1].nr_stalls);
	put_change(r, verdict, rate(&sums[0]), rate(&sums[1]));
	fputs("  ", r->out);
}

#define PER_MINUTE_COLS 45

static void put_places(struct render *r, const struct compare_rows *rows)
{
	int left = (int)r->style.width - PER_MINUTE_COLS;

	if (!rows->nr_places)
		return;
	put_title(r, "PLACES of stalls in the code, what changed most first",
		  "        STALLS         STALLED in a minute", "       A       B        A        B   CHANGE  PLACE");
	for (size_t i = 0; i < rows->nr_places && i < MAX_ROUTES; i++) {
		const struct model_place *place = rows->places[i].name;
		char name[PLACE_LEN], cut[PLACE_LEN];

		put_per_minute(r, rows->places[i].sums, rows->places[i].stalled);
		place_format(name, sizeof(name), place->function, place->file, place->line, r->style.utf8);
		text_fit(cut, sizeof(cut), name,
			 !r->style.width ? sizeof(cut)
			 : left > 8      ? (unsigned)left
					 : 8,
			 TEXT_CUT_MIDDLE, r->style.utf8);
		fprintf(r->out, "%s\n", cut);
	}
	if (rows->nr_places > MAX_ROUTES)
		fprintf(r->out, "  and %zu more (--json tells all)\n", rows->nr_places - MAX_ROUTES);
}

static void put_causes(struct render *r, const struct compare_rows *rows)
{
	bool has_heading = false;

	for (int i = 0; i < LG_NR_CAUSES; i++) {
		const struct compare_cause *row = &rows->causes[i];

		if (!row->sums[0].nr_stalls && !row->sums[1].nr_stalls)
			continue;
		if (!has_heading)
			put_title(r, "CAUSES of stalls", "        STALLS         STALLED in a minute",
				  "       A       B        A        B   CHANGE  CAUSE");
		has_heading = true;
		put_per_minute(r, row->sums, row->stalled);
		text_put(r->out, &r->style, TEXT_CYAN, words_cause(i), 0);
		fputc('\n', r->out);
	}
}

int compare_print_text(struct render *r, const struct compare_side sides[2])
{
	char threshold[UNITS_LEN];
	struct compare_rows rows;
	int error = compare_rows_make(&rows, sides);

	if (error)
		return error;
	put_side(r, 'A', &sides[0]);
	put_side(r, 'B', &sides[1]);
	units_format_duration(threshold, sizeof(threshold), r->threshold_ns);
	fprintf(r->out, "Stalls are those over %s.\n", r->is_auto ? "what is normal for their loop" : threshold);
	put_routes(r, &rows);
	put_places(r, &rows);
	put_causes(r, &rows);
	fputs("\n~ a difference within chance, or none   few: too few samples to say\n", r->out);
	for (int i = 0; i < 2; i++)
		if (sides[i].summary->lost)
			fprintf(r->out, "%c lost %llu: some of it may be missing\n", "AB"[i],
				(unsigned long long)sides[i].summary->lost);
	compare_rows_fini(&rows);
	return 0;
}
