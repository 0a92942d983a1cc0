/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small heap of V8's, laid out as Node 20's, and a stack above it: what the tests of the walk over it are made of.
 *
 * Included once by a test; it brings the walk (bpf/node.bpf.h) and the image that it reads (walk_host.h).
 */
#ifndef NODE_HEAP_H
#define NODE_HEAP_H

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "walk_host.h"

#include "node.bpf.h"

struct node_walks_map node_walks;
static struct node_walk walk_memory;

void *bpf_map_lookup_elem(void *map, const void *key)
{
	return map == &node_walks && *(const __u32 *)key == 0 ? &walk_memory : NULL;
}

static struct lg_v8 v8 = {
	.type_object = 1057,
	.type_function = 2066,
	.type_function_end = 2097,
	.type_bound = 2064,
	.type_promise = 2063,
	.type_async_function = 2106,
	.type_async_generator = 2107,
	.type_reaction = 163,
	.type_capability = 161,
	.type_job = 132,
	.type_resolve = 136,
	.type_map = 255,
	.type_scope_info = 261,
	.type_context = 205,
	.type_context_end = 215,
	.type_js_map = 2110,
	.map_size = 8,
	.map_fields = 9,
	.map_type = 12,
	.map_bits = 16,
	.map_constructor = 32,
	.map_descriptors = 40,
	.function_shared = 24,
	.function_context = 32,
	.shared_name = 16,
	.shared_nr_params = 42,
	.object_properties = 8,
	.object_internal = 24,
	.string_length = 12,
	.string_chars = 16,
	.symbol_name = 16,
	.descriptors_first = 24,
	.scope_nr_params = 16,
	.dictionary_shift = 21,
	.nr_fields_shift = 10,
	.index_shift = 19,
	.nr_fields_mask = 1047552,
	.index_mask = 536346624,
	.descriptor_mask = 32,
	.fp_function = -16,
	.fp_context = -8,
	.fp_argc = -24,
	.fp_args = 16,
};

#define TYPE_STRING 8
#define TYPE_SYMBOL 128
#define TYPE_SHARED 270
#define TYPE_ARRAY  180

#define SMI(value) ((uint64_t)(value) << 32)

/* The heap. Objects are known by their tagged addresses. */
static struct {
	uint64_t meta;
	uint64_t maps[16];
	uint64_t nr_maps;
	uint64_t native; /* contexts */
	uint64_t script;
	uint64_t shared;
	uint64_t request_map, response_map, plain_map, socket_map, handle_map;
} heap;

static uint64_t object_new(uint64_t map, unsigned nr_words)
{
	uint64_t object = host_new(nr_words * 8) + 1;

	host_put64(object - 1, map);
	return object;
}

static void field_set(uint64_t object, unsigned offset, uint64_t value)
{
	host_put64(object - 1 + offset, value);
}

static uint64_t map_new(uint16_t type, uint8_t nr_words, uint8_t first, uint64_t constructor, uint64_t descriptors,
			uint32_t nr_fields)
{
	uint64_t map = host_new(48) + 1;
	uint32_t bits = nr_fields << v8.nr_fields_shift;

	field_set(map, 0, heap.meta ? heap.meta : map);
	host_put(map - 1 + v8.map_size, &nr_words, 1);
	host_put(map - 1 + v8.map_fields, &first, 1);
	host_put(map - 1 + v8.map_type, &type, 2);
	host_put(map - 1 + v8.map_bits, &bits, 4);
	field_set(map, v8.map_constructor, constructor);
	field_set(map, v8.map_descriptors, descriptors);
	return map;
}

/* An object of a type that has one map for all. */
static uint64_t typed_new(uint16_t type, unsigned nr_words)
{
	for (uint64_t i = 0; i < heap.nr_maps; i++) {
		uint16_t of_map;

		memcpy(&of_map, host.bytes + (heap.maps[i] - 1 + v8.map_type - HOST_BASE), 2);
		if (of_map == type)
			return object_new(heap.maps[i], nr_words);
	}
	assert_true(heap.nr_maps < 16);
	heap.maps[heap.nr_maps++] = map_new(type, 0, 0, heap.native, 0, 0);
	return object_new(heap.maps[heap.nr_maps - 1], nr_words);
}

static uint64_t string_new(const char *text)
{
	uint64_t string = typed_new(TYPE_STRING, 2 + (strlen(text) + 7) / 8);
	uint32_t len = strlen(text);

	host_put(string - 1 + v8.string_length, &len, 4);
	host_put(string - 1 + v8.string_chars, text, len);
	return string;
}

static uint64_t function_new(uint64_t shared, uint64_t context)
{
	uint64_t function = typed_new(v8.type_function, 8);

	field_set(function, v8.function_shared, shared);
	field_set(function, v8.function_context, context);
	return function;
}

static uint64_t shared_new(const char *name, uint16_t nr_params)
{
	uint64_t shared = typed_new(TYPE_SHARED, 8);

	field_set(shared, v8.shared_name, string_new(name));
	host_put(shared - 1 + v8.shared_nr_params, &nr_params, 2);
	return shared;
}

static uint64_t context_new(uint16_t kind, uint64_t previous, unsigned nr, const uint64_t *slots)
{
	uint64_t context = typed_new(v8.type_context + kind, 4 + nr);
	uint64_t scope = typed_new(v8.type_scope_info, 4);

	field_set(scope, v8.scope_nr_params, SMI(1));
	field_set(context, AT_CONTEXT_LENGTH, SMI(nr + 2));
	field_set(context, AT_CONTEXT_SCOPE, scope);
	field_set(context, AT_CONTEXT_PREVIOUS, previous);
	for (unsigned i = 0; i < nr; i++)
		field_set(context, AT_CONTEXT_SLOTS + 8 * i, slots[i]);
	return context;
}

/* A class: the map of its instances, with these fields behind the first three words. */
static uint64_t class_new(const char *name, unsigned nr, const char *const *fields)
{
	uint64_t constructor = function_new(shared_new(name, 1), heap.script);
	uint64_t descriptors = host_new(24 + nr * 24) + 1;

	for (unsigned i = 0; i < nr; i++) {
		uint64_t key = string_new(fields[i][0] == '@' ? fields[i] + 1 : fields[i]);

		if (fields[i][0] == '@') {
			uint64_t symbol = typed_new(TYPE_SYMBOL, 3);

			field_set(symbol, v8.symbol_name, key);
			key = symbol;
		}
		field_set(descriptors, 24 + i * 24, key);
		field_set(descriptors, 32 + i * 24, SMI(i << v8.index_shift));
	}
	return map_new(v8.type_object, 3 + nr, 3, constructor, descriptors, nr);
}

/* The connection at a descriptor: libuv's handle, its wrapper, the wrapper's object, the socket. */
static uint64_t socket_new(uint32_t fd)
{
	uint64_t wrapper = host_new(512), uv = wrapper + 128;
	uint64_t handle = object_new(heap.handle_map, 8), socket = object_new(heap.socket_map, 5);

	host_put64(wrapper + 64, uv);
	host_put64(uv, wrapper);
	host_put64(uv + UV_TYPE, UV_TCP);
	host_put(uv + UV_FD, &fd, 4);
	field_set(handle, v8.object_internal, wrapper);
	field_set(socket, 24, handle);
	return socket;
}

static uint64_t request_new(uint32_t fd)
{
	uint64_t request = object_new(heap.request_map, 12), response = object_new(heap.response_map, 12);
	uint64_t socket = socket_new(fd);

	field_set(request, 24, socket);
	field_set(response, 24, request);
	field_set(socket, 32, response);
	return request;
}

static void queue_new(void)
{
	uint64_t queue = host_new(64), ring = host_new(8 * 8);

	host_put64(queue + 8 * QUEUE_CAPACITY, 8);
	host_put64(queue + 8 * QUEUE_START, 7);
	host_put64(queue + 8 * QUEUE_RING, ring);
	host_put64(queue + 8 * QUEUE_NEXT, queue);
	host_put64(heap.native - 1 + AT_CONTEXT_SCOPE + 8 * 2, queue);
}

static uint64_t promise_new(uint64_t reaction)
{
	uint64_t promise = typed_new(v8.type_promise, 5);

	field_set(promise, AT_REACTIONS, reaction);
	return promise;
}

static uint64_t async_function_new(uint64_t param, uint64_t promise)
{
	uint64_t generator = typed_new(v8.type_async_function, 12), params = typed_new(TYPE_ARRAY, 6);

	field_set(params, 8, SMI(4));
	field_set(params, AT_ELEMENTS, param);
	field_set(generator, AT_GENERATOR, function_new(shared_new("handler", 2), heap.script));
	field_set(generator, AT_GENERATOR_CTX, heap.script);
	field_set(generator, AT_GENERATOR_PARAMS, params);
	field_set(generator, AT_GENERATOR_DONE, promise);
	return generator;
}

/* A promise whose reaction resumes an async function: V8's closure for it has the generator in its context. */
static uint64_t awaited_by(uint64_t generator)
{
	uint64_t context = context_new(3, heap.native, 1, &generator), reaction = typed_new(v8.type_reaction, 6);

	field_set(reaction, 16, function_new(heap.shared, context));
	return promise_new(reaction);
}

/* The microtask that resolves `outer` with `inner`. */
static void job_new(uint64_t outer, uint64_t inner)
{
	uint64_t job = typed_new(v8.type_resolve, 5), queue, ring;

	field_set(job, AT_JOB_THENABLE - 8, outer);
	field_set(job, AT_JOB_THENABLE, inner);
	memcpy(&queue, host.bytes + (heap.native - 1 + AT_CONTEXT_SCOPE + 8 * 2 - HOST_BASE), 8);
	memcpy(&ring, host.bytes + (queue + 8 * QUEUE_RING - HOST_BASE), 8);
	host_put64(queue + 8 * QUEUE_SIZE, 1);
	host_put64(ring + 8 * 7, job);
}

static void heap_init(void)
{
	static const char *const request[] = {"socket", "url", "b", "c", "d", "e", "f", "g", "h"};
	static const char *const response[] = {"req", "a", "b", "c", "d", "e", "f", "g", "h"};
	static const char *const socket[] = {"@kHandle", "_httpMessage"};
	static const char *const handle[] = {"x"};
	static const char *const plain[] = {"req", "res"};
	uint64_t map;

	host_init();
	memset(&heap, 0, sizeof(heap));
	memset(&walk_memory, 0, sizeof(walk_memory));
	heap.meta = map_new(v8.type_map, 0, 0, 0, 0, 0);
	map = map_new(v8.type_context + CONTEXT_NATIVE, 0, 0, 0, 0, 0);
	heap.native = object_new(map, 6);
	field_set(map, v8.map_constructor, heap.native);
	field_set(heap.native, AT_CONTEXT_LENGTH, SMI(2));
	queue_new();
	heap.script = context_new(CONTEXT_SCRIPT, heap.native, 0, NULL);
	heap.shared = shared_new("work", 1);
	heap.request_map = class_new("IncomingMessage", 9, request);
	heap.response_map = class_new("ServerResponse", 9, response);
	heap.socket_map = class_new("Socket", 2, socket);
	heap.handle_map = class_new("TCP", 1, handle);
	heap.plain_map = class_new("Object", 2, plain);
}

#define STACK_WORDS 512

/* The stack, from the innermost frame on. */
static uint64_t frame_at;

static void stack_init(void)
{
	frame_at = host_new(STACK_WORDS * 8) + 64;
	host_task.regs.sp = frame_at - 64;
	host_task.regs.bp = frame_at;
}

static void frame_add(uint64_t function, uint64_t context, uint64_t receiver, uint64_t arg)
{
	host_put64(frame_at, frame_at + 96);
	host_put64(frame_at + v8.fp_function, function);
	host_put64(frame_at + v8.fp_context, context);
	host_put64(frame_at + v8.fp_argc, arg ? 2 : 1);
	host_put64(frame_at + v8.fp_args, receiver);
	host_put64(frame_at + v8.fp_args + 8, arg);
	frame_at += 96;
}

static struct answer ask(void)
{
	struct thread t = {.pid = 1, .tid = 1};
	struct answer a = {};

	host.nr_reads = 0;
	assert_int_equal(node_ask(&t, &host_task.task, &v8, &a), 0);
	return a;
}

static void expect(uint8_t answer, uint8_t sure, uint64_t ino)
{
	struct answer a = ask();

	assert_int_equal(a.answer, answer);
	assert_int_equal(a.sure, sure);
	assert_int_equal(a.ino, ino);
}

#endif
