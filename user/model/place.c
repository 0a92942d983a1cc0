/* SPDX-License-Identifier: BSD-2-Clause */
/* A table by a hash of the names, whose collisions share a chain. */
#include "model/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define MAX_PLACES 512
#define OTHER      "_other" /* stands for the places beyond */

struct place {
	struct place *next; /* of the same hash */
	struct model_place stats;
};

void places_init(struct places *p)
{
	table_init(&p->by_key, 0);
	p->count = 0;
}

void places_fini(struct places *p)
{
	size_t pos = 0;
	void *value;

	while (table_next(&p->by_key, &pos, NULL, &value)) {
		for (struct place *place = value, *next; place; place = next) {
			next = place->next;
			free(place);
		}
	}
	table_fini(&p->by_key);
	p->count = 0;
}

static bool is_same(const char *cut, const char *text, size_t size)
{
	return !strncmp(cut, text, size - 1);
}

/* Python's and JavaScript's functions without a name are told apart by their lines. */
static bool is_unnamed(const char *function)
{
	const char *last = strrchr(function, '.');

	last = last ? last + 1 : function;
	return !strcmp(last, "<lambda>") || !strcmp(last, "<anonymous>");
}

static uint64_t place_key(const struct model_frame *frame)
{
	uint64_t hash = hash_add(HASH_NONE, frame->function, strnlen(frame->function, MODEL_FUNCTION_LEN - 1));

	hash = hash_add(hash, frame->file, strnlen(frame->file, MODEL_FILE_LEN - 1));
	return is_unnamed(frame->function) ? hash_add(hash, &frame->line, sizeof(frame->line)) : hash;
}

static bool is_place(const struct model_place *s, const struct model_frame *frame)
{
	return is_same(s->function, frame->function, MODEL_FUNCTION_LEN) &&
	       is_same(s->file, frame->file, MODEL_FILE_LEN) &&
	       (s->line == frame->line || !is_unnamed(frame->function));
}

static struct place *place_find(struct places *p, const struct model_frame *frame)
{
	struct place *place = table_get(&p->by_key, place_key(frame));

	while (place && !is_place(&place->stats, frame))
		place = place->next;
	return place;
}

static struct place *place_new(struct places *p, const struct model_frame *frame)
{
	uint64_t key = place_key(frame);
	struct place *place = calloc(1, sizeof(*place)), *first = table_get(&p->by_key, key);

	if (!place || table_put(&p->by_key, key, place)) {
		free(place);
		return NULL;
	}
	place->next = first;
	snprintf(place->stats.function, sizeof(place->stats.function), "%s", frame->function);
	snprintf(place->stats.file, sizeof(place->stats.file), "%s", frame->file);
	place->stats.line = frame->line;
	place->stats.kind = frame->kind;
	place->stats.is_own = frame->is_own;
	p->count++;
	return place;
}

static void route_note(struct model_place *s, const struct model_request *who)
{
	char text[sizeof(s->routes[0])];

	if (!who || !who->route[0])
		return;
	snprintf(text, sizeof(text), "%s %s", who->method, who->route);
	for (unsigned i = 0; i < s->nr_routes; i++)
		if (!strcmp(s->routes[i], text))
			return;
	if (s->nr_routes < MODEL_PLACE_ROUTES)
		memcpy(s->routes[s->nr_routes++], text, sizeof(text));
}

int places_count(struct places *p, const struct model_frame *frame, const struct model_request *who,
		 enum lg_cause cause, uint64_t length_ns)
{
	static const struct model_frame other = {.function = OTHER, .file = ""};
	struct place *place = place_find(p, frame);
	struct model_place *s;

	if (!place && p->count >= MAX_PLACES) {
		frame = &other;
		place = place_find(p, frame);
	}
	if (!place)
		place = place_new(p, frame);
	if (!place)
		return -ENOMEM;
	s = &place->stats;
	s->nr_stalls++;
	s->stall_ns += length_ns;
	s->stall_squares += (double)length_ns * (double)length_ns / 1e18;
	route_note(s, who);
	if (length_ns <= s->max_stall_ns)
		return 0;
	s->max_stall_ns = length_ns;
	s->line = frame->line;
	s->cause = cause;
	snprintf(s->worst_id, sizeof(s->worst_id), "%s", who ? who->id : "");
	return 0;
}

size_t places_copy(const struct places *p, struct model_place *out)
{
	size_t pos = 0, n = 0;
	void *value;

	while (table_next(&p->by_key, &pos, NULL, &value))
		for (const struct place *place = value; place; place = place->next)
			out[n++] = place->stats;
	return n;
}
