/* SPDX-License-Identifier: BSD-2-Clause */
/* Folding of paths and the bounded table of routes. */
#include "model/route.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define LONG_SEGMENT 64 /* bytes: longer than any name a person gives a part of a route */
#define MIN_HEX      8  /* digits: shorter ones may be words (cafe, added) */
#define UUID_LEN     36

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex_digit(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_uuid(const char *s, size_t len)
{
	if (len != UUID_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !is_hex_digit(s[i]))
			return false;
	}
	return true;
}

/* What a segment is folded to, NULL: it stays. */
static const char *segment_fold(const char *s, size_t len)
{
	size_t digits = 0, hex = 0;

	if (len > LONG_SEGMENT)
		return "{long}";
	for (size_t i = 0; i < len; i++) {
		digits += is_digit(s[i]);
		hex += is_hex_digit(s[i]);
	}
	if (len && digits == len)
		return "{n}";
	if (is_uuid(s, len))
		return "{uuid}";
	if (len >= MIN_HEX && hex == len && digits)
		return "{hex}";
	return NULL;
}

static void path_fold(const char *path, char out[MODEL_PATH_LEN])
{
	size_t used = 0;

	for (;;) {
		size_t len = strcspn(path, "/");
		const char *fold = segment_fold(path, len);
		size_t n = fold ? strlen(fold) : len;

		if (n > MODEL_PATH_LEN - 2 - used)
			n = MODEL_PATH_LEN - 2 - used;
		memcpy(out + used, fold ? fold : path, n);
		used += n;
		path += len;
		if (!*path || used >= MODEL_PATH_LEN - 2)
			break;
		out[used++] = *path++;
	}
	out[used] = '\0';
}

static bool segment_matches(const char *pattern, size_t pattern_len, const char *s, size_t len)
{
	if (pattern_len == 1 && pattern[0] == '*')
		return len > 0;
	if (pattern_len >= 2 && pattern[0] == '{' && pattern[pattern_len - 1] == '}')
		return len > 0;
	return len == pattern_len && !memcmp(pattern, s, len);
}

static bool pattern_matches(const char *pattern, const char *path)
{
	for (;;) {
		size_t pattern_len = strcspn(pattern, "/"), len = strcspn(path, "/");

		if (!segment_matches(pattern, pattern_len, path, len))
			return false;
		if (!strcmp(pattern, "*"))
			return true;
		pattern += pattern_len;
		path += len;
		if (!*pattern || !*path)
			return *pattern == *path;
		pattern++;
		path++;
	}
}

static void string_copy(char *dst, size_t size, const char *src)
{
	size_t len = strnlen(src, size - 1);

	memcpy(dst, src, len);
	dst[len] = '\0';
}

void route_name(const char *const *patterns, const char *path, char out[MODEL_PATH_LEN])
{
	for (; patterns && *patterns; patterns++) {
		if (pattern_matches(*patterns, path)) {
			string_copy(out, MODEL_PATH_LEN, *patterns);
			return;
		}
	}
	path_fold(path, out);
}

void routes_init(struct routes *r, const char *const *patterns, unsigned max)
{
	*r = (struct routes){.patterns = patterns, .max = max};
	table_init(&r->by_hash, 0);
}

void routes_fini(struct routes *r)
{
	size_t pos = 0;
	void *value;

	while (table_next(&r->by_hash, &pos, NULL, &value)) {
		for (struct route *route = value, *next; route; route = next) {
			next = route->next;
			free(route);
		}
	}
	table_fini(&r->by_hash);
	free(r->other);
	r->other = NULL;
	r->last = NULL;
	r->count = 0;
}

static struct route *route_new(const char *method, const char *name)
{
	struct route *route = calloc(1, sizeof(*route));

	if (!route)
		return NULL;
	string_copy(route->stats.method, sizeof(route->stats.method), method);
	string_copy(route->stats.route, sizeof(route->stats.route), name);
	return route;
}

static struct route *routes_add(struct routes *r, uint64_t hash, const char *method, const char *name)
{
	struct route *route = route_new(method, name);

	if (!route)
		return NULL;
	route->next = table_get(&r->by_hash, hash);
	if (table_put(&r->by_hash, hash, route)) {
		free(route);
		return NULL;
	}
	r->count++;
	return route;
}

static bool route_is(const struct route *route, const char *method, const char *name)
{
	return !strcmp(route->stats.route, name) && !strcmp(route->stats.method, method);
}

struct route *routes_get(struct routes *r, const char *method, const char *name)
{
	struct route *route = r->last;
	uint64_t hash;

	if (route && route_is(route, method, name))
		return route;
	hash = hash_add(HASH_NONE, method, strlen(method) + 1);
	hash = hash_add(hash, name, strlen(name) + 1);
	route = table_get(&r->by_hash, hash);
	while (route && !route_is(route, method, name))
		route = route->next;
	if (!route && r->count < r->max)
		route = routes_add(r, hash, method, name);
	if (route) {
		r->last = route;
		return route;
	}
	if (r->count < r->max)
		return NULL;
	if (!r->other)
		r->other = route_new("", "_other");
	return r->other;
}

/* A route whose requests are all in flight, or were met in an earlier interval only, has nothing to tell. */
static bool route_is_used(const struct route *route)
{
	return route->stats.count || route->stats.nr_stalls;
}

size_t routes_copy(const struct routes *r, struct model_route *out)
{
	size_t pos = 0, n = 0;
	void *value;

	while (table_next(&r->by_hash, &pos, NULL, &value))
		for (const struct route *route = value; route; route = route->next)
			if (route_is_used(route))
				out[n++] = route->stats;
	if (r->other && route_is_used(r->other))
		out[n++] = r->other->stats;
	return n;
}

static void route_restart(struct route *route)
{
	struct model_route fresh = {0};

	memcpy(fresh.method, route->stats.method, sizeof(fresh.method));
	memcpy(fresh.route, route->stats.route, sizeof(fresh.route));
	route->stats = fresh;
}

void routes_restart(struct routes *r)
{
	size_t pos = 0;
	void *value;

	while (table_next(&r->by_hash, &pos, NULL, &value))
		for (struct route *route = value; route; route = route->next)
			route_restart(route);
	if (r->other)
		route_restart(r->other);
}
