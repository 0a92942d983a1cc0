/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hash map. A deleted entry stays as a mark, so that a walk may delete; marks go away when the
 * entries are laid anew. At least a quarter of the entries is "never used", which ends every search.
 */
#include "base/table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define MIN_SIZE 16 /* entries of the smallest table: 256 bytes */

static char deleted_mark;
#define DELETED ((void *)&deleted_mark)

/* Mixes so that every bit of the key reaches every bit of the index (the finish of splitmix64). */
static size_t key_index(const struct table *t, uint64_t key)
{
	uint64_t x = key ^ t->seed;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return (size_t)(x ^ (x >> 31)) & (t->size - 1);
}

/* The entry of a key, NULL when it is not there. */
static struct table_entry *table_find(const struct table *t, uint64_t key)
{
	if (!t->size)
		return NULL;
	for (size_t i = key_index(t, key);; i = (i + 1) & (t->size - 1)) {
		struct table_entry *e = &t->entries[i];

		if (!e->value)
			return NULL;
		if (e->value != DELETED && e->key == key)
			return e;
	}
}

/* Puts a key that is not there into the first entry never used: a new layout has no marks. */
static void entry_place(struct table *t, uint64_t key, void *value)
{
	size_t i = key_index(t, key);

	while (t->entries[i].value)
		i = (i + 1) & (t->size - 1);
	t->entries[i] = (struct table_entry){key, value};
	t->count++;
	t->used++;
}

/* Lays all entries anew in a table that has room for one more key at half load. */
static int table_relay(struct table *t)
{
	struct table bigger = {.size = MIN_SIZE, .seed = t->seed};
	uint64_t key;
	size_t pos = 0;
	void *value;

	while (bigger.size < (t->count + 1) * 2)
		bigger.size *= 2;
	bigger.entries = calloc(bigger.size, sizeof(*bigger.entries));
	if (!bigger.entries)
		return -ENOMEM;
	while (table_next(t, &pos, &key, &value))
		entry_place(&bigger, key, value);
	free(t->entries);
	*t = bigger;
	return 0;
}

void table_init(struct table *t, uint64_t seed)
{
	*t = (struct table){.seed = seed};
}

void table_fini(struct table *t)
{
	free(t->entries);
	table_init(t, t->seed);
}

void *table_get(const struct table *t, uint64_t key)
{
	const struct table_entry *e = table_find(t, key);

	return e ? e->value : NULL;
}

int table_put(struct table *t, uint64_t key, void *value)
{
	struct table_entry *e = table_find(t, key);

	assert(value);
	if (e) {
		e->value = value;
		return 0;
	}
	if ((t->used + 1) * 4 > t->size * 3) {
		int ret = table_relay(t);

		if (ret)
			return ret;
	}
	entry_place(t, key, value);
	return 0;
}

void *table_del(struct table *t, uint64_t key)
{
	struct table_entry *e = table_find(t, key);
	void *value;

	if (!e)
		return NULL;
	value = e->value;
	e->value = DELETED;
	t->count--;
	return value;
}

bool table_next(const struct table *t, size_t *pos, uint64_t *key, void **value)
{
	for (; *pos < t->size; (*pos)++) {
		const struct table_entry *e = &t->entries[*pos];

		if (!e->value || e->value == DELETED)
			continue;
		if (key)
			*key = e->key;
		*value = e->value;
		(*pos)++;
		return true;
	}
	return false;
}
