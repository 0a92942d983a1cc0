/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages that are longer than a screen: one loop in detail, and the help. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "render/bars.h"
#include "render/line.h"
#include "render/target.h"
#include "render/top_private.h"

#define PAGE_ROWS    256 /* more than any page has */
#define MIN_COLS     12  /* of a text that is wrapped: narrower screens cut it, or pages would be longer than that */
#define CHART_ROWS   4
#define SHOW_ROUTES  8
#define SHOW_FLIGHTS 8

int top_page_init(struct top_page *p, const struct screen *s)
{
	*p = (struct top_page){};
	return screen_init(&p->screen, PAGE_ROWS, s->cols, s->utf8);
}

int top_page_put(struct top_page *p, int col, unsigned attr, const char *text, enum text_cut cut)
{
	char fitted[TOP_CELL_LEN];
	unsigned cols = (unsigned)col < p->screen.cols ? p->screen.cols - (unsigned)col : 0;

	text_fit(fitted, sizeof(fitted), text, cols, cut, p->screen.utf8);
	return screen_put(&p->screen, p->row, col, attr, fitted);
}

void top_page_title(struct top_page *p, const char *title, const char *more)
{
	int col;

	p->row++;
	col = screen_put(&p->screen, p->row, 0, TEXT_BOLD, title);
	top_page_put(p, col + 2, TEXT_DIM, more, TEXT_CUT_END);
	p->row++;
}

/* Whether the first bytes of a text go into so many columns. */
static bool is_fitting(const char *text, size_t len, unsigned cols)
{
	char head[TOP_CELL_LEN];

	snprintf(head, sizeof(head), "%.*s", (int)len, text);
	return len < sizeof(head) && text_columns(head) <= cols;
}

/* How much of a word goes into so many columns: whole characters, at least one. */
static size_t part_length(const char *text, unsigned cols)
{
	size_t len = 0, next = 0;

	do {
		len = next++;
		while ((text[next] & 0xc0) == 0x80)
			next++;
	} while (is_fitting(text, next, cols));
	return len ? len : next;
}

/* How much of a text goes into so many columns: up to the last blank that fits, else a part of the first word. */
static size_t line_length(const char *text, unsigned cols)
{
	size_t best = 0;

	for (size_t len = strcspn(text, " ");; len += 1 + strcspn(text + len + 1, " ")) {
		if (!is_fitting(text, len, cols))
			return best ? best : part_length(text, cols);
		best = len;
		if (!text[len])
			return best;
	}
}

void top_page_wrap(struct top_page *p, int col, unsigned attr, const char *text)
{
	unsigned cols = (unsigned)col + MIN_COLS < p->screen.cols ? p->screen.cols - (unsigned)col : MIN_COLS;
	char line[TOP_CELL_LEN];

	while (*text) {
		size_t len = line_length(text, cols);

		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		screen_put(&p->screen, p->row++, col, attr, line);
		text += len;
		text += strspn(text, " ");
	}
}

void top_page_show(struct top_page *p, struct screen *s, size_t *scroll, int at, unsigned height)
{
	size_t last = (size_t)p->row > height ? (size_t)p->row - height : 0;

	if (*scroll > last)
		*scroll = last;
	screen_copy(s, at, &p->screen, (unsigned)*scroll, height);
	screen_fini(&p->screen);
}

/* --- one loop --- */

static void loop_head(struct top_page *p, const struct board_loop *l)
{
	const struct board_rates *r = &l->rates;
	char name[LINE_LOOP_LEN], runtime[TARGET_RUNTIME_LEN], stalled[UNITS_LEN], turns[UNITS_LEN], text[256];
	struct screen *s = &p->screen;
	int col;

	line_format_loop(name, sizeof(name), l->total.pid, l->total.tid, l->total.comm, s->utf8);
	col = screen_put(s, p->row, 0, TEXT_BOLD, name);
	col = screen_printf(s, p->row, col, TEXT_PLAIN, "  %s",
			    target_format_runtime(runtime, sizeof(runtime), l->total.runtime, l->total.version));
	col = screen_printf(s, p->row, col, TEXT_PLAIN, "  %s turn%s, now %u/s",
			    units_format_count(turns, sizeof(turns), l->total.turns), l->total.turns == 1 ? "" : "s",
			    r->turns_per_s);
	if (l->total.nr_stalls) {
		snprintf(text, sizeof(text), "  %llu stall%s, %s in all", (unsigned long long)l->total.nr_stalls,
			 l->total.nr_stalls == 1 ? "" : "s",
			 units_format_duration(stalled, sizeof(stalled), l->total.stall_ns));
		/* What has no room behind the rest stands below it. */
		if ((unsigned)col + text_columns(text) > s->cols) {
			p->row++;
			col = 0;
		}
		top_page_put(p, col, TEXT_YELLOW, text, TEXT_CUT_END);
	}
	p->row++;
	snprintf(text, sizeof(text),
		 "busy %u.%u%%: on the CPU %u.%u%%, blocked %u.%u%%, without a CPU %u.%u%%, throttled %u.%u%%",
		 r->busy / 10, r->busy % 10, r->on_cpu / 10, r->on_cpu % 10, r->blocked / 10, r->blocked % 10,
		 r->runqueue / 10, r->runqueue % 10, r->throttled / 10, r->throttled % 10);
	top_page_wrap(p, 0, TEXT_PLAIN, text);
}

/* What one row of the chart shows of a value: nothing to full, in eighths. */
static const char *chart_glyph(unsigned eighths, bool utf8)
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const plain[] = {" ", ".", ".", ".", ".", ":", ":", "#", "#"};

	return utf8 ? blocks[eighths] : plain[eighths];
}

static void loop_chart(struct top_page *p, const struct board_loop *l)
{
	top_page_title(p, "UTILISATION", "of each of the last 60 seconds, the newest on the right");
	for (int row = CHART_ROWS - 1; row >= 0; row--) {
		screen_put(&p->screen, p->row, 0, TEXT_DIM, row == CHART_ROWS - 1 ? "100%" : !row ? "  0%" : "");
		for (unsigned i = BOARD_HISTORY - l->nr_history; i < BOARD_HISTORY; i++) {
			unsigned level = (l->history[i] * CHART_ROWS * 8 + 999) / 1000;
			unsigned below = (unsigned)row * 8;
			unsigned eighths = level <= below ? 0 : level - below > 8 ? 8 : level - below;

			screen_put(&p->screen, p->row, 5 + (int)i, l->history[i] >= 900 ? TEXT_RED : TEXT_GREEN,
				   chart_glyph(eighths, p->screen.utf8));
		}
		p->row++;
	}
}

static void bar_put(void *arg, const char *text, bool is_marked)
{
	struct top_page *p = arg;

	screen_put(&p->screen, p->row++, 0, is_marked ? TEXT_RED : TEXT_PLAIN, text);
}

static void loop_turns(struct top_page *p, const struct board_loop *l)
{
	top_page_title(p, "TURNS", l->total.hist.count ? "by length" : "none so far");
	bars_each(&l->total.hist, p->screen.cols, p->threshold_ns, bar_put, p);
}

static const char *length_text(char *buf, uint64_t ns, uint64_t count)
{
	return count ? units_format_duration_table(buf, UNITS_LEN, ns) : "-";
}

static void loop_routes(struct top_page *p, const struct board_loop *l)
{
	char name[4 * (MODEL_PATH_LEN + MODEL_METHOD_LEN)], count[UNITS_LEN], cell[4][UNITS_LEN];
	struct model_route *routes;
	size_t nr = board_routes(l, &routes);
	int col;

	top_page_title(p, "ROUTES", nr ? "" : "none so far");
	if (nr)
		screen_put(&p->screen, p->row++, 0, TEXT_DIM,
			   "  COUNT  STALLS  HOLD-P50  HOLD-P99  HOLD-MAX  DELAY-P99  ROUTE");
	for (size_t i = 0; i < nr && i < SHOW_ROUTES; i++) {
		const struct model_route *r = &routes[i];

		top_format_route(name, sizeof(name), r, p->screen.utf8);
		col = screen_printf(&p->screen, p->row, 0, TEXT_PLAIN, "%7s  %6llu  %8s  %8s  %8s  %9s  ",
				    units_format_count(count, sizeof(count), r->count),
				    (unsigned long long)r->nr_stalls,
				    length_text(cell[0], hist_quantile(&r->hold, 0.5), r->hold.count),
				    length_text(cell[1], hist_quantile(&r->hold, 0.99), r->hold.count),
				    length_text(cell[2], r->hold.max_ns, r->hold.count),
				    length_text(cell[3], hist_quantile(&r->delay, 0.99), r->delay.count));
		top_page_put(p, col, TEXT_PLAIN, name, TEXT_CUT_MIDDLE);
		p->row++;
	}
	free(routes);
}

static void loop_flights(struct top_page *p, const struct board *b)
{
	char more[64], name[TOP_CELL_LEN], age[UNITS_LEN], hold[UNITS_LEN];
	int col;

	snprintf(more, sizeof(more), b->nr_flights ? "%zu, the oldest first" : "none", b->nr_flights);
	top_page_title(p, "IN FLIGHT", more);
	if (b->nr_flights)
		screen_put(&p->screen, p->row++, 0, TEXT_DIM, "    AGE     HELD  REQUEST");
	for (size_t i = 0; i < b->nr_flights && i < SHOW_FLIGHTS; i++) {
		top_format_request(name, sizeof(name), &b->flights[i].request, p->screen.utf8);
		col = screen_printf(&p->screen, p->row, 0, TEXT_PLAIN, "%7s  %7s  ",
				    units_format_duration_table(age, sizeof(age), b->flights[i].age_ns),
				    units_format_duration_table(hold, sizeof(hold), b->flights[i].hold_ns));
		top_page_wrap(p, col, TEXT_PLAIN, name);
	}
}

void top_loop_draw(struct top *t, const struct board *b, struct screen *s, int at, unsigned height)
{
	const struct board_loop *l = board_find(b, t->pid, t->tid);
	struct top_page p;

	if (top_page_init(&p, s))
		return;
	p.threshold_ns = l->total.threshold_ns;
	loop_head(&p, l);
	if (l->stuck)
		top_stuck_put(&p, t, l->stuck);
	loop_chart(&p, l);
	top_stalls_put(&p, t, b);
	top_worst_put(&p, t, l);
	loop_flights(&p, b);
	loop_routes(&p, l);
	loop_turns(&p, l);
	top_page_show(&p, s, &t->scroll, at, height);
}

/* --- help --- */

static void help_table(struct top_page *p, enum top_view view)
{
	const struct top_table_ops *ops = top_table_ops(view);

	top_page_title(p, ops->title, "the key sorts, a second time in reverse");
	for (unsigned i = 0; i < ops->nr_columns; i++) {
		const struct top_column *c = &ops->columns[i];

		screen_printf(&p->screen, p->row, 2, TEXT_BOLD, "%c", c->key);
		screen_put(&p->screen, p->row, 5, TEXT_PLAIN, c->title);
		top_page_wrap(p, 18, TEXT_PLAIN, c->help);
	}
}

void top_help_draw(struct top *t, struct screen *s, int at, unsigned height)
{
	const char *const keys[][2] = {
		{"Tab", "loops, routes, stalls, places"},
		{"Enter", "open the loop or stall under the cursor; Esc leads back"},
		{"Up Down PgUp PgDn", "move the cursor, which then stays on its row; Home lets go"},
		{"< > F6", "sort by the next column; r reverses the order"},
		{"/ F4", "show only rows that contain a text; Esc shows all"},
		{"p, Space", t->is_replay ? "stand still" : "stand still; tracing goes on"},
		{"z", "count from zero again"},
		{"^L", "draw the screen anew"},
		{"q F10", "quit"},
	};
	struct top_page p;

	if (top_page_init(&p, s))
		return;
	for (unsigned i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		screen_put(&p.screen, p.row, 2, TEXT_BOLD, keys[i][0]);
		top_page_wrap(&p, 22, TEXT_PLAIN, keys[i][1]);
	}
	p.row++;
	top_page_wrap(&p, 2, TEXT_PLAIN, "Rates and shares are those since the last refresh.");
	top_page_wrap(&p, 2, TEXT_PLAIN, "* counts since the start, or since z.");
	for (unsigned i = 0; i < TOP_NR_TABLES; i++)
		help_table(&p, i);
	top_page_show(&p, s, &t->scroll, at, height);
}
