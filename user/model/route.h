/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes: paths with their variable parts folded, and what is counted for each. Their number is bounded, whatever
 * clients send: those that come after the first `max` are counted together as "_other", with no method.
 */
#ifndef LG_ROUTE_H
#define LG_ROUTE_H

#include "base/table.h"
#include "model/model.h"

struct route {
	struct route *next; /* with the same hash */
	struct model_route stats;
};

struct routes {
	struct table by_hash; /* hash of method and route -> chain of struct route */
	struct route *other;  /* NULL until it is needed; not in the table */
	struct route *last;   /* that was asked for, and is in the table; NULL: none. Often it is the next one too */
	const char *const *patterns;
	unsigned max;
	unsigned count; /* in the table */
};

/* `patterns`: as of route_name(), NULL or NULL-terminated; it must outlive the routes. */
void routes_init(struct routes *r, const char *const *patterns, unsigned max);
void routes_fini(struct routes *r);

/* The route of a method and a route name, made at its first use. NULL when there is no memory. */
struct route *routes_get(struct routes *r, const char *method, const char *name);

/*
 * Copies all routes that counted something to an array of count + 1 at least; returns how many. In no special order.
 */
size_t routes_copy(const struct routes *r, struct model_route *out);

/*
 * Names the route of a path: the first pattern that matches, else the folded path. In a pattern a segment that is `*`
 * or {anything} stands for any one segment that is not empty; a `*` that is the last segment, for all the rest.
 * Folding: a segment of digits becomes {n}, a UUID {uuid}, hexadecimal digits from 8 on, at least one of them a
 * decimal, {hex}, and one of more than 64 bytes {long}.
 */
void route_name(const char *const *patterns, const char *path, char out[MODEL_PATH_LEN]);

/* Counts from nothing again; the names stay known. */
void routes_restart(struct routes *r);

#endif
