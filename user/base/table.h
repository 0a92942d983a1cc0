/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash map from 64-bit keys (inodes, thread ids) to pointers: open addressing, linear steps. It does not
 * own what the pointers lead to, and keeps no order.
 *
 * Keys may be chosen by a traced program, so the hash is seeded: with an unpredictable seed nobody can
 * make all keys collide. The same seed and calls give the same order of table_next().
 */
#ifndef LG_TABLE_H
#define LG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_entry {
	uint64_t key;
	void *value; /* NULL: never used; table.c's own mark: deleted */
};

struct table {
	struct table_entry *entries; /* NULL until the first put */
	size_t size;                 /* of entries: 0 or a power of two */
	size_t count;                /* keys in the table */
	size_t used;                 /* entries that are not "never used": count and the deleted ones */
	uint64_t seed;
};

void table_init(struct table *t, uint64_t seed);
/* Frees the entries, not what they point to, and leaves an empty table. */
void table_fini(struct table *t);

/* The value of a key, NULL when it is not there. */
void *table_get(const struct table *t, uint64_t key);
/* Sets a key's value, which must not be NULL. 0, or -ENOMEM: nothing changed. */
int table_put(struct table *t, uint64_t key, void *value);
/* Takes a key out and returns what its value was, NULL when it was not there. */
void *table_del(struct table *t, uint64_t key);

/*
 * Walks over all entries: begin with *pos = 0; false at the end. `key` may be NULL. During the walk
 * any key may be deleted, none may be put that is not there.
 */
bool table_next(const struct table *t, size_t *pos, uint64_t *key, void **value);

#endif
