/* SPDX-License-Identifier: BSD-2-Clause */
/* Columns and histograms of one interval. */
#include "render/stat.h"

#include <string.h>

#include "base/units.h"
#include "render/bars.h"
#include "render/clock.h"
#include "render/json.h"
#include "render/line.h"

#define HEADING_EVERY 20 /* lines: a heading is always on the screen */
#define MAX_HISTS     10 /* of one interval; the loops and routes that stalled most come first */
#define NAME_LEN      (4 * (MODEL_PATH_LEN + MODEL_METHOD_LEN))

static uint64_t per_second(uint64_t n, uint64_t elapsed_ns)
{
	return elapsed_ns ? (uint64_t)(n * 1e9 / elapsed_ns + 0.5) : 0;
}

static uint64_t busy_ns(const struct model_loop *loop)
{
	return loop->elapsed_ns > loop->idle_ns ? loop->elapsed_ns - loop->idle_ns : 0;
}

/* --- stat --- */

/* The lines so far are counted in the render's own pointer. */
static void heading_print(struct render *r)
{
	uintptr_t nr_lines = (uintptr_t)r->state;

	if (nr_lines % HEADING_EVERY == 0) {
		text_put(r->out, &r->style, TEXT_DIM,
			 "TIME       UTIL%  TURNS/s    REQ/s      P50      P99      MAX  STALLS  STALLED  LOOP", 0);
		fputc('\n', r->out);
	}
	r->state = (void *)(nr_lines + 1);
}

static const char *length_text(char *buf, uint64_t ns, uint64_t count)
{
	return count ? units_format_duration_table(buf, UNITS_LEN, ns) : "-";
}

static void stat_loop(struct render *r, const struct model_summary *s, const struct model_loop *loop)
{
	char time[CLOCK_LEN], busy[UNITS_LEN], turns[UNITS_LEN], requests[UNITS_LEN], stalls[UNITS_LEN];
	char p50[UNITS_LEN], p99[UNITS_LEN], max[UNITS_LEN], stalled[UNITS_LEN], name[LINE_LOOP_LEN];
	uint64_t count = loop->hist.count;

	heading_print(r);
	line_format_loop(name, sizeof(name), loop->pid, loop->tid, loop->comm, r->style.utf8);
	fprintf(r->out, "%s  %6s  %7s  %7s  %7s  %7s  %7s  %6s  %7s  %s\n",
		clock_format_local(time, sizeof(time), s->end_ns, r->realtime_offset_ns, 0),
		units_format_percent(busy, sizeof(busy), busy_ns(loop), loop->elapsed_ns),
		units_format_count(turns, sizeof(turns), per_second(loop->turns, loop->elapsed_ns)),
		units_format_count(requests, sizeof(requests), per_second(loop->nr_requests, loop->elapsed_ns)),
		length_text(p50, hist_quantile(&loop->hist, 0.5), count),
		length_text(p99, hist_quantile(&loop->hist, 0.99), count), length_text(max, loop->max_turn_ns, count),
		units_format_count(stalls, sizeof(stalls), loop->nr_stalls),
		length_text(stalled, loop->stall_ns, loop->nr_stalls), name);
}

static void stat_summary(struct render *r, const struct model_summary *s)
{
	for (size_t i = 0; i < s->nr_loops; i++)
		stat_loop(r, s, &s->loops[i]);
}

static void line_begin_json(struct writer *w, struct render *r, const struct model_summary *s, const char *type)
{
	char time[CLOCK_LEN];

	writer_object(w, NULL);
	writer_string(w, "type", type);
	writer_string(w, "time", clock_format_utc(time, sizeof(time), s->end_ns, r->realtime_offset_ns));
}

static void loop_json(struct writer *w, const struct model_loop *loop)
{
	writer_u64(w, "pid", loop->pid);
	writer_u64(w, "tid", loop->tid);
	writer_string(w, "comm", loop->comm);
}

static void stat_summary_json(struct render *r, const struct model_summary *s)
{
	for (size_t i = 0; i < s->nr_loops; i++) {
		const struct model_loop *loop = &s->loops[i];
		struct writer w = {.out = r->out};

		line_begin_json(&w, r, s, "stat");
		loop_json(&w, loop);
		writer_u64(&w, "elapsed_ns", loop->elapsed_ns);
		writer_share(&w, "utilisation", busy_ns(loop), loop->elapsed_ns);
		writer_u64(&w, "turns", loop->turns);
		writer_u64(&w, "requests", loop->nr_requests);
		writer_u64(&w, "p50_ns", hist_quantile(&loop->hist, 0.5));
		writer_u64(&w, "p99_ns", hist_quantile(&loop->hist, 0.99));
		writer_u64(&w, "max_ns", loop->max_turn_ns);
		writer_u64(&w, "stalls", loop->nr_stalls);
		writer_u64(&w, "stall_ns", loop->stall_ns);
		writer_line_end(&w);
	}
}

const struct render_ops render_stat = {.summary = stat_summary};
const struct render_ops render_stat_json = {.summary = stat_summary_json};

/* --- hist --- */

static const char *const hist_words[] = {
	[STAT_TURNS] = "turns", [STAT_HOLD] = "hold", [STAT_DELAY] = "delay", [STAT_DURATION] = "duration"};

static const struct hist *route_hist(const struct model_route *route, enum stat_hist of)
{
	return of == STAT_HOLD ? &route->hold : of == STAT_DELAY ? &route->delay : &route->duration;
}

static void hist_put(struct render *r, const struct model_summary *s, enum stat_hist of, const char *name,
		     const struct hist *hist)
{
	char time[CLOCK_LEN], title[NAME_LEN + 64];

	snprintf(title, sizeof(title), "%s  %s of %s",
		 clock_format_local(time, sizeof(time), s->end_ns, r->realtime_offset_ns, 0), hist_words[of], name);
	text_put(r->out, &r->style, TEXT_BOLD, title, 0);
	fputc('\n', r->out);
	bars_print(r->out, &r->style, hist, r->threshold_ns);
	fputc('\n', r->out);
}

static void hist_turns(struct render *r, const struct model_summary *s)
{
	char name[LINE_LOOP_LEN];

	for (size_t i = 0, shown = 0; i < s->nr_loops && shown < MAX_HISTS; i++) {
		const struct model_loop *loop = &s->loops[i];

		if (!loop->hist.count)
			continue;
		line_format_loop(name, sizeof(name), loop->pid, loop->tid, loop->comm, r->style.utf8);
		hist_put(r, s, STAT_TURNS, name, &loop->hist);
		shown++;
	}
}

static void hist_routes(struct render *r, const struct model_summary *s, enum stat_hist of)
{
	char raw[MODEL_METHOD_LEN + MODEL_PATH_LEN], name[NAME_LEN];

	for (size_t i = 0; i < s->nr_routes && i < MAX_HISTS; i++) {
		const struct model_route *route = &s->routes[i];

		snprintf(raw, sizeof(raw), "%s%s%s", route->method, *route->method ? " " : "", route->route);
		text_escape(name, sizeof(name), raw, strlen(raw), r->style.utf8);
		hist_put(r, s, of, name, route_hist(route, of));
	}
}

/* The counts behind what they are of, and the end of the line. */
static void hist_json_end(struct writer *w, const struct hist *hist)
{
	writer_u64(w, "count", hist->count);
	json_put_buckets(w, hist);
	writer_line_end(w);
}

static void hist_turns_json(struct render *r, const struct model_summary *s)
{
	for (size_t i = 0; i < s->nr_loops; i++) {
		struct writer w = {.out = r->out};

		line_begin_json(&w, r, s, "hist");
		writer_string(&w, "of", hist_words[STAT_TURNS]);
		loop_json(&w, &s->loops[i]);
		hist_json_end(&w, &s->loops[i].hist);
	}
}

static void hist_routes_json(struct render *r, const struct model_summary *s, enum stat_hist of)
{
	for (size_t i = 0; i < s->nr_routes; i++) {
		struct writer w = {.out = r->out};

		line_begin_json(&w, r, s, "hist");
		writer_string(&w, "of", hist_words[of]);
		writer_name(&w, "method", s->routes[i].method);
		writer_string(&w, "route", s->routes[i].route);
		hist_json_end(&w, route_hist(&s->routes[i], of));
	}
}

#define ROUTE_HISTS(name, of) \
	static void name(struct render *r, const struct model_summary *s) \
	{ \
		hist_routes(r, s, of); \
	} \
	static void name##_json(struct render *r, const struct model_summary *s) \
	{ \
		hist_routes_json(r, s, of); \
	}
ROUTE_HISTS(hist_hold, STAT_HOLD)
ROUTE_HISTS(hist_delay, STAT_DELAY)
ROUTE_HISTS(hist_duration, STAT_DURATION)

const struct render_ops render_hist[] = {
	[STAT_TURNS] = {.summary = hist_turns},
	[STAT_HOLD] = {.summary = hist_hold},
	[STAT_DELAY] = {.summary = hist_delay},
	[STAT_DURATION] = {.summary = hist_duration},
};

const struct render_ops render_hist_json[] = {
	[STAT_TURNS] = {.summary = hist_turns_json},
	[STAT_HOLD] = {.summary = hist_hold_json},
	[STAT_DELAY] = {.summary = hist_delay_json},
	[STAT_DURATION] = {.summary = hist_duration_json},
};
