/* SPDX-License-Identifier: BSD-2-Clause */
/* A comparison for programs: one object, integers in ns; names stay. */
#include "render/compare_rows.h"
#include "render/json.h"
#include "render/place.h"
#include "render/words.h"
#include "render/writer.h"

static const char *const verdicts[] = {
	[COMPARE_SAME] = "same",
	[COMPARE_LESS] = "less",
	[COMPARE_MORE] = "more",
	[COMPARE_FEW] = "few",
};

static const char *const letters[] = {"a", "b"};

static void put_sum(struct writer *w, const struct compare_sum *sum)
{
	writer_u64(w, "stalls", sum->nr_stalls);
	writer_u64(w, "stall_ns", sum->stall_ns);
}

static void put_side(struct writer *w, const char *key, const struct compare_side *side)
{
	const struct model_summary *s = side->summary;
	uint64_t stall_ns = 0;

	for (int i = 0; i < LG_NR_CAUSES; i++)
		stall_ns += s->causes[i].stall_ns;
	writer_object(w, key);
	writer_string(w, "file", side->name);
	writer_string(w, "host", side->host);
	writer_u64(w, "elapsed_ns", s->end_ns - s->start_ns);
	writer_u64(w, "requests", s->nr_requests);
	writer_u64(w, "stalls", s->nr_stalls);
	writer_u64(w, "stall_ns", stall_ns);
	writer_u64(w, "lost", s->lost);
	writer_object_end(w);
}

static void put_route(struct writer *w, const struct compare_route *row)
{
	writer_object(w, NULL);
	writer_name(w, "method", row->name->method);
	writer_string(w, "route", row->name->route);
	for (int i = 0; i < 2; i++) {
		writer_object(w, letters[i]);
		writer_u64(w, "count", row->sides[i]->count);
		put_sum(w, &row->sums[i]);
		writer_u64(w, "hold_p50", hist_quantile(&row->sides[i]->hold, 0.5));
		writer_u64(w, "hold_p99", hist_quantile(&row->sides[i]->hold, 0.99));
		writer_object_end(w);
	}
	writer_object(w, "change");
	writer_string(w, "stall_ns", verdicts[row->stalled]);
	writer_string(w, "hold_p50", verdicts[row->p50]);
	writer_string(w, "hold_p99", verdicts[row->p99]);
	writer_object_end(w);
	writer_object_end(w);
}

static void put_sums(struct writer *w, const struct compare_sum sums[2], enum compare_verdict verdict)
{
	for (int i = 0; i < 2; i++) {
		writer_object(w, letters[i]);
		put_sum(w, &sums[i]);
		writer_object_end(w);
	}
	writer_object(w, "change");
	writer_string(w, "stall_ns", verdicts[verdict]);
	writer_object_end(w);
}

static void put_place(struct writer *w, const struct compare_place *row)
{
	writer_object(w, NULL);
	writer_string(w, "function", row->name->function);
	writer_name(w, "file", row->name->file);
	writer_string(w, "kind", place_kind(row->name->kind));
	put_sums(w, row->sums, row->stalled);
	writer_object_end(w);
}

static void put_cause(struct writer *w, const char *name, const struct compare_cause *row)
{
	writer_object(w, name);
	put_sums(w, row->sums, row->stalled);
	writer_object_end(w);
}

int compare_print_json(struct render *r, const struct compare_side sides[2])
{
	struct writer w = {.out = r->out};
	struct compare_rows rows;
	int error = compare_rows_make(&rows, sides);

	if (error)
		return error;
	writer_object(&w, NULL);
	writer_string(&w, "type", "diff");
	writer_u64(&w, "schema", JSON_SCHEMA);
	writer_u64(&w, "threshold_ns", r->threshold_ns);
	for (int i = 0; i < 2; i++)
		put_side(&w, letters[i], &sides[i]);
	writer_array(&w, "routes");
	for (size_t i = 0; i < rows.nr_routes; i++)
		put_route(&w, &rows.routes[i]);
	writer_array_end(&w);
	writer_array(&w, "places");
	for (size_t i = 0; i < rows.nr_places; i++)
		put_place(&w, &rows.places[i]);
	writer_array_end(&w);
	writer_object(&w, "causes");
	for (int i = 0; i < LG_NR_CAUSES; i++)
		put_cause(&w, words_cause(i), &rows.causes[i]);
	writer_object_end(&w);
	writer_line_end(&w);
	compare_rows_fini(&rows);
	return 0;
}
