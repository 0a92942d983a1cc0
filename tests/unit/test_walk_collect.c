/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether V8 is collecting garbage (bpf/node.bpf.h), on the host; and whose time its waits for helpers are. */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "walk_host.h"

#include "node.bpf.h"

#define ISOLATE_AT 16 /* from the thread pointer */
#define EXIT_FRAME 0x180
#define VM_STATE   0x1b0
#define OTHER      5 /* another state */

struct node_walks_map node_walks;
static struct node_walk walk_memory;

void *bpf_map_lookup_elem(void *map, const void *key)
{
	return map == &node_walks && *(const __u32 *)key == 0 ? &walk_memory : NULL;
}

static uint64_t isolate;

static void isolate_new(uint16_t state)
{
	uint64_t thread;

	host_init();
	memset(&walk_memory, 0, sizeof(walk_memory));
	thread = host_new(64);
	isolate = host_new(1024);
	host_task.task.thread.fsbase = thread;
	host_put64(thread + ISOLATE_AT, isolate);
	/* The field has 16 bits, and others lie behind it. */
	host_put64(isolate + VM_STATE, 0xabcd0000 | state);
}

static struct answer ask(struct thread *t, uint64_t vm_state)
{
	struct lg_v8 v8 = {.isolate = ISOLATE_AT, .exit_frame = EXIT_FRAME, .vm_state = vm_state};
	struct answer a = {};

	assert_int_equal(node_ask(t, &host_task.task, &v8, &a), 0);
	return a;
}

static void the_state_tells(void **state)
{
	struct thread t = {.pid = 1, .tid = 1};

	(void)state;
	isolate_new(LG_V8_GC);
	assert_int_equal(ask(&t, VM_STATE).is_gc, 1);
	assert_int_equal(ask(&t, 0).is_gc, 0);
	isolate_new(OTHER);
	assert_int_equal(ask(&t, VM_STATE).is_gc, 0);
	host_put64(host_task.task.thread.fsbase + ISOLATE_AT, 0); /* no isolate is entered */
	assert_int_equal(ask(&t, VM_STATE).is_gc, 0);
	host_put64(host_task.task.thread.fsbase + ISOLATE_AT, 8); /* nothing is there */
	assert_int_equal(ask(&t, VM_STATE).is_gc, 0);
}

static struct thread waited(uint8_t sleep)
{
	struct thread t = {.pid = 1, .tid = 1, .has_since = true};

	t.since.sleep_ns[LG_SLEEP_LOCK] = 700;
	t.since.sleep_ns[LG_SLEEP_IO] = 50;
	t.since.longest.sleep = sleep;
	return t;
}

static void waits_for_helpers_are_its_own(void **state)
{
	struct thread t = waited(LG_SLEEP_LOCK);

	(void)state;
	isolate_new(LG_V8_GC);
	ask(&t, VM_STATE);
	assert_int_equal(t.since.sleep_ns[LG_SLEEP_LOCK], 0);
	assert_int_equal(t.since.sleep_ns[LG_SLEEP_GC], 700);
	assert_int_equal(t.since.sleep_ns[LG_SLEEP_IO], 50);
	assert_int_equal(t.since.longest.sleep, LG_SLEEP_GC);
	t = waited(LG_SLEEP_IO);
	ask(&t, VM_STATE);
	assert_int_equal(t.since.longest.sleep, LG_SLEEP_IO);
	/* Asked as it falls asleep: what is not booked yet. */
	t = (struct thread){.out_ns = 1, .out_class = LG_SLEEP_LOCK, .call = {.sleep = LG_SLEEP_LOCK}};
	ask(&t, VM_STATE);
	assert_int_equal(t.out_class, LG_SLEEP_GC);
	assert_int_equal(t.call.sleep, LG_SLEEP_GC);
}

static void other_waits_stay(void **state)
{
	struct thread t = waited(LG_SLEEP_LOCK);

	(void)state;
	isolate_new(OTHER);
	ask(&t, VM_STATE);
	assert_int_equal(t.since.sleep_ns[LG_SLEEP_LOCK], 700);
	assert_int_equal(t.since.longest.sleep, LG_SLEEP_LOCK);
	t = (struct thread){.out_ns = 1, .out_class = LG_SLEEP_IO};
	isolate_new(LG_V8_GC);
	ask(&t, VM_STATE);
	assert_int_equal(t.out_class, LG_SLEEP_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_state_tells),
		cmocka_unit_test(waits_for_helpers_are_its_own),
		cmocka_unit_test(other_waits_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
