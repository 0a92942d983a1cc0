/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk over V8's heap (bpf/node.bpf.h), on the host: a small heap laid out as Node 20's, in which every kind of
 * link leads from a stack to a request; then thousands of damaged copies of it. Whatever those hold, the walk ends
 * after a bounded number of reads, touches nothing but the image (ASan), and is only sure of a socket that is open.
 */
#include "node_heap.h"

/* What code was called with, and what it closes over. */
static uint64_t case_argument(void)
{
	uint64_t request = request_new(3);

	frame_add(function_new(heap.shared, heap.script), heap.script, 0, request);
	return 3;
}

static uint64_t case_closure(void)
{
	uint64_t request = request_new(4), context = context_new(CONTEXT_FUNCTION, heap.script, 1, &request);

	frame_add(function_new(heap.shared, context), context, 0, 0);
	return 4;
}

static uint64_t case_receiver(void)
{
	frame_add(function_new(heap.shared, heap.script), heap.script, request_new(5), 0);
	return 5;
}

/* A framework's object with both sides, as an argument. */
static uint64_t case_object(void)
{
	uint64_t request = request_new(6), object = object_new(heap.plain_map, 5), socket, response;

	memcpy(&socket, host.bytes + (request - 1 + 24 - HOST_BASE), 8);
	memcpy(&response, host.bytes + (socket - 1 + 32 - HOST_BASE), 8);
	field_set(object, 24, request);
	field_set(object, 32, response);
	frame_add(function_new(heap.shared, heap.script), heap.script, 0, object);
	return 6;
}

/* A callback that resolves a promise; an async function awaits it, another one awaits that. */
static uint64_t case_promises(void)
{
	uint64_t handler = async_function_new(request_new(7), promise_new(0));
	uint64_t service = async_function_new(0, awaited_by(handler)), promise = awaited_by(service);
	uint64_t context = context_new(CONTEXT_FUNCTION, heap.script, 1, &promise);

	frame_add(function_new(heap.shared, context), context, 0, 0);
	return 7;
}

static uint64_t case_microtask(void)
{
	uint64_t handler = async_function_new(request_new(2), promise_new(0));
	uint64_t outer = awaited_by(handler), inner = promise_new(0);
	uint64_t context = context_new(CONTEXT_FUNCTION, heap.script, 1, &inner);

	job_new(outer, inner);
	frame_add(function_new(heap.shared, context), context, 0, 0);
	return 2;
}

static uint64_t case_bound(void)
{
	uint64_t request = request_new(3), args = typed_new(TYPE_ARRAY, 3), bound = typed_new(v8.type_bound, 6);

	field_set(args, 8, SMI(1));
	field_set(args, AT_ELEMENTS, request);
	field_set(bound, AT_BOUND_TARGET, function_new(heap.shared, heap.script));
	field_set(bound, AT_BOUND_ARGS, args);
	frame_add(function_new(heap.shared, heap.script), heap.script, 0, bound);
	return 3;
}

/* A promise that nobody awaits, made while an AsyncLocalStorage held an object with the request. */
static uint64_t store_build(uint64_t request)
{
	static const char *const fields[] = {"@kResourceStore"};
	uint64_t promise = object_new(class_new("Promise", 1, fields), 7), store = object_new(heap.plain_map, 5);
	uint64_t context, map;

	memcpy(&map, host.bytes + (promise - 1 - HOST_BASE), 8);
	host_put(map - 1 + v8.map_type, &v8.type_promise, 2);
	host_put(map - 1 + v8.map_size, &(uint8_t){6}, 1);
	host_put(map - 1 + v8.map_fields, &(uint8_t){5}, 1);
	field_set(promise, 40, store);
	field_set(store, 24, request);
	context = context_new(CONTEXT_FUNCTION, heap.script, 1, &promise);
	frame_add(function_new(heap.shared, context), context, 0, 0);
	return store;
}

static uint64_t case_store(void)
{
	store_build(request_new(5));
	return 5;
}

static const struct {
	uint64_t (*build)(void);
	uint8_t sure;
} cases[] = {
	{case_argument, LG_SURE_EXACT}, {case_closure, LG_SURE_EXACT},  {case_receiver, LG_SURE_EXACT},
	{case_object, LG_SURE_EXACT},   {case_promises, LG_SURE_EXACT}, {case_microtask, LG_SURE_EXACT},
	{case_bound, LG_SURE_EXACT},    {case_store, LG_SURE_LIKELY},
};
#define NR_CASES (sizeof(cases) / sizeof(*cases))

static uint64_t case_build(size_t i)
{
	heap_init();
	stack_init();
	return cases[i].build();
}

static void every_link_leads_to_the_request(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_CASES; i++) {
		uint64_t fd = case_build(i);

		expect(LG_ANSWER_CONN, cases[i].sure, HOST_INO + fd);
	}
}

static void inner_frame_wins(void **state)
{
	(void)state;
	case_build(0);
	case_argument();
	host_task.regs.bp = frame_at;
	frame_add(function_new(heap.shared, heap.script), heap.script, 0, request_new(7));
	frame_add(function_new(heap.shared, heap.script), heap.script, 0, request_new(6));
	expect(LG_ANSWER_CONN, LG_SURE_EXACT, HOST_INO + 7);
}

static void one_field_is_not_sure(void **state)
{
	uint64_t object;

	(void)state;
	heap_init();
	stack_init();
	object = object_new(heap.plain_map, 5);
	field_set(object, 24, request_new(3));
	frame_add(function_new(heap.shared, heap.script), heap.script, 0, object);
	expect(LG_ANSWER_CONN, LG_SURE_LIKELY, HOST_INO + 3);
}

static void a_promise_knows_its_store(void **state)
{
	uint64_t store, request, socket;

	(void)state;
	heap_init();
	stack_init();
	request = request_new(3);
	store = store_build(request);
	expect(LG_ANSWER_CONN, LG_SURE_LIKELY, HOST_INO + 3);
	memcpy(&socket, host.bytes + (request - 1 + 24 - HOST_BASE), 8);
	field_set(socket, 32, 0); /* it was answered: what it began may go on for ever */
	expect(LG_ANSWER_NOBODY, LG_SURE_NONE, 0);
	field_set(store, 24, 0);
	expect(LG_ANSWER_NOBODY, LG_SURE_NONE, 0);
}

/* From Node 24 on: a Map of what all of them hold goes from callback to callback, and V8 has the one of now. */
static void the_map_of_stores_is_known(void **state)
{
	const struct lg_v8 before = v8;
	uint64_t map, table, store, isolate, thread;

	(void)state;
	heap_init();
	stack_init();
	frame_add(function_new(heap.shared, heap.script), heap.script, 0, 0);
	isolate = host_new(64);
	thread = host_new(8);
	map = typed_new(v8.type_js_map, 4);
	table = typed_new(TYPE_ARRAY, 2 + NODE_STORES);
	store = object_new(heap.plain_map, 5);
	host_put64(thread, isolate);
#if defined(__x86_64__)
	host_task.task.thread.fsbase = thread;
#else
	host_task.task.thread.uw.tp_value = thread;
#endif
	v8.exit_frame = 8;
	v8.stores = 16;
	host_put64(isolate + 16, map);
	field_set(map, AT_MAP_TABLE, table);
	field_set(table, AT_ELEMENTS + 8 * 6, store);
	field_set(store, 24, request_new(5));
	expect(LG_ANSWER_CONN, LG_SURE_LIKELY, HOST_INO + 5);
	field_set(table, AT_ELEMENTS + 8 * 9, request_new(6));
	expect(LG_ANSWER_NOBODY, LG_SURE_NONE, 0);
	v8 = before;
}

static void two_requests_are_shared(void **state)
{
	uint64_t requests[2], context;

	(void)state;
	heap_init();
	stack_init();
	requests[0] = request_new(3);
	requests[1] = request_new(4);
	context = context_new(CONTEXT_FUNCTION, heap.script, 2, requests);
	frame_add(function_new(heap.shared, context), context, 0, 0);
	assert_int_equal(ask().answer, LG_ANSWER_SHARED);
}

/* Its connection has gone on to another request: the path tells which one it was. */
static void behind_is_told_by_path(void **state)
{
	static const __u64 path[LG_PATH_WORDS] = {WORD8('/', 's', 'l', 'o', 'w', '/', '7', 0)};
	uint64_t request, response, socket;
	struct answer a;

	(void)state;
	heap_init();
	stack_init();
	socket = socket_new(3);
	request = object_new(heap.request_map, 12);
	field_set(request, 24, socket);
	response = object_new(heap.response_map, 12);
	field_set(response, 24, request_new(4));
	field_set(socket, 32, response);
	frame_add(function_new(heap.shared, heap.script), heap.script, 0, request);
	assert_int_equal(ask().answer, LG_ANSWER_SHARED);
	field_set(request, 32, string_new("/slow/7?a=b"));
	a = ask();
	assert_int_equal(a.answer, LG_ANSWER_CONN);
	assert_int_equal(a.sure, LG_SURE_LIKELY);
	assert_int_equal(a.ino, HOST_INO + 3);
	assert_true(a.is_behind);
	assert_int_equal(a.path_sum, lg_path_sum(path, 7));
	field_set(request, 32, string_new("slow"));
	assert_int_equal(ask().answer, LG_ANSWER_SHARED);
}

/* Without exit frames a frame pointer is only believed outside of system calls. */
static void system_call_is_not_sure(void **state)
{
	(void)state;
	case_build(0);
	host_task.regs.orig_ax = 202;
	expect(LG_ANSWER_CONN, LG_SURE_LIKELY, HOST_INO + 3);
}

static void nobody_without_a_request(void **state)
{
	(void)state;
	heap_init();
	stack_init();
	frame_add(function_new(heap.shared, heap.script), heap.script, 0, 0);
	expect(LG_ANSWER_NOBODY, LG_SURE_NONE, 0);
}

static void file_is_no_connection(void **state)
{
	(void)state;
	heap_init();
	stack_init();
	frame_add(function_new(heap.shared, heap.script), heap.script, 0, request_new(1));
	expect(LG_ANSWER_NOBODY, LG_SURE_NONE, 0);
}

/* A step reads its object, and what is behind its map; a request that is found costs its fields by name. */
#define MAX_READS (16 * NODE_STEPS)

/* Contexts that close over each other, each with many slots. */
static void cycles_end(void **state)
{
	enum { NR = 300, SLOTS = 30 };
	uint64_t contexts[NR], none[SLOTS] = {0};

	(void)state;
	heap_init();
	stack_init();
	for (int i = 0; i < NR / 2; i++)
		contexts[i] = context_new(CONTEXT_FUNCTION, heap.script, SLOTS, none);
	for (int i = 0; i < NR / 2; i++)
		for (int j = 0; j < SLOTS; j++)
			field_set(contexts[i], AT_CONTEXT_SLOTS + 8 * j, contexts[(i * 7 + j) % (NR / 2)]);
	for (int i = 0; i < NODE_FRAMES - 8; i++)
		frame_add(function_new(heap.shared, contexts[i]), contexts[i], 0, 0);
	assert_int_equal(ask().answer, LG_ANSWER_UNKNOWN);
	assert_in_range(host.nr_reads, NODE_STEPS, MAX_READS);
}

#define SEEDS 40000

static void damage_is_survived(void **state)
{
	uint64_t nr_exact = 0, nr_found = 0, nr_other = 0, max_reads = 0, fd;

	(void)state;
	for (uint64_t i = 0; i < SEEDS; i++) {
		uint64_t seed = i * 2654435761u + 1, nr = 1 + i % 24;
		struct answer a;

		fd = case_build(i % NR_CASES);
		request_new(2 + (fd + 1) % 6); /* a bystander */
		while (nr--)
			host_damage(&seed, 1);
		a = ask();
		nr_found += a.answer == LG_ANSWER_CONN;
		nr_exact += a.sure == LG_SURE_EXACT;
		nr_other += a.sure == LG_SURE_EXACT && a.ino != HOST_INO + fd;
		if (host.nr_reads > max_reads)
			max_reads = host.nr_reads;
		assert_in_range(a.answer, LG_ANSWER_NOBODY, LG_ANSWER_UNKNOWN);
		if (a.sure == LG_SURE_EXACT)
			assert_in_range(a.ino, HOST_INO + 2, HOST_INO + HOST_FDS - 1);
	}
	print_message("%lu of %d found, %lu exact, %lu of another, at most %lu reads\n", nr_found, SEEDS, nr_exact,
		      nr_other, max_reads);
	assert_in_range(max_reads, 1, MAX_READS);
	assert_true(nr_other < nr_exact / 200); /* a pointer that became another request's cannot be told */
	assert_true(nr_found > SEEDS / 20);     /* the damage leaves something to walk */
	assert_true(nr_found < SEEDS);
}

/* Nothing of the image is left as it was. */
static void noise_is_nobody(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 500; i++) {
		uint64_t seed = i;

		case_build(0);
		for (uint64_t at = 0; at < host.used; at += 8) {
			uint64_t word = host_garbage(&seed, 1);

			memcpy(host.bytes + at, &word, 8);
		}
		assert_int_not_equal(ask().sure, LG_SURE_EXACT);
		assert_in_range(host.nr_reads, 1, MAX_READS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_link_leads_to_the_request),
		cmocka_unit_test(inner_frame_wins),
		cmocka_unit_test(one_field_is_not_sure),
		cmocka_unit_test(a_promise_knows_its_store),
		cmocka_unit_test(the_map_of_stores_is_known),
		cmocka_unit_test(two_requests_are_shared),
		cmocka_unit_test(behind_is_told_by_path),
		cmocka_unit_test(system_call_is_not_sure),
		cmocka_unit_test(nobody_without_a_request),
		cmocka_unit_test(file_is_no_connection),
		cmocka_unit_test(cycles_end),
		cmocka_unit_test(damage_is_survived),
		cmocka_unit_test(noise_is_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
