/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk over CPython's memory (bpf/python.bpf.c), on the host: a process laid out as Python 3.11's, with a request
 * that uvicorn serves; then thousands of damaged copies of it. Whatever those hold, the walk ends after a bounded
 * number of reads, touches nothing but the image (ASan), and is only sure of a client's port.
 */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "walk_host.h"

#include "python.bpf.c"
#include "target/cpython_layout.h"

struct walks_map walks;
static struct walk walk_memory;

void *bpf_map_lookup_elem(void *map, const void *key)
{
	return map == &walks && *(const __u32 *)key == 0 ? &walk_memory : NULL;
}

/* The host's flavours of a task all begin where it does: what names a thread is also the next one, and its id. */
static struct task_struct other_task;
#define SELF   ((uint64_t)&other_task) /* what names the thread, */
#define HOLDER 4711                    /* and the other one */
#define PORT   40123
#define PATH   "/reports/7"

#define TYPE_BYTES 904
#define FRAME      80 /* of a coroutine */

static struct lg_python py;
static uint64_t tstate_frame_at; /* the field that points to the innermost frame */

static uint64_t type_new(const char *name, uint64_t flags)
{
	uint64_t type = host_new(TYPE_BYTES), text = host_new(32);

	host_put(text, name, strlen(name));
	host_put64(type + TYPE_NAME, text);
	host_put64(type + TYPE_FLAGS, flags);
	return type;
}

static uint64_t object_new(uint64_t type, size_t size)
{
	uint64_t object = host_new(size);

	host_put64(object + OBJECT_TYPE, type);
	return object;
}

static uint64_t str_new(const char *text)
{
	uint64_t str = host_new(py.str_data + strlen(text) + 8);

	host_put64(str + VAR_SIZE, strlen(text));
	host_put(str + py.str_data, text, strlen(text));
	return str;
}

static uint64_t bytes_new(const char *text)
{
	uint64_t bytes = object_new(type_new("bytes", 0), BYTES_DATA + strlen(text) + 8);

	host_put64(bytes + VAR_SIZE, strlen(text));
	host_put(bytes + BYTES_DATA, text, strlen(text));
	return bytes;
}

static uint64_t dict_new(unsigned nr, const char *const *names, const uint64_t *values)
{
	uint64_t dict = object_new(py.type_dict, 48), keys = host_new(32 + 16 + nr * 24), entry;
	uint8_t log2 = 4;

	host_put(keys + py.keys_log2, &log2, 1);
	host_put64(keys + py.keys_nentries, nr);
	host_put64(dict + DICT_KEYS, keys);
	for (unsigned i = 0; i < nr; i++) {
		entry = keys + py.keys_indices + 16 + i * 24;
		host_put64(entry + 8, names ? str_new(names[i]) : 0);
		host_put64(entry + 16, values[i]);
	}
	return dict;
}

static uint64_t client_new(uint32_t port)
{
	uint64_t tuple = object_new(py.type_tuple, py.tuple_items + 16), number = object_new(py.type_long, 32);

	host_put64(number + LONG_TAG, py.long_one);
	host_put(number + LONG_DIGIT, &port, 4);
	host_put64(tuple + VAR_SIZE, 2);
	host_put64(tuple + py.tuple_items, str_new("127.0.0.1"));
	host_put64(tuple + py.tuple_items + 8, number);
	return tuple;
}

static uint64_t scope_of(const char *type, uint64_t path, uint32_t port)
{
	static const char *const names[] = {"type", "path", "raw_path", "client"};
	const uint64_t values[] = {str_new(type), str_new(PATH), path, client_new(port)};

	return dict_new(4, names, values);
}

static uint64_t scope_new(uint32_t port)
{
	return scope_of("http", bytes_new(PATH), port);
}

/* An instance whose attributes are in a dict, two words before it. */
static uint64_t instance_new(const char *class, unsigned nr, const char *const *names, const uint64_t *values)
{
	uint64_t dict = dict_new(nr, names, values), room = host_new(64);

	host_put64(room + 8, dict);
	host_put64(room + 32 + OBJECT_TYPE, type_new(class, FLAG_HEAPTYPE | FLAG_MANAGED));
	return room + 32;
}

/* What serves one request: uvicorn's cycle, bound to its protocol. */
static uint64_t cycle_new(uint32_t port)
{
	static const char *const of_protocol[] = {"client", "cycle"};
	static const char *const of_cycle[] = {"scope", "on_response", "response_started", "response_complete"};
	uint64_t protocol_values[] = {client_new(port), 0};
	uint64_t protocol = instance_new("H11Protocol", 2, of_protocol, protocol_values);
	uint64_t method = object_new(py.type_method, 40);
	const uint64_t values[] = {scope_new(port), method, py.none_object, py.none_object};
	uint64_t cycle = instance_new("RequestResponseCycle", 4, of_cycle, values), dict, keys;

	host_put64(method + METHOD_SELF, protocol);
	memcpy(&dict, host.bytes + (protocol - 24 - HOST_BASE), 8);
	memcpy(&keys, host.bytes + (dict + DICT_KEYS - HOST_BASE), 8);
	host_put64(keys + py.keys_indices + 16 + 24 + 16, cycle);
	return cycle;
}

/* A task whose coroutine was called with `arg`. */
static uint64_t task_new(uint64_t arg)
{
	uint64_t task = object_new(py.type_task, 160), coro = object_new(py.type_coro, FRAME + 96);
	uint64_t code = host_new(96);
	uint32_t one = 1;
	uint8_t owner = 1;

	host_put(code + py.code_argcount, &one, 4);
	host_put64(task + py.task_coro, coro);
	host_put64(coro + FRAME + py.frame_code, code);
	host_put(coro + FRAME + py.frame_owner, &owner, 1);
	host_put64(coro + FRAME + py.frame_locals, arg);
	return task;
}

static uint64_t task_frame(uint64_t task)
{
	uint64_t coro;

	memcpy(&coro, host.bytes + (task + py.task_coro - HOST_BASE), 8);
	return coro + FRAME;
}

static void task_runs(uint64_t task)
{
	py.tasks = dict_new(1, NULL, &task);
	host_put64(tstate_frame_at, task_frame(task));
}

/* When `task` is done, `waiter` goes on. */
static void task_awaits(uint64_t waiter, uint64_t task)
{
	uint64_t wakeup = object_new(py.type_cfunction, 40);

	host_put64(wakeup + METHOD_SELF, waiter);
	host_put64(task + py.future_callback0, wakeup);
}

static void process_init(void)
{
	struct cpython_layout layout;
	uint64_t tstate, frames;

	assert_true(cpython_layout_init(&layout, 0x030b));
	host_init();
	memset(&walk_memory, 0, sizeof(walk_memory));
	memcpy(&host_task.task, &(uint64_t){SELF}, 8); /* where the tls flavour of the task has its thread pointer */
	py = layout.py;
	py.type_dict = type_new("dict", 0);
	py.type_tuple = type_new("tuple", 0);
	py.type_long = type_new("int", 0);
	py.type_cfunction = type_new("builtin_function_or_method", 0);
	py.type_function = type_new("function", 0);
	py.type_method = type_new("method", 0);
	py.type_cell = type_new("cell", 0);
	py.type_coro = type_new("coroutine", 0);
	py.type_gen = type_new("generator", 0);
	py.type_future = type_new("Future", 0);
	py.type_task = type_new("Task", 0);
	py.type_partial = type_new("partial", 0);
	py.true_object = object_new(0, 32);
	py.none_object = object_new(0, 16);
	py.interp = host_new(1024);
	py.gil = host_new(GIL_SIZE);
	tstate = host_new(256);
	frames = host_new(16);
	host_put64(py.interp + py.interp_threads, tstate);
	host_put64(tstate + py.tstate_thread, SELF);
	host_put64(tstate + py.tstate_interp, py.interp);
	host_put64(tstate + py.tstate_frame, frames);
	tstate_frame_at = frames + py.cframe_frame;
}

static int ask(struct answer *a)
{
	struct thread t = {.pid = 1, .tid = 1};

	*a = (struct answer){};
	host.nr_reads = 0;
	walk_memory.tstate = 0;
	return python_ask(&t, &host_task.task, &py, a, 1000);
}

static void case_cycle(void)
{
	task_runs(task_new(cycle_new(PORT)));
}

static void case_awaited(void)
{
	uint64_t handler = task_new(cycle_new(PORT)), middle = task_new(0), inner = task_new(0);

	task_awaits(handler, middle);
	task_awaits(middle, inner);
	task_runs(inner);
}

static void case_scope(void)
{
	task_runs(task_new(scope_new(PORT)));
}

/* A path that is a str, as uvicorn has it with wsproto. */
static void case_websocket(void)
{
	uint64_t path = str_new(PATH);

	host_put64(path + OBJECT_TYPE, type_new("str", 0));
	task_runs(task_new(scope_of("websocket", path, PORT)));
}

/* What aiohttp's connection runs for a request that it has answered; of another `class`, a coroutine that it called. */
static void answered_build(const char *class, const char *loop)
{
	static const char *const of_writer[] = {"output_size", "_eof", "loop"};
	static const char *const of_request[] = {"_payload_writer", "_transport_peername"};
	const uint64_t writer_values[] = {0, py.true_object, instance_new(loop, 0, NULL, NULL)};
	const uint64_t writer = instance_new("StreamWriter", 3, of_writer, writer_values);
	const uint64_t values[] = {writer, client_new(PORT)};
	uint64_t task = task_new(instance_new(class, 0, NULL, NULL)), code;
	uint32_t two = 2;

	memcpy(&code, host.bytes + (task_frame(task) + py.frame_code - HOST_BASE), 8);
	host_put(code + py.code_argcount, &two, 4);
	host_put64(task_frame(task) + py.frame_locals + 8, instance_new("Request", 2, of_request, values));
	task_runs(task);
}

static void case_answered(void)
{
	answered_build("RequestHandler", "_UnixSelectorEventLoop");
}

static const struct {
	void (*build)(void);
	uint8_t sure;
	bool has_path;
} cases[] = {{case_cycle, LG_SURE_EXACT, true},
	     {case_awaited, LG_SURE_EXACT, true},
	     {case_scope, LG_SURE_LIKELY, true},
	     {case_websocket, LG_SURE_LIKELY, true},
	     {case_answered, LG_SURE_EXACT, false}};
#define NR_CASES (sizeof(cases) / sizeof(*cases))

static void case_build(size_t i)
{
	process_init();
	cases[i].build();
}

static void every_way_leads_to_the_request(void **state)
{
	const __u64 path[LG_PATH_WORDS] = {CHARS('/', 'r', 'e', 'p', 'o', 'r', 't', 's'), '/' | '7' << 8};
	struct answer a;

	(void)state;
	for (size_t i = 0; i < NR_CASES; i++) {
		case_build(i);
		assert_int_equal(ask(&a), 0);
		assert_int_equal(a.answer, LG_ANSWER_CONN);
		assert_int_equal(a.sure, cases[i].sure);
		assert_int_equal(a.port, PORT);
		assert_int_equal(a.path_sum, cases[i].has_path ? lg_path_sum(path, strlen(PATH)) : 0);
	}
}

static void an_answered_request_may_be_outlived(void **state)
{
	static const struct {
		const char *class, *loop;
		uint8_t stage;
	} ways[] = {{"RequestHandler", "_UnixSelectorEventLoop", LG_STAGE_SENT},
		    {"RequestHandler", "Loop", LG_STAGE_DETACHED},
		    {"Auditor", "_UnixSelectorEventLoop", LG_STAGE_DETACHED}};
	struct answer a;

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		process_init();
		answered_build(ways[i].class, ways[i].loop);
		assert_int_equal(ask(&a), 0);
		assert_int_equal(a.port, PORT);
		assert_int_equal(a.stage, ways[i].stage);
	}
}

static void nobody_without_a_request(void **state)
{
	struct answer a;

	(void)state;
	case_build(0);
	assert_int_equal(ask(&a), 0); /* it has to have told once */
	task_runs(task_new(0));
	assert_int_equal(ask(&a), 0);
	assert_int_equal(a.answer, LG_ANSWER_NOBODY);
}

/* The first wait for the interpreter lock that is seen looks like one for any lock. */
static void holder_of_the_first_wait(void **state)
{
	struct thread t = {.pid = 1, .tid = 1, .out_ns = 900, .out_class = LG_SLEEP_LOCK};
	struct answer a = {};
	uint64_t holder;

	(void)state;
	case_build(0);
	holder = host_new(256);
	host_put64(holder + py.tstate_thread, HOLDER);
	host_put64(holder + py.tstate_interp, py.interp);
	host_put64(py.gil + GIL_HOLDER, holder);
	memcpy(&other_task, &(uint64_t){HOLDER}, 8);
	t.call.sleep = LG_SLEEP_LOCK;
	t.call.args[0] = py.gil + 24;
	assert_int_equal(python_ask(&t, &host_task.task, &py, &a, 1000), 0);
	assert_true(a.is_gil);
	assert_int_equal(a.holder_tid, HOLDER);
	assert_int_equal(t.out_class, LG_SLEEP_GIL);
	assert_int_equal(t.call.sleep, LG_SLEEP_GIL);
	assert_int_equal(t.call.target.kind, LG_TARGET_HOLDER);
	assert_int_equal(t.call.target.ino, HOLDER);
}

static void tasks_that_await_each_other_end(void **state)
{
	uint64_t one, other;
	struct answer a;

	(void)state;
	case_build(0);
	assert_int_equal(ask(&a), 0);
	one = task_new(0);
	other = task_new(0);
	task_awaits(one, other);
	task_awaits(other, one);
	task_runs(one);
	ask(&a);
	assert_int_not_equal(a.answer, LG_ANSWER_CONN);
	assert_in_range(host.nr_reads, 1, 2000);
}

/* Frames to the root, then by each of the tasks that wait: arguments, their keys, callbacks. */
#define MAX_READS 100000
#define SEEDS     30000

static void damage_is_survived(void **state)
{
	uint64_t nr_exact = 0, nr_found = 0, max_reads = 0;
	struct answer a;

	(void)state;
	for (uint64_t i = 0; i < SEEDS; i++) {
		uint64_t seed = i * 2654435761u + 1, nr = 1 + i % 64;

		case_build(i % NR_CASES);
		walk_memory.nr_hits = 1;
		while (nr--)
			host_damage(&seed, 0);
		ask(&a);
		nr_found += a.answer == LG_ANSWER_CONN;
		nr_exact += a.sure == LG_SURE_EXACT && a.answer == LG_ANSWER_CONN;
		if (host.nr_reads > max_reads)
			max_reads = host.nr_reads;
		assert_in_range(a.answer, LG_ANSWER_NOBODY, LG_ANSWER_UNKNOWN);
		if (a.answer == LG_ANSWER_CONN)
			assert_int_not_equal(a.port, 0);
	}
	print_message("%lu of %d found, %lu exact, at most %lu reads\n", nr_found, SEEDS, nr_exact, max_reads);
	assert_in_range(max_reads, 1, MAX_READS);
	assert_true(nr_found > SEEDS / 20);
	assert_true(nr_found < SEEDS);
}

/* Nothing of the image is left as it was. */
static void noise_is_nobody(void **state)
{
	struct answer a;

	(void)state;
	for (uint64_t i = 0; i < 500; i++) {
		uint64_t seed = i;

		case_build(0);
		for (uint64_t at = 0; at < host.used; at += 8) {
			uint64_t word = host_garbage(&seed, 0);

			memcpy(host.bytes + at, &word, 8);
		}
		ask(&a);
		assert_int_not_equal(a.answer, LG_ANSWER_CONN);
		assert_in_range(host.nr_reads, 1, MAX_READS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_leads_to_the_request),
		cmocka_unit_test(an_answered_request_may_be_outlived),
		cmocka_unit_test(nobody_without_a_request),
		cmocka_unit_test(holder_of_the_first_wait),
		cmocka_unit_test(tasks_that_await_each_other_end),
		cmocka_unit_test(damage_is_survived),
		cmocka_unit_test(noise_is_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
