/* SPDX-License-Identifier: BSD-2-Clause */
/* The pool. Under the address sanitizer a free object is poisoned, so that a late use of it is found. */
#include "model/pool.h"

#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#define SLAB_OBJECTS 64 /* few enough that an idle host costs little, many enough that malloc is rare */
#define SLAB_HEAD    16 /* the chain's word, padded so that objects stay aligned as malloc aligns */

void pool_init(struct pool *p, size_t size)
{
	*p = (struct pool){.size = (size + 15) & ~(size_t)15};
}

void pool_fini(struct pool *p)
{
	while (p->slabs) {
		void *slab = p->slabs;

		memcpy(&p->slabs, slab, sizeof(void *));
		ASAN_UNPOISON_MEMORY_REGION(slab, SLAB_HEAD + p->size * SLAB_OBJECTS);
		free(slab);
	}
	p->free_objects = NULL;
}

static void slab_add(struct pool *p)
{
	char *slab = malloc(SLAB_HEAD + p->size * SLAB_OBJECTS);

	if (!slab)
		return;
	memcpy(slab, &p->slabs, sizeof(void *));
	p->slabs = slab;
	for (int i = SLAB_OBJECTS - 1; i >= 0; i--)
		pool_put(p, slab + SLAB_HEAD + p->size * i);
}

void *pool_get(struct pool *p)
{
	void *object;

	if (!p->free_objects)
		slab_add(p);
	object = p->free_objects;
	if (!object)
		return NULL;
	ASAN_UNPOISON_MEMORY_REGION(object, p->size);
	memcpy(&p->free_objects, object, sizeof(void *));
	return memset(object, 0, p->size);
}

void pool_put(struct pool *p, void *object)
{
	if (!object)
		return;
	memcpy(object, &p->free_objects, sizeof(void *));
	p->free_objects = object;
	ASAN_POISON_MEMORY_REGION(object, p->size);
}
