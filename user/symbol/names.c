/* SPDX-License-Identifier: BSD-2-Clause */
/* Each place holds one frame with its strings behind it, no longer than they are. */
#include "symbol/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct name {
	struct names_key key;
	uint64_t module;
	uint32_t line;
	uint8_t kind;
	bool is_own;
	uint16_t file_at; /* in text */
	uint16_t text_len;
	char text[]; /* function, NUL, file, NUL: no longer than a frame's */
};

struct names {
	size_t places;
	size_t bytes;
	struct name *v[];
};

int names_new(struct names **out, size_t places)
{
	struct names *n = calloc(1, sizeof(*n) + places * sizeof(n->v[0]));

	if (!n)
		return -ENOMEM;
	n->places = places;
	*out = n;
	return 0;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->places; i++)
		free(n->v[i]);
	free(n);
}

static size_t place_of(const struct names *n, const struct names_key *key)
{
	uint64_t hash = key->addr * 0x9e3779b97f4a7c15 ^ key->process * 0xc2b2ae3d27d4eb4f ^ key->extra;

	hash *= 0xd6e8feb86659fd93;
	return hash >> 32 & (n->places - 1);
}

bool names_get(const struct names *n, const struct names_key *key, struct frame *out)
{
	const struct name *name = n->v[place_of(n, key)];

	if (!name || memcmp(&name->key, key, sizeof(*key)))
		return false;
	out->kind = name->kind;
	out->is_own = name->is_own;
	out->line = name->line;
	out->module = name->module;
	memcpy(out->function, name->text, name->file_at);
	memcpy(out->file, name->text + name->file_at, name->text_len - name->file_at);
	return true;
}

static size_t name_bytes(const struct name *name)
{
	return name ? sizeof(*name) + name->text_len : 0;
}

void names_put(struct names *n, const struct names_key *key, const struct frame *frame)
{
	size_t function = strlen(frame->function) + 1, file = strlen(frame->file) + 1;
	struct name *name = malloc(sizeof(*name) + function + file), **place = &n->v[place_of(n, key)];

	if (!name)
		return;
	name->key = *key;
	name->line = frame->line;
	name->module = frame->module;
	name->kind = frame->kind;
	name->is_own = frame->is_own;
	name->file_at = function;
	name->text_len = function + file;
	memcpy(name->text, frame->function, function);
	memcpy(name->text + function, frame->file, file);
	n->bytes += name_bytes(name) - name_bytes(*place);
	free(*place);
	*place = name;
}

size_t names_bytes(const struct names *n)
{
	return sizeof(*n) + n->places * sizeof(n->v[0]) + n->bytes;
}
