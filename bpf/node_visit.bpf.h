/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What an object of V8's heap leads to: contexts, functions, promises, their reactions and the microtasks that link
 * them, async functions and generators. Requests and responses on the way are put down as goals; which of them is the
 * answer is for node.bpf.h to say. Whatever the memory holds, a walk visits NODE_STEPS objects at most.
 */
#ifndef LG_NODE_VISIT_BPF_H
#define LG_NODE_VISIT_BPF_H

#include "v8.bpf.h"

#define NODE_ARGS  8
#define NODE_STEPS 1024 /* objects visited in one walk, and half-made steps: what it may cost at most */

/* Layouts that are the same since Node 18, in bytes: V8 does not tell them. */
#define AT_CONTEXT_LENGTH   8
#define AT_CONTEXT_SCOPE    16
#define AT_CONTEXT_PREVIOUS 24
#define AT_CONTEXT_SLOTS    32
#define AT_REQUEST_PROMISE  32 /* of a call to an async generator */
#define AT_GENERATOR        24 /* function */
#define AT_GENERATOR_CTX    32
#define AT_GENERATOR_PARAMS 72
#define AT_GENERATOR_DONE   80 /* promise of an async function, queue of an async generator */
#define AT_REACTIONS        24
#define AT_JOB_THENABLE     24 /* of the microtask that resolves the promise before it; 8 more where a field is first */
#define AT_BOUND_TARGET     24
#define AT_BOUND_THIS       32
#define AT_BOUND_ARGS       40

/* V8's queue of microtasks, in words; its address is behind the last slot of the native context. */
#define QUEUE_SIZE     1
#define QUEUE_CAPACITY 2 /* a power of two */
#define QUEUE_START    3
#define QUEUE_RING     4
#define QUEUE_NEXT     6  /* the only one of its process: itself */
#define NODE_JOBS      64 /* microtasks looked at, the youngest first */

/* Contexts' types are in alphabetical order. */
enum node_context {
	CONTEXT_FUNCTION = 5,
	CONTEXT_MODULE = 6,
	CONTEXT_NATIVE = 7,
	CONTEXT_SCRIPT = 8,
};

#define MODULE_PARAMS 5 /* exports, require, module, __filename, __dirname */

/* How an object was reached; in the bits of a tagged address that are zero. */
enum node_how {
	HOW_STRONG = 0,
	HOW_THIS = 2,       /* as the receiver of a call */
	HOW_FIELD = 4,      /* through a field of an object: it is looked at, but leads nowhere */
	HOW_THIS_FIELD = 6, /* of the receiver */
	HOW_MASK = 6,
};

__noinline int node_push(__u64 object, __u32 how)
{
	struct node_walk *w = node_walk();
	__u64 entry = object | how;
	__u32 slot = ((__u32)(object >> 3) * 2654435761U >> 16) + how;

	if (!w || !is_tagged(object) || how > HOW_MASK)
		return 0;
	slot %= NODE_QUEUE;
	if (w->seen[slot] == (entry | (__u64)w->epoch << 48))
		return 0;
	w->seen[slot] = entry | (__u64)w->epoch << 48;
	if (w->tail >= NODE_QUEUE)
		return 0;
	w->queue[w->tail % NODE_QUEUE] = entry;
	w->tail++;
	return 0;
}

/* Queues what `nr` words of memory refer to. */
__noinline int node_push_words(__u64 addr, __u32 nr, __u32 how)
{
	struct node_walk *w = node_walk();

	if (!w || !nr)
		return 0;
	nr = bounded(nr, NODE_WORDS);
	if (bpf_probe_read_user(w->words, bounded(nr * 8, sizeof(w->words)), (void *)addr))
		return -1;
	for (__u32 i = 0; i < NODE_WORDS; i++) {
		if (i >= nr)
			break;
		node_push(w->words[i], how);
	}
	return 0;
}

/* A module's own variables say nothing about what its functions work for. */
static __always_inline bool context_is_outer(struct node_walk *w, __u64 context, __u32 type)
{
	__u64 outer = field_at(context, AT_CONTEXT_PREVIOUS);
	__u64 scope = field_at(context, AT_CONTEXT_SCOPE);
	__u32 kind = type - w->v8.type_context, outer_kind;

	if (kind == CONTEXT_MODULE || kind == CONTEXT_NATIVE || kind == CONTEXT_SCRIPT)
		return true;
	if (kind != CONTEXT_FUNCTION)
		return false;
	outer_kind = type_of(w, outer) - w->v8.type_context;
	if (outer_kind != CONTEXT_NATIVE && outer_kind != CONTEXT_SCRIPT)
		return false;
	return smi_of(field_at(scope, w->v8.scope_nr_params)) >= MODULE_PARAMS;
}

static __always_inline void context_visit(struct node_walk *w, __u64 context, __u32 type)
{
	__u32 nr = smi_of(field_at(context, AT_CONTEXT_LENGTH));

	if (context_is_outer(w, context, type) || nr < 2)
		return;
	node_push(field_at(context, AT_CONTEXT_PREVIOUS), HOW_STRONG);
	node_push_words(context - 1 + AT_CONTEXT_SLOTS, nr - 2, HOW_STRONG);
}

static __always_inline void generator_visit(struct node_walk *w, __u64 generator, __u32 type)
{
	__u64 params = field_at(generator, AT_GENERATOR_PARAMS);
	__u64 shared = field_at(field_at(generator, AT_GENERATOR), w->v8.function_shared);
	__u64 done = field_at(generator, AT_GENERATOR_DONE);
	__u32 nr = (__u16)field_at(shared, w->v8.shared_nr_params);

	if (nr > 1 && nr - 1 <= smi_of(field_at(params, 8)))
		node_push_words(params - 1 + AT_ELEMENTS, bounded(nr - 1, NODE_ARGS), HOW_STRONG);
	node_push(field_at(generator, AT_GENERATOR_CTX), HOW_STRONG);
	if (type == w->v8.type_async_generator)
		done = field_at(done, AT_REQUEST_PROMISE);
	node_push(done, HOW_STRONG);
}

/* One field away from what code was called with: a framework's own request and reply. */
static __always_inline void fields_visit(struct node_walk *w, __u64 object, __u32 how)
{
	__u32 size = map_byte(w, w->v8.map_size), first = map_byte(w, w->v8.map_fields);
	__u64 properties = field_at(object, w->v8.object_properties);

	if (size > first && first >= 3)
		node_push_words(object - 1 + first * 8, size - first, how);
	if (is_tagged(properties) && map_nr_fields(w) > size - first)
		node_push_words(properties - 1 + AT_ELEMENTS, map_nr_fields(w) - (size - first), how);
}

/* What its fields hold is reached as `in_fields`. */
static __always_inline void object_visit(struct node_walk *w, __u64 object, __u32 how, __u32 in_fields)
{
	int class = node_class();
	__u32 i = w->nr_goals;

	if (class != CLASS_REQUEST && class != CLASS_RESPONSE) {
		if (!(how & HOW_FIELD))
			fields_visit(w, object, in_fields);
		return;
	}
	if (i >= NODE_GOALS)
		return;
	w->goals[i * 2] = object | how;
	w->goals[i * 2 + 1] = class;
	w->nr_goals = i + 1;
}

/* The queue of microtasks of the walk's native context into walk->words; 0: there is none that makes sense. */
static __always_inline __u32 jobs_read(struct node_walk *w)
{
	__u64 native = field_at(map_of(w->context), w->v8.map_constructor), queue, capacity;

	if (type_of(w, native) - w->v8.type_context != CONTEXT_NATIVE)
		return 0;
	queue = field_at(native, AT_CONTEXT_SCOPE + 8 * smi_of(field_at(native, AT_CONTEXT_LENGTH)));
	if (queue & 7 || bpf_probe_read_user(w->words, 8 * 8, (void *)queue) || w->words[QUEUE_NEXT] != queue)
		return 0;
	capacity = w->words[QUEUE_CAPACITY];
	if (!capacity || capacity & (capacity - 1) || w->words[QUEUE_START] >= capacity ||
	    w->words[QUEUE_SIZE] > capacity)
		return 0;
	return bounded(w->words[QUEUE_SIZE], NODE_JOBS);
}

/* Follows a microtask when it is the one that resolves another promise with this one. */
__noinline int node_job(__u64 job, __u64 promise)
{
	struct node_walk *w = node_walk();
	__u32 at = AT_JOB_THENABLE;

	if (!w || !is_tagged(job))
		return 0;
	if (field_at(job, at) != promise)
		at += 8;
	if (field_at(job, at) != promise || type_of(w, job) != w->v8.type_resolve)
		return 0;
	return node_push(field_at(job, at - 8), HOW_STRONG);
}

/*
 * A promise that nobody waits for may be what another one was resolved with: what links them then is a microtask, until
 * that has run.
 */
__noinline int node_jobs(__u64 promise)
{
	struct node_walk *w = node_walk();
	__u64 end;
	__u32 nr;

	if (!w)
		return 0;
	nr = jobs_read(w);
	w->nr_steps += nr / 4; /* four reads each */
	end = w->words[QUEUE_START] + w->words[QUEUE_SIZE];
	for (__u32 i = 1; i <= NODE_JOBS; i++) {
		if (i > nr)
			break;
		node_job(word_at(w->words[QUEUE_RING] + 8 * ((end - i) & (w->words[QUEUE_CAPACITY] - 1))), promise);
	}
	return 0;
}

/* Visits the next object of the queue. */
__noinline int node_step(void)
{
	struct node_walk *w = node_walk();
	__u64 entry, object;
	__u32 type, how;
	bool is_promise;

	if (!w || w->head >= w->tail)
		return 1;
	if (w->nr_steps++ >= NODE_STEPS) {
		w->is_cut = 1;
		return 1;
	}
	entry = w->queue[w->head % NODE_QUEUE];
	w->head++;
	how = entry & HOW_MASK;
	object = entry & ~(__u64)HOW_MASK;
	type = map_load(w, object);
	is_promise = type == w->v8.type_promise;
	w->has_stores |= is_promise && map_nr_fields(w);
	/* A promise's fields hold what AsyncLocalStorages held when it was made; up to Node 22. */
	if (type == w->v8.type_object || (is_promise && w->is_by_store))
		object_visit(w, object, how, is_promise ? HOW_STRONG : how | HOW_FIELD);
	if (how != HOW_STRONG)
		return 0;
	if (type_is_function(&w->v8, type)) {
		node_push(field_at(object, w->v8.function_context), HOW_STRONG);
	} else if (type_is_context(&w->v8, type)) {
		context_visit(w, object, type);
	} else if (type == w->v8.type_async_function || type == w->v8.type_async_generator) {
		generator_visit(w, object, type);
	} else if (is_promise) {
		__u64 reactions = field_at(object, AT_REACTIONS);

		if (type_of(w, reactions) == w->v8.type_reaction)
			node_push(reactions, HOW_STRONG);
		else
			node_jobs(object);
	} else if (type == w->v8.type_reaction) {
		/* Some versions have a fifth field before these; else the word behind is the next object's map. */
		node_push_words(object - 1 + 8, 5, HOW_STRONG);
	} else if (type == w->v8.type_job || type == w->v8.type_resolve) {
		node_push_words(object - 1 + 8, 5, HOW_STRONG);
	} else if (type == w->v8.type_capability) {
		node_push(field_at(object, 8), HOW_STRONG);
	} else if (type == w->v8.type_bound) {
		__u64 args = field_at(object, AT_BOUND_ARGS);

		node_push(field_at(object, AT_BOUND_TARGET), HOW_STRONG);
		node_push(field_at(object, AT_BOUND_THIS), HOW_THIS);
		node_push_words(args - 1 + AT_ELEMENTS, bounded(smi_of(field_at(args, 8)), NODE_ARGS), HOW_STRONG);
	}
	return 0;
}

#endif
