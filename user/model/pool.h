/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects of one size that come and go with the traffic: taken from slabs, given back to a free list. After the
 * warm-up no call reaches malloc. Memory goes back to the system only with the whole pool.
 */
#ifndef LG_POOL_H
#define LG_POOL_H

#include <stddef.h>

struct pool {
	size_t size;        /* bytes of an object */
	void *free_objects; /* chained through their first word */
	void *slabs;        /* chained through their first word */
};

/* `size`: of an object, in bytes. Allocates nothing yet. */
void pool_init(struct pool *p, size_t size);
/* Frees every object, those in use too. */
void pool_fini(struct pool *p);

/* An object, all zero; NULL when there is no memory. */
void *pool_get(struct pool *p);
/* Gives an object back; NULL is ignored. */
void pool_put(struct pool *p, void *object);

#endif
