/* SPDX-License-Identifier: BSD-2-Clause */
/* The statistics, and what is to be compared with what. */
#include "render/compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "render/compare_rows.h"

#define SIGMAS 2 /* about 95 % */

static double sum_rate(const struct compare_sum *s)
{
	return s->units > 0 ? (double)s->stall_ns / NS_PER_S / s->units : 0;
}

static double sum_variance(const struct compare_sum *s)
{
	return s->units > 0 ? s->squares / s->units / s->units : 0;
}

enum compare_verdict compare_sums(const struct compare_sum *a, const struct compare_sum *b)
{
	double difference = sum_rate(b) - sum_rate(a);

	if (!a->nr_stalls && !b->nr_stalls)
		return a->units > 0 && b->units > 0 ? COMPARE_SAME : COMPARE_FEW;
	if (a->nr_stalls + b->nr_stalls < COMPARE_MIN_STALLS || a->units <= 0 || b->units <= 0)
		return COMPARE_FEW;
	if (fabs(difference) <= SIGMAS * sqrt(sum_variance(a) + sum_variance(b)))
		return COMPARE_SAME;
	return difference > 0 ? COMPARE_MORE : COMPARE_LESS;
}

/* Where the quantile lies; false: the sample is too small to tell. */
static bool quantile_interval(const struct hist *h, double q, uint64_t *low_ns, uint64_t *high_ns)
{
	double n = (double)h->count, rank = n * q, spread = SIGMAS * sqrt(n * q * (1 - q));

	if (rank - spread < 1 || rank + spread > n)
		return false;
	*low_ns = hist_quantile(h, (rank - spread) / n);
	*high_ns = hist_quantile(h, (rank + spread) / n);
	return true;
}

enum compare_verdict compare_quantiles(const struct hist *a, const struct hist *b, double q)
{
	uint64_t low_a, high_a, low_b, high_b;

	if (!quantile_interval(a, q, &low_a, &high_a) || !quantile_interval(b, q, &low_b, &high_b))
		return COMPARE_FEW;
	if (high_a < low_b)
		return COMPARE_MORE;
	return high_b < low_a ? COMPARE_LESS : COMPARE_SAME;
}

static double seconds(const struct model_summary *s)
{
	return (double)(s->end_ns - s->start_ns) / NS_PER_S;
}

static int route_compare(const void *a, const void *b)
{
	const struct model_route *const *x = a, *const *y = b;
	int order = strcmp((*x)->method, (*y)->method);

	return order ? order : strcmp((*x)->route, (*y)->route);
}

/* Pointers to the routes in the order of their names. */
static const struct model_route **routes_sort(const struct model_summary *s)
{
	const struct model_route **all = calloc(s->nr_routes + 1, sizeof(struct model_route *));

	for (size_t i = 0; all && i < s->nr_routes; i++)
		all[i] = &s->routes[i];
	if (all)
		qsort(all, s->nr_routes, sizeof(struct model_route *), route_compare);
	return all;
}

static void route_fill(struct compare_route *out, const struct model_route *a, const struct model_route *b)
{
	static const struct model_route none;
	const struct model_route *sides[2] = {a ? a : &none, b ? b : &none};

	out->name = a ? a : b;
	for (int i = 0; i < 2; i++) {
		out->sides[i] = sides[i];
		out->sums[i] = (struct compare_sum){sides[i]->nr_stalls, sides[i]->stall_ns, sides[i]->stall_squares,
						    (double)sides[i]->count};
		/* Stalls of requests that were in flight at the end. */
		if (sides[i]->nr_stalls && !sides[i]->count)
			out->sums[i].units = 1;
	}
	out->stalled = compare_sums(&out->sums[0], &out->sums[1]);
	out->p50 = compare_quantiles(&sides[0]->hold, &sides[1]->hold, 0.5);
	out->p99 = compare_quantiles(&sides[0]->hold, &sides[1]->hold, 0.99);
}

static double weight(const struct compare_route *row)
{
	return fabs((double)row->sums[1].stall_ns / row->seconds[1] - (double)row->sums[0].stall_ns / row->seconds[0]);
}

/* What changed most comes first; then what is asked most. */
static int row_compare(const void *a, const void *b)
{
	const struct compare_route *x = a, *y = b;
	uint64_t count_x = x->sides[0]->count + x->sides[1]->count, count_y = y->sides[0]->count + y->sides[1]->count;

	if (weight(x) != weight(y))
		return weight(x) < weight(y) ? 1 : -1;
	if (count_x != count_y)
		return count_x < count_y ? 1 : -1;
	return route_compare(&x->name, &y->name);
}

/* Merges two sorted lists. */
static void routes_merge(struct compare_rows *rows, const struct model_route **a, size_t nr_a,
			 const struct model_route **b, size_t nr_b)
{
	size_t i = 0, j = 0;

	while (i < nr_a || j < nr_b) {
		int order = i == nr_a ? 1 : j == nr_b ? -1 : route_compare(&a[i], &b[j]);

		route_fill(&rows->routes[rows->nr_routes++], order <= 0 ? a[i] : NULL, order >= 0 ? b[j] : NULL);
		i += order <= 0;
		j += order >= 0;
	}
}

/* The line says where in a function its longest stall was: it is no part of its name. */
static int place_compare(const void *a, const void *b)
{
	const struct model_place *const *x = a, *const *y = b;
	int order = strcmp((*x)->function, (*y)->function);

	return order ? order : strcmp((*x)->file, (*y)->file);
}

static const struct model_place **places_sort(const struct model_summary *s)
{
	const struct model_place **all = calloc(s->nr_places + 1, sizeof(struct model_place *));

	for (size_t i = 0; all && i < s->nr_places; i++)
		all[i] = &s->places[i];
	if (all)
		qsort(all, s->nr_places, sizeof(struct model_place *), place_compare);
	return all;
}

static void place_fill(struct compare_place *out, const struct model_place *a, const struct model_place *b,
		       const double units[2])
{
	const struct model_place *sides[2] = {a, b};

	out->name = b ? b : a;
	for (int i = 0; i < 2; i++) {
		out->sums[i].units = units[i];
		if (!sides[i])
			continue;
		out->sums[i].nr_stalls = sides[i]->nr_stalls;
		out->sums[i].stall_ns = sides[i]->stall_ns;
		out->sums[i].squares = sides[i]->stall_squares;
	}
	out->stalled = compare_sums(&out->sums[0], &out->sums[1]);
}

static void places_merge(struct compare_rows *rows, const struct model_place **a, size_t nr_a,
			 const struct model_place **b, size_t nr_b, const double units[2])
{
	size_t i = 0, j = 0;

	while (i < nr_a || j < nr_b) {
		int order = i == nr_a ? 1 : j == nr_b ? -1 : place_compare(&a[i], &b[j]);

		place_fill(&rows->places[rows->nr_places++], order <= 0 ? a[i] : NULL, order >= 0 ? b[j] : NULL, units);
		i += order <= 0;
		j += order >= 0;
	}
}

static int place_row_compare(const void *a, const void *b)
{
	const struct compare_place *x = a, *y = b;
	double change_x = fabs(sum_rate(&x->sums[1]) - sum_rate(&x->sums[0]));
	double change_y = fabs(sum_rate(&y->sums[1]) - sum_rate(&y->sums[0]));

	if (change_x != change_y)
		return change_x < change_y ? 1 : -1;
	return place_compare(&x->name, &y->name);
}

static int places_make(struct compare_rows *rows, const struct model_summary *a, const struct model_summary *b)
{
	const struct model_place **places_a = places_sort(a), **places_b = places_sort(b);
	const double units[2] = {seconds(a), seconds(b)};

	rows->places = calloc(a->nr_places + b->nr_places + 1, sizeof(*rows->places));
	if (places_a && places_b && rows->places) {
		places_merge(rows, places_a, a->nr_places, places_b, b->nr_places, units);
		qsort(rows->places, rows->nr_places, sizeof(*rows->places), place_row_compare);
	}
	free(places_a);
	free(places_b);
	return rows->places ? 0 : -ENOMEM;
}

static int routes_make(struct compare_rows *rows, const struct model_summary *a, const struct model_summary *b)
{
	const struct model_route **routes_a = routes_sort(a), **routes_b = routes_sort(b);

	rows->routes = calloc(a->nr_routes + b->nr_routes + 1, sizeof(*rows->routes));
	if (routes_a && routes_b && rows->routes)
		routes_merge(rows, routes_a, a->nr_routes, routes_b, b->nr_routes);
	free(routes_a);
	free(routes_b);
	if (!rows->routes)
		return -ENOMEM;
	for (size_t i = 0; i < rows->nr_routes; i++) {
		rows->routes[i].seconds[0] = fmax(seconds(a), 1e-9);
		rows->routes[i].seconds[1] = fmax(seconds(b), 1e-9);
	}
	qsort(rows->routes, rows->nr_routes, sizeof(*rows->routes), row_compare);
	return 0;
}

int compare_rows_make(struct compare_rows *rows, const struct compare_side sides[2])
{
	int error;

	*rows = (struct compare_rows){0};
	error = routes_make(rows, sides[0].summary, sides[1].summary);
	if (!error)
		error = places_make(rows, sides[0].summary, sides[1].summary);
	if (error) {
		compare_rows_fini(rows);
		return error;
	}
	for (int i = 0; i < LG_NR_CAUSES; i++) {
		struct compare_cause *row = &rows->causes[i];

		for (int side = 0; side < 2; side++) {
			const struct model_cause *cause = &sides[side].summary->causes[i];

			row->sums[side] = (struct compare_sum){cause->nr_stalls, cause->stall_ns, cause->stall_squares,
							       seconds(sides[side].summary)};
		}
		row->stalled = compare_sums(&row->sums[0], &row->sums[1]);
	}
	return 0;
}

void compare_rows_fini(struct compare_rows *rows)
{
	free(rows->routes);
	free(rows->places);
	*rows = (struct compare_rows){0};
}
