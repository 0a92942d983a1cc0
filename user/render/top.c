/* SPDX-License-Identifier: BSD-2-Clause */
/* The frame around the views, and what keys do. */
#include "render/top.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "render/clock.h"
#include "render/top_private.h"
#include "render/words.h"

#define HEAD_ROWS 2  /* above a view: what is traced, and the tabs */
#define FOOT_ROWS 1  /* below it: the keys */
#define HOST_COLS 90 /* narrower screens have no room for the host's name beside the counts */

void top_init(struct top *t)
{
	for (unsigned i = 0; i < TOP_NR_TABLES; i++)
		t->tables[i].sort = top_table_ops(i)->sort;
}

int top_sort(struct top *t, enum top_view table, const char *title)
{
	const struct top_table_ops *ops = top_table_ops(table);

	for (unsigned i = 0; i < ops->nr_columns; i++)
		if (strcasecmp(ops->columns[i].title, title) == 0) {
			t->tables[table].sort = i;
			return 0;
		}
	return -EINVAL;
}

/* --- keys --- */

static bool is_table(const struct top *t)
{
	return t->view < TOP_NR_TABLES;
}

static void view_go(struct top *t, enum top_view view)
{
	if (is_table(t) && view >= TOP_NR_TABLES)
		t->back = t->view;
	t->view = view;
	t->scroll = 0;
}

/* Moves the cursor by so many rows. */
static void cursor_move(struct top *t, const struct board *b, long by)
{
	struct top_table *table = &t->tables[t->view];
	const void **rows;
	size_t nr = top_table_rows(t, b, false, &rows);
	size_t at = top_table_cursor(t, rows, nr);

	if (by < 0)
		at -= at < (size_t)-by ? at : (size_t)-by;
	else
		at += (size_t)by < nr - at ? (size_t)by : nr - at;
	if (at >= nr)
		at = nr ? nr - 1 : 0;
	table->selected = nr && at ? top_table_ops(t->view)->id(rows[at]) : 0;
	free(rows);
}

static void move(struct top *t, const struct board *b, long by)
{
	if (is_table(t))
		cursor_move(t, b, by);
	else if (by < 0)
		t->scroll -= t->scroll < (size_t)-by ? t->scroll : (size_t)-by;
	else
		t->scroll += by < 10000 ? (size_t)by : 10000; /* more lines than a page has: drawing mends it */
}

/* Opens what the cursor's row is about. */
static void row_open(struct top *t, const struct board *b)
{
	const struct top_table_ops *ops = top_table_ops(t->view);
	const void **rows;
	size_t nr = top_table_rows(t, b, false, &rows);

	if (nr && ops->open)
		view_go(t, ops->open(t, rows[top_table_cursor(t, rows, nr)]));
	free(rows);
}

/* To the next column that is on the screen. */
static void sort_next(struct top *t, int by)
{
	unsigned nr = top_table_ops(t->view)->nr_columns;
	struct top_table *table = &t->tables[t->view];

	for (unsigned i = 0; i < nr; i++) {
		table->sort = (table->sort + nr + (unsigned)by) % nr;
		if (!t->shown || t->shown >> table->sort & 1)
			break;
	}
	table->is_reverse = false;
}

/* The key of a column sorts by it, a second time in the other direction. */
static void sort_by_key(struct top *t, int key)
{
	const struct top_table_ops *ops = top_table_ops(t->view);
	struct top_table *table = &t->tables[t->view];

	for (unsigned i = 0; i < ops->nr_columns; i++)
		if (ops->columns[i].key == key) {
			table->is_reverse = table->sort == i && !table->is_reverse;
			table->sort = i;
		}
}

static void filter_key(struct top *t, int key)
{
	size_t len = strlen(t->filter);

	if (key == TOP_KEY_ENTER || key == TOP_KEY_ESC || key == TOP_KEY_FILTER)
		t->is_typing = false;
	if (key == TOP_KEY_ESC)
		t->filter[0] = '\0';
	else if (key == TOP_KEY_BACKSPACE && len)
		t->filter[len - 1] = '\0';
	else if (key >= ' ' && key < 0x7f && len + 1 < sizeof(t->filter))
		snprintf(t->filter + len, sizeof(t->filter) - len, "%c", key);
}

static void escape(struct top *t)
{
	if (is_table(t))
		t->filter[0] = '\0';
	else
		view_go(t, t->back);
}

static void tab(struct top *t, int by)
{
	enum top_view from = is_table(t) ? t->view : t->back;

	view_go(t, (from + TOP_NR_TABLES + (unsigned)by) % TOP_NR_TABLES);
}

static bool key_moves(struct top *t, const struct board *b, int key)
{
	long page = t->page > 1 ? (long)t->page - 1 : 1;

	switch (key) {
	case TOP_KEY_UP:
	case 'k':
		move(t, b, -1);
		return true;
	case TOP_KEY_DOWN:
	case 'j':
		move(t, b, 1);
		return true;
	case TOP_KEY_PAGE_UP:
		move(t, b, -page);
		return true;
	case TOP_KEY_PAGE_DOWN:
		move(t, b, page);
		return true;
	case TOP_KEY_HOME:
	case 'g':
		move(t, b, -1000000);
		return true;
	case TOP_KEY_END:
		move(t, b, 1000000);
		return true;
	default:
		return false;
	}
}

static void table_key(struct top *t, const struct board *b, int key)
{
	switch (key) {
	case TOP_KEY_ENTER:
		row_open(t, b);
		break;
	case '<':
		sort_next(t, -1);
		break;
	case '>':
	case TOP_KEY_SORT:
		sort_next(t, 1);
		break;
	case 'r':
		t->tables[t->view].is_reverse = !t->tables[t->view].is_reverse;
		break;
	case '/':
	case '\\':
	case TOP_KEY_FILTER:
		t->is_typing = true;
		break;
	default:
		sort_by_key(t, key);
	}
}

enum top_action top_key(struct top *t, const struct board *b, int key)
{
	if (t->is_typing) {
		filter_key(t, key);
		return TOP_NOTHING;
	}
	if (key_moves(t, b, key))
		return TOP_NOTHING;
	switch (key) {
	case 'q':
	case TOP_KEY_QUIT:
		return TOP_QUIT;
	case 'p':
	case ' ':
		t->is_paused = !t->is_paused;
		return TOP_PAUSE;
	case 'z':
		return TOP_RESET;
	case '?':
	case 'h':
	case TOP_KEY_HELP:
		view_go(t, TOP_HELP);
		break;
	case TOP_KEY_TAB:
	case TOP_KEY_RIGHT:
		tab(t, 1);
		break;
	case TOP_KEY_BACK_TAB:
	case TOP_KEY_LEFT:
		tab(t, -1);
		break;
	case TOP_KEY_ESC:
	case TOP_KEY_BACKSPACE:
		escape(t);
		break;
	default:
		if (is_table(t))
			table_key(t, b, key);
		else if (t->view == TOP_STALL && key == TOP_KEY_ENTER)
			view_go(t, TOP_LOOP);
	}
	return TOP_NOTHING;
}

/* --- drawing --- */

/* "  12 stalls over 20 ms"; a narrow screen has no room for what they are over. */
static void stalls_draw(const struct top *t, const struct board *b, struct screen *s, int col)
{
	char count[UNITS_LEN], threshold[UNITS_LEN], over[UNITS_LEN + 24];

	snprintf(over, sizeof(over), " over %s",
		 t->is_auto ? "their threshold" : units_format_duration(threshold, sizeof(threshold), t->threshold_ns));
	units_format_count(count, sizeof(count), b->nr_told_stalls);
	col = screen_printf(s, 0, col, b->nr_told_stalls ? TEXT_YELLOW : TEXT_PLAIN, "  %s stall%s", count,
			    b->nr_told_stalls == 1 ? "" : "s");
	if ((unsigned)col + text_columns(over) <= s->cols)
		screen_put(s, 0, col, b->nr_told_stalls ? TEXT_YELLOW : TEXT_PLAIN, over);
}

static void status_draw(const struct top *t, const struct board *b, struct screen *s)
{
	char time[CLOCK_LEN], host[256] = "", requests[UNITS_LEN], rate[UNITS_LEN];
	size_t nr_stuck = board_nr_stuck(b);
	int col;

	if (t->host && s->cols >= HOST_COLS)
		top_format_escaped(host, sizeof(host), t->host, s->utf8);
	col = screen_put(s, 0, 0, TEXT_BOLD, "lgtrace top");
	col = screen_printf(s, 0, col, TEXT_PLAIN, "  %s%s%s", host, *host ? "  " : "",
			    clock_format_local(time, sizeof(time), b->now_ns, t->realtime_offset_ns, 0));
	col = screen_printf(s, 0, col, TEXT_PLAIN, "  %zu loop%s", b->nr_loops, b->nr_loops == 1 ? "" : "s");
	if (nr_stuck)
		col = screen_printf(s, 0, col, TEXT_RED, "  %zu STUCK", nr_stuck);
	col = screen_printf(s, 0, col, TEXT_PLAIN, "  %s request%s, %s/s",
			    units_format_count(requests, sizeof(requests), b->nr_requests),
			    b->nr_requests == 1 ? "" : "s", units_format_count(rate, sizeof(rate), b->requests_per_s));
	if (b->lost)
		col = screen_printf(s, 0, col, TEXT_RED, "  lost %llu", (unsigned long long)b->lost);
	if (b->level)
		col = screen_printf(s, 0, col, TEXT_YELLOW, "  over budget: no %s", words_level(b->level));
	stalls_draw(t, b, s, col);
}

static void tabs_draw(const struct top *t, struct screen *s)
{
	int col = 0;

	for (unsigned i = 0; i < TOP_NR_TABLES; i++) {
		bool is_here = t->view == i || (!is_table(t) && t->back == i);

		col = screen_printf(s, 1, col, is_here ? SCREEN_REVERSE : TEXT_DIM, " %s ", top_table_ops(i)->title);
	}
	col++;
	if (is_table(t)) {
		const struct top_table *table = &t->tables[t->view];

		col = screen_printf(s, 1, col, TEXT_DIM, " sorted by %s%s",
				    top_table_ops(t->view)->columns[table->sort].title,
				    table->is_reverse ? ", reversed" : "");
	}
	if (t->is_typing)
		col = screen_printf(s, 1, col, TEXT_BOLD, "  filter: %s_", t->filter);
	else if (*t->filter)
		col = screen_printf(s, 1, col, TEXT_BOLD, "  filter: %s", t->filter);
	if (t->note)
		col = screen_put(s, 1, col + 2, TEXT_CYAN, t->note);
	if (t->is_paused)
		screen_put(s, 1, col + 2, SCREEN_REVERSE | TEXT_YELLOW, " PAUSED ");
}

struct key_help {
	const char *key;
	const char *what;
};

static void keys_draw(const struct top *t, struct screen *s)
{
	static const struct key_help in_table[] = {
		{"q", "quit"},   {"?", "help"},   {"Enter", "open"}, {"Tab", "next"},
		{"< >", "sort"}, {"/", "filter"}, {"p", "pause"},    {"z", "reset"},
	};
	static const struct key_help in_page[] = {{"q", "quit"},         {"Esc", "back"}, {"Tab", "tables"},
						  {"Up Down", "scroll"}, {"p", "pause"},  {"z", "reset"},
						  {"Enter", "its loop"}};
	static const struct key_help typing[] = {{"Enter", "keep"}, {"Esc", "no filter"}};
	const struct key_help *keys = t->is_typing ? typing : is_table(t) ? in_table : in_page;
	size_t nr = t->is_typing  ? sizeof(typing) / sizeof(*typing)
		    : is_table(t) ? sizeof(in_table) / sizeof(*in_table)
				  : sizeof(in_page) / sizeof(*in_page) - (t->view != TOP_STALL);
	int row = (int)s->rows - 1, col = 0;

	for (size_t i = 0; i < nr; i++) {
		col = screen_put(s, row, col, SCREEN_REVERSE, keys[i].key);
		col = screen_printf(s, row, col, TEXT_PLAIN, " %s  ", keys[i].what);
	}
}

unsigned top_height(const struct top *t, const struct board *b)
{
	return HEAD_ROWS + 1 + (unsigned)top_table_ops(t->view)->count(b);
}

void top_draw(struct top *t, const struct board *b, struct screen *s)
{
	unsigned foot = t->is_batch ? 0 : FOOT_ROWS;
	unsigned height = s->rows > HEAD_ROWS + foot ? s->rows - HEAD_ROWS - foot : 0;

	status_draw(t, b, s);
	tabs_draw(t, s);
	t->page = height;
	if (t->view == TOP_LOOP && board_find(b, t->pid, t->tid))
		top_loop_draw(t, b, s, HEAD_ROWS, height);
	else if (t->view == TOP_LOOP)
		screen_printf(s, HEAD_ROWS, 2, TEXT_DIM, "the loop of thread %u has ended", t->tid);
	else if (t->view == TOP_STALL)
		top_stall_draw(t, b, s, HEAD_ROWS, height);
	else if (t->view == TOP_HELP)
		top_help_draw(t, s, HEAD_ROWS, height);
	else
		top_table_draw(t, b, s, HEAD_ROWS, height ? height - 1 : 0);
	if (!t->is_batch)
		keys_draw(t, s);
}
