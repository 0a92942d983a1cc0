/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of loops: its columns, and what stands in each cell. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "render/target.h"
#include "render/top_private.h"
#include "render/words.h"

void top_format_escaped(char *buf, size_t size, const char *raw, bool utf8)
{
	text_escape(buf, size, raw, strlen(raw), utf8);
}

void top_format_route(char *buf, size_t size, const struct model_route *route, bool utf8)
{
	char raw[MODEL_METHOD_LEN + MODEL_PATH_LEN];

	snprintf(raw, sizeof(raw), "%s%s%s", route->method, *route->method ? " " : "", route->route);
	top_format_escaped(buf, size, raw, utf8);
}

int top_descending(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int ascending(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

void top_put_length(struct top_cell *out, uint64_t ns, uint64_t count)
{
	if (count)
		units_format_duration(out->text, sizeof(out->text), ns);
	else
		strcpy(out->text, "-");
}

static void put_count(struct top_cell *out, uint64_t n)
{
	units_format_count(out->text, sizeof(out->text), n);
}

/* 1/1000 as percent: "43.1", "100" */
static void put_share(struct top_cell *out, uint32_t thousandths)
{
	if (thousandths >= 1000)
		strcpy(out->text, "100");
	else
		snprintf(out->text, sizeof(out->text), "%u.%u", thousandths / 10, thousandths % 10);
}

enum loops_column {
	LOOPS_PID,
	LOOPS_TID,
	LOOPS_COMM,
	LOOPS_RUNTIME,
	LOOPS_UTIL,
	LOOPS_TURNS,
	LOOPS_P50,
	LOOPS_P99,
	LOOPS_MAX,
	LOOPS_STALLS,
	LOOPS_CPU,
	LOOPS_BLK,
	LOOPS_RUNQ,
	LOOPS_THR,
	LOOPS_CAUSE,
	LOOPS_ROUTE,
	LOOPS_NR
};

static const struct top_column loops_columns[LOOPS_NR] = {
	[LOOPS_PID] = {"PID", 'P', 7, 1, "process"},
	[LOOPS_TID] = {"TID", 'I', 7, 10, "thread that runs the loop"},
	[LOOPS_COMM] = {"COMM", 'N', -12, 2, "name of the thread"},
	[LOOPS_RUNTIME] = {"RUNTIME", 'Y', -12, 11, "what the loop is made of"},
	[LOOPS_UTIL] = {"UTIL%", 'U', 5, 3, "share of the time not spent waiting for events"},
	[LOOPS_TURNS] = {"TURNS/s", 'T', 7, 9, "passes of the loop a second"},
	[LOOPS_P50] = {"P50", '5', 7, 12, "half of the turns were shorter *"},
	[LOOPS_P99] = {"P99", '9', 7, 4, "99 of 100 turns were shorter *"},
	[LOOPS_MAX] = {"MAX", 'M', 7, 5, "the longest turn *"},
	[LOOPS_STALLS] = {"STALLS", 'S', 6, 6, "stalls over the threshold *"},
	[LOOPS_CPU] = {"%CPU", 'C', 5, 13, "share of the time it computed,"},
	[LOOPS_BLK] = {"%BLK", 'B', 5, 14, "was blocked in a call other than its wait,"},
	[LOOPS_RUNQ] = {"%RUNQ", 'Q', 5, 15, "was ready but had no CPU,"},
	[LOOPS_THR] = {"%THR", 'H', 5, 16, "had used up its CPU quota"},
	[LOOPS_CAUSE] = {"TOP-CAUSE", 'A', -10, 8, "what took most of the stalled time *, or keeps it stuck now"},
	[LOOPS_ROUTE] = {"WORST-ROUTE", 'W', -19, 7, "what keeps it STUCK now, else what stalled or held it most *",
			 true},
};

static size_t loops_count(const struct board *b)
{
	return b->nr_loops;
}

static const void *loops_row(const struct board *b, size_t i)
{
	return b->loops[i];
}

/* A turn that goes on counts as long as it is so far. */
static uint64_t max_of(const struct board_loop *l)
{
	uint64_t max_ns = l->total.hist.max_ns ? l->total.hist.max_ns : l->total.max_turn_ns;

	return l->stuck && l->stuck->stall.turn_ns > max_ns ? l->stuck->stall.turn_ns : max_ns;
}

static enum text_tone max_tone(const struct model_loop *total, uint64_t ns)
{
	return ns < total->threshold_ns ? TEXT_PLAIN : ns / 10 < total->threshold_ns ? TEXT_YELLOW : TEXT_RED;
}

/* "STUCK 1.21 s GET /report/{n}", "STUCK GET /report/{n}" or "STUCK /report/{n}": the longest one that fits. */
static void loops_stuck(const struct model_stall *stall, unsigned cols, bool utf8, struct top_cell *out)
{
	const struct model_request *request = stall->request;
	char raw[MODEL_METHOD_LEN + MODEL_PATH_LEN + UNITS_LEN + 16], length[UNITS_LEN];
	const char *words[] = {units_format_duration(length, sizeof(length), stall->duration_ns),
			       request ? request->method : "", request ? request->route : ""};
	size_t nr = sizeof(words) / sizeof(*words);

	for (size_t first = 0; first < nr; first++) {
		size_t len = (size_t)snprintf(raw, sizeof(raw), "STUCK");

		for (size_t i = first; i < nr; i++)
			len += (size_t)snprintf(raw + len, sizeof(raw) - len, "%s%s", *words[i] ? " " : "", words[i]);
		top_format_escaped(out->text, sizeof(out->text), raw, utf8);
		if (text_columns(out->text) <= cols)
			break;
	}
	out->cut = TEXT_CUT_MIDDLE;
}

static void loops_route(const struct board_loop *l, bool utf8, struct top_cell *out)
{
	const struct model_route *worst = board_worst_route(l);

	strcpy(out->text, "-");
	out->cut = TEXT_CUT_MIDDLE;
	if (worst)
		top_format_route(out->text, sizeof(out->text), worst, utf8);
}

static void loops_name(const struct board_loop *l, unsigned column, unsigned cols, bool utf8, struct top_cell *out)
{
	enum lg_cause cause = LG_CAUSE_CPU;

	if (column == LOOPS_COMM)
		text_escape(out->text, sizeof(out->text), l->total.comm, strnlen(l->total.comm, LG_COMM_LEN), utf8);
	else if (column == LOOPS_RUNTIME)
		target_format_runtime(out->text, sizeof(out->text), l->total.runtime, l->total.version);
	else if (column == LOOPS_CAUSE)
		strcpy(out->text, l->stuck                     ? words_cause(l->stuck->stall.cause)
				  : board_top_cause(l, &cause) ? words_cause(cause)
							       : "-");
	else if (l->stuck)
		loops_stuck(&l->stuck->stall, cols, utf8, out);
	else
		loops_route(l, utf8, out);
	out->tone = l->stuck ? TEXT_RED : TEXT_PLAIN;
}

static void loops_share(const struct board_loop *l, unsigned column, struct top_cell *out)
{
	const struct board_rates *r = &l->rates;

	switch (column) {
	case LOOPS_UTIL:
		put_share(out, r->busy);
		out->tone = r->busy >= 900 ? TEXT_RED : r->busy >= 700 ? TEXT_YELLOW : TEXT_PLAIN;
		break;
	case LOOPS_CPU:
		put_share(out, r->on_cpu);
		break;
	case LOOPS_BLK:
		put_share(out, r->blocked);
		break;
	case LOOPS_RUNQ:
		put_share(out, r->runqueue);
		break;
	default:
		put_share(out, r->throttled);
	}
}

static void loops_cell(const struct top *t, const void *row, unsigned column, unsigned cols, bool utf8,
		       struct top_cell *out)
{
	const struct board_loop *l = row;
	const struct model_loop *total = &l->total;

	(void)t;
	*out = (struct top_cell){.cut = TEXT_CUT_END};
	switch (column) {
	case LOOPS_PID:
	case LOOPS_TID:
		snprintf(out->text, sizeof(out->text), "%u", column == LOOPS_PID ? total->pid : total->tid);
		break;
	case LOOPS_TURNS:
		put_count(out, l->rates.turns_per_s);
		break;
	case LOOPS_P50:
		top_put_length(out, hist_quantile(&total->hist, 0.5), total->hist.count);
		break;
	case LOOPS_P99:
		top_put_length(out, hist_quantile(&total->hist, 0.99), total->hist.count);
		break;
	case LOOPS_MAX:
		top_put_length(out, max_of(l), max_of(l));
		out->tone = max_tone(total, max_of(l));
		break;
	case LOOPS_STALLS:
		put_count(out, total->nr_stalls);
		out->tone = total->nr_stalls ? TEXT_YELLOW : TEXT_PLAIN;
		break;
	case LOOPS_COMM:
	case LOOPS_RUNTIME:
	case LOOPS_CAUSE:
	case LOOPS_ROUTE:
		loops_name(l, column, cols, utf8, out);
		break;
	default:
		loops_share(l, column, out);
	}
}

static int loops_compare_names(const struct board_loop *a, const struct board_loop *b, unsigned column)
{
	struct top_cell x, y;

	loops_name(a, column, TOP_COLS_ALL, false, &x);
	loops_name(b, column, TOP_COLS_ALL, false, &y);
	return strcmp(x.text, y.text);
}

static int loops_compare(const void *a, const void *b, unsigned column)
{
	const struct board_loop *x = a, *y = b;
	const struct board_rates *p = &x->rates, *q = &y->rates;

	switch (column) {
	case LOOPS_PID:
		return ascending(x->total.pid, y->total.pid);
	case LOOPS_TID:
		return ascending(x->total.tid, y->total.tid);
	case LOOPS_UTIL:
		return top_descending(p->busy, q->busy);
	case LOOPS_TURNS:
		return top_descending(p->turns_per_s, q->turns_per_s);
	case LOOPS_P50:
		return top_descending(hist_quantile(&x->total.hist, 0.5), hist_quantile(&y->total.hist, 0.5));
	case LOOPS_P99:
		return top_descending(hist_quantile(&x->total.hist, 0.99), hist_quantile(&y->total.hist, 0.99));
	case LOOPS_MAX:
		return top_descending(max_of(x), max_of(y));
	case LOOPS_STALLS:
		return top_descending(x->total.nr_stalls, y->total.nr_stalls);
	case LOOPS_CPU:
		return top_descending(p->on_cpu, q->on_cpu);
	case LOOPS_BLK:
		return top_descending(p->blocked, q->blocked);
	case LOOPS_RUNQ:
		return top_descending(p->runqueue, q->runqueue);
	case LOOPS_THR:
		return top_descending(p->throttled, q->throttled);
	default:
		return loops_compare_names(x, y, column);
	}
}

static uint64_t loops_id(const void *row)
{
	const struct board_loop *l = row;

	return (uint64_t)l->total.pid << 32 | l->total.tid;
}

static enum top_view loops_open(struct top *t, const void *row)
{
	const struct board_loop *l = row;

	t->pid = l->total.pid;
	t->tid = l->total.tid;
	return TOP_LOOP;
}

const struct top_table_ops top_loops_ops = {
	.title = "Loops",
	.columns = loops_columns,
	.nr_columns = LOOPS_NR,
	.sort = LOOPS_UTIL,
	.count = loops_count,
	.row = loops_row,
	.cell = loops_cell,
	.compare = loops_compare,
	.id = loops_id,
	.open = loops_open,
};
