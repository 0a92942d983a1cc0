/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of routes and of stalls: their columns, and what stands in each cell. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "render/clock.h"
#include "render/line.h"
#include "render/top_private.h"
#include "render/words.h"

/* --- routes --- */

enum routes_column {
	ROUTES_COUNT,
	ROUTES_STALLS,
	ROUTES_STALLED,
	ROUTES_HOLD_P50,
	ROUTES_HOLD_P99,
	ROUTES_HOLD_MAX,
	ROUTES_LONGEST,
	ROUTES_DELAY_P99,
	ROUTES_ROUTE,
	ROUTES_NR
};

static const struct top_column routes_columns[ROUTES_NR] = {
	[ROUTES_COUNT] = {"COUNT", 'C', 7, 2, "requests that ended *"},
	[ROUTES_STALLS] = {"STALLS", 'S', 6, 3, "stalls that they made *"},
	[ROUTES_STALLED] = {"STALLED", 'L', 7, 4, "sum of these *"},
	[ROUTES_HOLD_P50] = {"HOLD-P50", '5', 8, 8, "half of them held the loop for less *"},
	[ROUTES_HOLD_P99] = {"HOLD-P99", '9', 8, 5, "99 of 100 did *"},
	[ROUTES_HOLD_MAX] = {"HOLD-MAX", 'M', 8, 9, "the one that held it longest *"},
	[ROUTES_LONGEST] = {"LONGEST", 'G', 7, 7, "the longest time that it was held at a stretch *"},
	[ROUTES_DELAY_P99] = {"DELAY-P99", 'D', 9, 6, "99 of 100 waited less for others *"},
	[ROUTES_ROUTE] = {"ROUTE", 'W', -24, 1, "method, and path with its variable parts folded", true},
};

static size_t routes_count(const struct board *b)
{
	return b->nr_routes;
}

static const void *routes_row(const struct board *b, size_t i)
{
	return &b->routes[i];
}

static void routes_cell(const struct top *t, const void *row, unsigned column, unsigned cols, bool utf8,
			struct top_cell *out)
{
	const struct model_route *r = row;

	(void)t;
	(void)cols;
	*out = (struct top_cell){.cut = TEXT_CUT_MIDDLE};
	switch (column) {
	case ROUTES_COUNT:
		units_format_count(out->text, sizeof(out->text), r->count);
		break;
	case ROUTES_STALLS:
		units_format_count(out->text, sizeof(out->text), r->nr_stalls);
		out->tone = r->nr_stalls ? TEXT_YELLOW : TEXT_PLAIN;
		break;
	case ROUTES_STALLED:
		top_put_length(out, r->stall_ns, r->nr_stalls);
		break;
	case ROUTES_HOLD_P50:
		top_put_length(out, hist_quantile(&r->hold, 0.5), r->hold.count);
		break;
	case ROUTES_HOLD_P99:
		top_put_length(out, hist_quantile(&r->hold, 0.99), r->hold.count);
		break;
	case ROUTES_HOLD_MAX:
		top_put_length(out, r->hold.max_ns, r->hold.count);
		break;
	case ROUTES_LONGEST:
		top_put_length(out, r->max_run_ns, r->max_run_ns);
		break;
	case ROUTES_DELAY_P99:
		top_put_length(out, hist_quantile(&r->delay, 0.99), r->delay.count);
		break;
	default:
		top_format_route(out->text, sizeof(out->text), r, utf8);
	}
}

static int routes_compare(const void *a, const void *b, unsigned column)
{
	const struct model_route *x = a, *y = b;

	switch (column) {
	case ROUTES_COUNT:
		return top_descending(x->count, y->count);
	case ROUTES_STALLS:
		return top_descending(x->nr_stalls, y->nr_stalls);
	case ROUTES_STALLED:
		return top_descending(x->stall_ns, y->stall_ns);
	case ROUTES_HOLD_P50:
		return top_descending(hist_quantile(&x->hold, 0.5), hist_quantile(&y->hold, 0.5));
	case ROUTES_HOLD_P99:
		return top_descending(hist_quantile(&x->hold, 0.99), hist_quantile(&y->hold, 0.99));
	case ROUTES_HOLD_MAX:
		return top_descending(x->hold.max_ns, y->hold.max_ns);
	case ROUTES_LONGEST:
		return top_descending(x->max_run_ns, y->max_run_ns);
	case ROUTES_DELAY_P99:
		return top_descending(hist_quantile(&x->delay, 0.99), hist_quantile(&y->delay, 0.99));
	default:
		return strcmp(x->route, y->route) ? strcmp(x->route, y->route) : strcmp(x->method, y->method);
	}
}

static uint64_t routes_id(const void *row)
{
	const struct model_route *r = row;

	return top_names_id(r->method, r->route);
}

const struct top_table_ops top_routes_ops = {
	.title = "Routes",
	.columns = routes_columns,
	.nr_columns = ROUTES_NR,
	.sort = ROUTES_STALLED,
	.count = routes_count,
	.row = routes_row,
	.cell = routes_cell,
	.compare = routes_compare,
	.id = routes_id,
};

/* --- stalls --- */

enum stalls_column {
	STALLS_TIME,
	STALLS_LENGTH,
	STALLS_CAUSE,
	STALLS_SURE,
	STALLS_VICTIMS,
	STALLS_LOOP,
	STALLS_REQUEST,
	STALLS_NR
};

static const struct top_column stalls_columns[STALLS_NR] = {
	[STALLS_TIME] = {"TIME", 'T', -12, 1, "when it began"},
	[STALLS_LENGTH] = {"LENGTH", 'L', 7, 2, "how long it was"},
	[STALLS_CAUSE] = {"CAUSE", 'C', -26, 3, "what the loop's thread was doing"},
	[STALLS_SURE] = {"SURE", 'X', -6, 6, "how the culprit is known"},
	[STALLS_VICTIMS] = {"VICTIMS", 'V', 7, 5, "requests that waited meanwhile"},
	[STALLS_LOOP] = {"LOOP", 'P', -20, 7, "process, thread and name"},
	[STALLS_REQUEST] = {"REQUEST", 'W', -24, 4, "the culprit", true},
};

static size_t stalls_count(const struct board *b)
{
	return board_nr_stuck(b) + (b->nr_stalls < BOARD_STALLS ? (size_t)b->nr_stalls : BOARD_STALLS);
}

static const void *stalls_row(const struct board *b, size_t i)
{
	size_t nr_stuck = board_nr_stuck(b);

	return i < nr_stuck ? board_stuck(b, i) : board_stall(b, i - nr_stuck);
}

/* The end of an id is cut where the path fits, the id left off where it does not. */
static void stalls_request(const struct model_stall *stall, unsigned cols, bool utf8, struct top_cell *out)
{
	char raw[LINE_REQUEST_LEN];

	strcpy(out->text, "-");
	if (!stall->request)
		return;
	line_format_request(raw, sizeof(raw), stall->request);
	top_format_escaped(out->text, sizeof(out->text), raw, utf8);
	if (text_columns(out->text) > cols)
		return;
	top_format_request(out->text, sizeof(out->text), stall->request, utf8);
	out->cut = TEXT_CUT_END;
}

/* "STUCK recvfrom 10.0.0.5:5432": the name of a call says that it is one, where there is little room. */
static void stalls_cause(const struct board_stall *kept, unsigned cols, bool utf8, struct top_cell *out)
{
	char cause[LINE_CAUSE_LEN], raw[LINE_CAUSE_LEN + 8];
	bool is_call = kept->stall.cause == LG_CAUSE_SYSCALL && kept->stall.block;

	line_format_cause(cause, sizeof(cause), &kept->stall);
	if (is_call && (kept->is_stuck || text_columns(cause) > cols))
		line_format_detail(cause, sizeof(cause), &kept->stall);
	snprintf(raw, sizeof(raw), "%s%s", kept->is_stuck ? "STUCK " : "", cause);
	top_format_escaped(out->text, sizeof(out->text), raw, utf8);
	out->tone = kept->is_stuck ? TEXT_RED : TEXT_CYAN;
}

static void stalls_cell(const struct top *t, const void *row, unsigned column, unsigned cols, bool utf8,
			struct top_cell *out)
{
	const struct board_stall *kept = row;
	const struct model_stall *stall = &kept->stall;

	*out = (struct top_cell){.cut = TEXT_CUT_MIDDLE};
	switch (column) {
	case STALLS_TIME:
		clock_format_local(out->text, sizeof(out->text), stall->start_ns, t->realtime_offset_ns, 1);
		break;
	case STALLS_LENGTH:
		top_put_length(out, stall->duration_ns, 1);
		out->tone = top_is_severe(kept) ? TEXT_RED : TEXT_YELLOW;
		break;
	case STALLS_CAUSE:
		stalls_cause(kept, cols, utf8, out);
		break;
	case STALLS_SURE:
		strcpy(out->text, words_confidence(stall->confidence));
		break;
	case STALLS_VICTIMS:
		snprintf(out->text, sizeof(out->text), "%u", stall->nr_victims);
		break;
	case STALLS_LOOP:
		line_format_loop(out->text, sizeof(out->text), stall->pid, stall->tid, stall->comm, utf8);
		break;
	default:
		stalls_request(stall, cols, utf8, out);
	}
}

/* What goes on is newer than all that has ended. */
static int stalls_compare_times(const struct board_stall *a, const struct board_stall *b)
{
	if (a->is_stuck != b->is_stuck)
		return top_descending(a->is_stuck, b->is_stuck);
	return top_descending(a->stall.start_ns, b->stall.start_ns);
}

static int stalls_compare(const void *a, const void *b, unsigned column)
{
	const struct model_stall *x = &((const struct board_stall *)a)->stall;
	const struct model_stall *y = &((const struct board_stall *)b)->stall;
	struct top_cell p, q;

	switch (column) {
	case STALLS_TIME:
		return stalls_compare_times(a, b);
	case STALLS_LENGTH:
		return top_descending(x->duration_ns, y->duration_ns);
	case STALLS_CAUSE:
		return (x->cause > y->cause) - (x->cause < y->cause);
	case STALLS_SURE:
		return top_descending(x->confidence, y->confidence);
	case STALLS_VICTIMS:
		return top_descending(x->nr_victims, y->nr_victims);
	case STALLS_LOOP:
		return (x->tid > y->tid) - (x->tid < y->tid);
	default:
		stalls_request(x, TOP_COLS_ALL, false, &p);
		stalls_request(y, TOP_COLS_ALL, false, &q);
		return strcmp(p.text, q.text);
	}
}

/* When and where: no two of one loop begin at once. */
static uint64_t stalls_id(const void *row)
{
	const struct model_stall *stall = &((const struct board_stall *)row)->stall;

	return stall->start_ns * 31 + stall->tid + 1;
}

/* Its end, so that what goes on is found as the stall that it becomes. */
static enum top_view stalls_open(struct top *t, const void *row)
{
	const struct model_stall *stall = &((const struct board_stall *)row)->stall;

	t->pid = stall->pid;
	t->tid = stall->tid;
	t->stall_ns = stall->start_ns + stall->duration_ns - 1;
	return TOP_STALL;
}

const struct top_table_ops top_stalls_ops = {
	.title = "Stalls",
	.columns = stalls_columns,
	.nr_columns = STALLS_NR,
	.sort = STALLS_TIME,
	.count = stalls_count,
	.row = stalls_row,
	.cell = stalls_cell,
	.compare = stalls_compare,
	.id = stalls_id,
	.open = stalls_open,
};
