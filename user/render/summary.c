/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The summary for people. Tables have their numbers first and their one text of free length last, so that columns
 * stand straight whatever a target is called.
 */
#include "render/summary.h"

#include <string.h>

#include "base/units.h"
#include "render/bars.h"
#include "render/budget.h"
#include "render/hint.h"
#include "render/line.h"
#include "render/place.h"
#include "render/target.h"
#include "render/words.h"

#define MAX_LOOPS     20  /* rows; a screen holds both tables */
#define MAX_ROUTES    20  /* rows */
#define MAX_HISTS     4   /* histograms: of the loops that stalled most */
#define WIDE          120 /* terminals from this width on, and files, get every column */
#define MAX_NAME_COLS 60  /* a longer route moves the rest of its row when it goes into a file */
#define NAME_LEN      (4 * (MODEL_PATH_LEN + MODEL_METHOD_LEN))

static bool is_wide(const struct render *r)
{
	return !r->style.width || r->style.width >= WIDE;
}

/* Numbers of a table: right-aligned, two spaces before each. */
static void put_cell(struct render *r, int cols, const char *text)
{
	fprintf(r->out, "  %*s", cols, text);
}

static void put_count(struct render *r, int cols, uint64_t n)
{
	char text[UNITS_LEN];

	put_cell(r, cols, units_format_count(text, sizeof(text), n));
}

/* "-" where nothing was counted: 0 would be a length that was measured. */
static void put_length(struct render *r, int cols, uint64_t ns, uint64_t count)
{
	char text[UNITS_LEN];

	put_cell(r, cols, count ? units_format_duration_table(text, sizeof(text), ns) : "-");
}

static void put_title(struct render *r, const char *title)
{
	fputc('\n', r->out);
	text_put(r->out, &r->style, TEXT_BOLD, title, 0);
	fputc('\n', r->out);
}

static void put_heading(struct render *r, const char *heading)
{
	text_put(r->out, &r->style, TEXT_DIM, heading, 0);
	fputc('\n', r->out);
}

static void put_more(struct render *r, size_t all, size_t shown, const char *what)
{
	if (all > shown)
		fprintf(r->out, "  and %zu more %s%s (--json tells all)\n", all - shown, what,
			all - shown > 1 ? "s" : "");
}

/* Columns left for text behind `used` ones; -1: any number, since nothing is cut in a file. */
static int columns_left(const struct render *r, int used)
{
	if (!r->style.width)
		return -1;
	return (int)r->style.width > used + 8 ? (int)r->style.width - used : 8;
}

/* Whether a loop hangs; says so. */
static bool put_stuck(struct render *r, const struct model_summary *s)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->nr_loops; i++)
		nr += s->loops[i].stuck_ns != 0;
	if (nr) {
		fprintf(r->out, "%zu loop%s ", nr, nr == 1 ? " is" : "s are");
		text_put(r->out, &r->style, TEXT_RED, "STUCK", 0);
		fputs(" in a turn that has not ended.\n", r->out);
	}
	return nr;
}

static void put_overview(struct render *r, const struct model_summary *s)
{
	char elapsed[UNITS_LEN], threshold[UNITS_LEN], stalled[UNITS_LEN], requests[UNITS_LEN];

	fprintf(r->out, "\nTraced for %s: %zu loop%s, %s request%s",
		units_format_duration(elapsed, sizeof(elapsed), s->end_ns - s->start_ns), s->nr_loops,
		s->nr_loops == 1 ? "" : "s", units_format_count(requests, sizeof(requests), s->nr_requests),
		s->nr_requests == 1 ? "" : "s");
	if (s->nr_in_flight)
		fprintf(r->out, " and %llu still in flight", (unsigned long long)s->nr_in_flight);
	if (r->is_auto)
		snprintf(threshold, sizeof(threshold), "its own threshold");
	else
		units_format_duration(threshold, sizeof(threshold), r->threshold_ns);
	if (s->nr_stalls) {
		uint64_t sum_ns = 0;

		for (int i = 0; i < LG_NR_CAUSES; i++)
			sum_ns += s->causes[i].stall_ns;
		fprintf(r->out, ", %llu stall%s over %s (%s in all).\n", (unsigned long long)s->nr_stalls,
			s->nr_stalls == 1 ? "" : "s", threshold,
			units_format_duration(stalled, sizeof(stalled), sum_ns));
	} else {
		fputs(".\n", r->out);
	}
	if (!put_stuck(r, s) && !s->nr_stalls && s->nr_loops)
		fprintf(r->out, "No loop stalled for longer than %s.\n", threshold);
	if (s->nr_cumulative)
		fprintf(r->out, "%llu time%s short holds added up.\n", (unsigned long long)s->nr_cumulative,
			s->nr_cumulative == 1 ? "" : "s");
	if (s->nr_filtered)
		fprintf(r->out, "%llu more stall%s left out by the filters.\n", (unsigned long long)s->nr_filtered,
			s->nr_filtered == 1 ? " was" : "s were");
}

/* "4242 uvicorn, ended (cpython 3.11)" */
static void format_loop(char *buf, size_t size, const struct render *r, const struct model_loop *loop)
{
	char name[LINE_LOOP_LEN], runtime[TARGET_RUNTIME_LEN];

	line_format_loop(name, sizeof(name), loop->pid, loop->tid, loop->comm, r->style.utf8);
	snprintf(buf, size, "%s%s (%s)", name, loop->ended ? ", ended" : "",
		 target_format_runtime(runtime, sizeof(runtime), loop->runtime, loop->version));
}

static void put_loop(struct render *r, const struct model_loop *loop)
{
	uint64_t idle_ns = loop->idle_ns < loop->elapsed_ns ? loop->idle_ns : loop->elapsed_ns;
	uint64_t max_ns = loop->hist.max_ns ? loop->hist.max_ns : loop->max_turn_ns;
	uint64_t longest_ns = loop->stuck_ns > max_ns ? loop->stuck_ns : max_ns;
	char busy[UNITS_LEN], whole[NAME_LEN], name[NAME_LEN];
	uint64_t count = loop->hist.count;
	int left = columns_left(r, is_wide(r) ? 70 : 61);

	put_cell(r, 5, units_format_percent(busy, sizeof(busy), loop->elapsed_ns - idle_ns, loop->elapsed_ns));
	put_count(r, 6, loop->turns);
	put_count(r, 6, loop->nr_stalls);
	put_length(r, 7, loop->stall_ns, loop->nr_stalls);
	put_length(r, 7, hist_quantile(&loop->hist, 0.5), count);
	if (is_wide(r))
		put_length(r, 7, hist_quantile(&loop->hist, 0.9), count);
	put_length(r, 7, hist_quantile(&loop->hist, 0.99), count);
	put_length(r, 7, longest_ns, count || loop->stuck_ns);
	format_loop(whole, sizeof(whole), r, loop);
	text_fit(name, sizeof(name), whole, left < 0 ? sizeof(whole) : (unsigned)left, TEXT_CUT_END, r->style.utf8);
	fprintf(r->out, "  %s\n", name);
	if (loop->stuck_ns) {
		text_put(r->out, &r->style, TEXT_RED, "         STUCK", 0);
		fprintf(r->out, " for %s and still so\n", units_format_duration(busy, sizeof(busy), loop->stuck_ns));
	}
}

static void put_loops(struct render *r, const struct model_summary *s)
{
	if (!s->nr_loops) {
		fputs("No event loop was seen: no traced thread slept mostly in waits for events.\n", r->out);
		return;
	}
	put_title(r, "LOOPS, and their turns by length");
	put_heading(r, is_wide(r) ? "   BUSY   TURNS  STALLS  STALLED      P50      P90      P99      MAX  LOOP"
				  : "   BUSY   TURNS  STALLS  STALLED      P50      P99      MAX  LOOP");
	for (size_t i = 0; i < s->nr_loops && i < MAX_LOOPS; i++)
		put_loop(r, &s->loops[i]);
	put_more(r, s->nr_loops, MAX_LOOPS, "loop");
	for (size_t i = 0; i < s->nr_loops && i < MAX_HISTS; i++) {
		char name[NAME_LEN], threshold[UNITS_LEN];

		if (!s->loops[i].hist.count)
			continue;
		format_loop(name, sizeof(name), r, &s->loops[i]);
		fprintf(r->out, "\n  turns of %s", name);
		if (r->is_auto)
			fprintf(r->out, ", stalls from %s on",
				units_format_duration(threshold, sizeof(threshold), s->loops[i].threshold_ns));
		fputc('\n', r->out);
		bars_print(r->out, &r->style, &s->loops[i].hist,
			   r->is_auto ? s->loops[i].threshold_ns : r->threshold_ns);
	}
}

static void put_route(struct render *r, const struct model_route *route, int name_cols)
{
	char raw[MODEL_PATH_LEN + MODEL_METHOD_LEN], whole[NAME_LEN], name[NAME_LEN], id[4 * MODEL_ID_LEN];
	bool cut = r->style.width;

	put_count(r, 6, route->count);
	put_count(r, 6, route->nr_stalls);
	if (is_wide(r)) {
		put_length(r, 7, route->stall_ns, route->nr_stalls);
		put_length(r, 8, hist_quantile(&route->hold, 0.5), route->hold.count);
	}
	put_length(r, 8, hist_quantile(&route->hold, 0.99), route->hold.count);
	if (is_wide(r))
		put_length(r, 8, route->hold.max_ns, route->hold.count);
	put_length(r, 7, route->max_run_ns, route->max_run_ns);
	put_length(r, 9, hist_quantile(&route->delay, 0.99), route->delay.count);
	snprintf(raw, sizeof(raw), "%s%s%s", route->method, *route->method ? " " : "", route->route);
	text_escape(whole, sizeof(whole), raw, strlen(raw), r->style.utf8);
	text_fit(name, sizeof(name), whole, cut ? (unsigned)name_cols : sizeof(whole), TEXT_CUT_MIDDLE, r->style.utf8);
	fputs("  ", r->out);
	if (is_wide(r) && *route->worst_id) {
		text_put(r->out, &r->style, TEXT_CYAN, name, name_cols);
		text_escape(id, sizeof(id), route->worst_id, strlen(route->worst_id), r->style.utf8);
		fprintf(r->out, "  %s\n", id);
	} else {
		text_put(r->out, &r->style, TEXT_CYAN, name, 0);
		fputc('\n', r->out);
	}
}

/* Columns of the routes' names: as the longest one shown needs, as far as there is room. */
static int route_cols(const struct render *r, const struct model_summary *s)
{
	int longest = (int)strlen("ROUTE"), room = columns_left(r, is_wide(r) ? 77 + 20 : 48);

	for (size_t i = 0; i < s->nr_routes && i < MAX_ROUTES; i++) {
		const struct model_route *route = &s->routes[i];
		int cols = (int)(strlen(route->method) + strlen(route->route) + (*route->method ? 1 : 0));

		longest = cols > longest ? cols : longest;
	}
	if (room < 0 || room > MAX_NAME_COLS)
		room = MAX_NAME_COLS;
	return longest < room ? longest : room;
}

static void put_routes(struct render *r, const struct model_summary *s)
{
	int cols = route_cols(r, s);
	char heading[256];

	if (!s->nr_routes) {
		fputs("\nNo request was seen.\n", r->out);
		return;
	}
	put_title(r, "ROUTES, by how long their requests held the loop");
	if (is_wide(r))
		snprintf(heading, sizeof(heading),
			 "   COUNT  STALLS  STALLED  HOLD P50  HOLD P99  HOLD MAX  LONGEST  DELAY P99  %-*s  WORST "
			 "REQUEST",
			 cols, "ROUTE");
	else
		snprintf(heading, sizeof(heading), "   COUNT  STALLS  HOLD P99  LONGEST  DELAY P99  ROUTE");
	put_heading(r, heading);
	for (size_t i = 0; i < s->nr_routes && i < MAX_ROUTES; i++)
		put_route(r, &s->routes[i], cols);
	put_more(r, s->nr_routes, MAX_ROUTES, "route");
}

/* The stalls of a cause that were about the same, with what to do about them; the others' row is the cause's own. */
static void put_detail(struct render *r, const struct model_summary *s, enum lg_cause cause,
		       enum model_detail_kind kind, uint64_t sum_ns)
{
	const struct model_cause_detail *detail = &s->details[cause][kind];
	const struct model_detail unnamed = {.kind = kind};
	bool is_all = kind == MODEL_DETAIL_NONE || kind == MODEL_DETAIL_FUTEX; /* what the cause's word says already */
	char share[UNITS_LEN], hint[HINT_LEN] = "";

	if (!r->no_hints)
		hint_format(hint, sizeof(hint), cause, &unnamed, detail->runtime, NULL);
	if (!detail->nr_stalls || (is_all && !*hint))
		return;
	if (!is_all) {
		put_count(r, 6, detail->nr_stalls);
		put_length(r, 7, detail->stall_ns, detail->nr_stalls);
		put_cell(r, 6, units_format_percent(share, sizeof(share), detail->stall_ns, sum_ns));
		fprintf(r->out, "    %-8s", words_detail(kind));
	} else {
		fprintf(r->out, "%37s", "");
	}
	fprintf(r->out, "%s%s\n", *hint ? " " : "", hint);
}

static void put_causes(struct render *r, const struct model_summary *s)
{
	uint64_t sum_ns = 0;
	char share[UNITS_LEN];

	if (!s->nr_stalls)
		return;
	for (int i = 0; i < LG_NR_CAUSES; i++)
		sum_ns += s->causes[i].stall_ns;
	put_title(r, "CAUSES of stalls");
	put_heading(r, "  STALLS  STALLED   SHARE  CAUSE");
	for (int i = 0; i < LG_NR_CAUSES; i++) {
		const struct model_cause *cause = &s->causes[i];

		if (!cause->nr_stalls)
			continue;
		put_count(r, 6, cause->nr_stalls);
		put_length(r, 7, cause->stall_ns, cause->nr_stalls);
		put_cell(r, 6, units_format_percent(share, sizeof(share), cause->stall_ns, sum_ns));
		fputs("  ", r->out);
		text_put(r->out, &r->style, TEXT_CYAN, words_cause(i), 10);
		fprintf(r->out, " %s\n", words_cause_help(i));
		for (int kind = 0; kind < MODEL_NR_DETAILS; kind++)
			put_detail(r, s, i, kind, sum_ns);
	}
}

static void put_lost(struct render *r, const struct model_summary *s)
{
	static const struct {
		enum lg_counter counter;
		bool is_loss;
		const char *help;
	} counters[] = {
#define X(sym, nr, name, is_loss, help) {nr, is_loss, help},
		LG_COUNTERS(X)
#undef X
	};

	if (!s->lost) {
		fputs("\nlost 0\n", r->out);
		return;
	}
	fputc('\n', r->out);
	text_put(r->out, &r->style, TEXT_RED, "lost", 0);
	fprintf(r->out, " %llu: stalls and requests may be missing above, or told too short\n",
		(unsigned long long)s->lost);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		if (counters[i].is_loss && s->counters[counters[i].counter])
			fprintf(r->out, "  %llu %s\n", (unsigned long long)s->counters[counters[i].counter],
				counters[i].help);
}

void summary_print(struct render *r, const struct model_summary *summary)
{
	put_overview(r, summary);
	put_loops(r, summary);
	put_routes(r, summary);
	place_print(r, summary);
	put_causes(r, summary);
	budget_print(r, summary);
	put_lost(r, summary);
}
