/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of places in the code where stalls were: its columns, and what stands in each cell. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "render/place.h"
#include "render/top_private.h"
#include "render/words.h"

enum places_column {
	PLACES_STALLS,
	PLACES_STALLED,
	PLACES_LONGEST,
	PLACES_CAUSE,
	PLACES_ROUTES,
	PLACES_PLACE,
	PLACES_NR
};

static const struct top_column places_columns[PLACES_NR] = {
	[PLACES_STALLS] = {"STALLS", 'S', 6, 3, "stalls in this function *"},
	[PLACES_STALLED] = {"STALLED", 'L', 7, 2, "sum of these *"},
	[PLACES_LONGEST] = {"LONGEST", 'G', 7, 4, "the longest one *"},
	[PLACES_CAUSE] = {"CAUSE", 'C', -9, 6, "what the loop's thread was doing in that one"},
	[PLACES_ROUTES] = {"ROUTES", 'R', -20, 5, "the first routes that led there *"},
	[PLACES_PLACE] = {"PLACE", 'W', -24, 1, "function, file and line of the longest stall", true},
};

static size_t places_count(const struct board *b)
{
	return b->nr_places;
}

static const void *places_row(const struct board *b, size_t i)
{
	return &b->places[i];
}

static void places_routes(const struct model_place *p, bool utf8, struct top_cell *out)
{
	char raw[MODEL_PLACE_ROUTES * (sizeof(p->routes[0]) + 2)] = "-";
	size_t len = 0;

	for (unsigned i = 0; i < p->nr_routes; i++)
		len += snprintf(raw + len, sizeof(raw) - len, "%s%s", i ? ", " : "", p->routes[i]);
	top_format_escaped(out->text, sizeof(out->text), raw, utf8);
}

static void places_cell(const struct top *t, const void *row, unsigned column, unsigned cols, bool utf8,
			struct top_cell *out)
{
	const struct model_place *p = row;

	(void)t;
	(void)cols;
	*out = (struct top_cell){.cut = TEXT_CUT_MIDDLE};
	switch (column) {
	case PLACES_STALLS:
		units_format_count(out->text, sizeof(out->text), p->nr_stalls);
		out->tone = TEXT_YELLOW;
		break;
	case PLACES_STALLED:
		top_put_length(out, p->stall_ns, p->nr_stalls);
		break;
	case PLACES_LONGEST:
		top_put_length(out, p->max_stall_ns, p->nr_stalls);
		break;
	case PLACES_CAUSE:
		strcpy(out->text, words_cause(p->cause));
		out->tone = TEXT_CYAN;
		break;
	case PLACES_ROUTES:
		places_routes(p, utf8, out);
		break;
	default:
		place_format(out->text, sizeof(out->text), p->function, p->file, p->line, utf8);
	}
}

static int places_compare(const void *a, const void *b, unsigned column)
{
	const struct model_place *x = a, *y = b;
	struct top_cell p, q;

	switch (column) {
	case PLACES_STALLS:
		return top_descending(x->nr_stalls, y->nr_stalls);
	case PLACES_STALLED:
		return top_descending(x->stall_ns, y->stall_ns);
	case PLACES_LONGEST:
		return top_descending(x->max_stall_ns, y->max_stall_ns);
	case PLACES_CAUSE:
		return (x->cause > y->cause) - (x->cause < y->cause);
	default:
		places_cell(NULL, x, column, TOP_COLS_ALL, false, &p);
		places_cell(NULL, y, column, TOP_COLS_ALL, false, &q);
		return strcmp(p.text, q.text);
	}
}

static uint64_t places_id(const void *row)
{
	const struct model_place *p = row;

	return top_names_id(p->function, p->file);
}

const struct top_table_ops top_places_ops = {
	.title = "Places",
	.columns = places_columns,
	.nr_columns = PLACES_NR,
	.sort = PLACES_STALLED,
	.count = places_count,
	.row = places_row,
	.cell = places_cell,
	.compare = places_compare,
	.id = places_id,
};
