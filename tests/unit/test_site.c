/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From where a native loop calls its callbacks (bpf/site.bpf.h), on the host: a stack whose words are set by hand.
 * Whatever a stack holds, what is not known for sure is not said.
 */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "walk_host.h"

#include "site.bpf.c"

struct sites_map sites;
static struct site site;
static struct thread thread;

void *bpf_map_lookup_elem(void *map, const void *key)
{
	return map == &sites && *(const __u32 *)key == 0 ? &site : NULL;
}

#define CODE      0x550000ull
#define CODE_SIZE 0x10000ull

/* Calls of the function that waits, and of its caller. */
#define CALL_WAIT      (CODE + 0x10)
#define CALL_READABLE  (CODE + 0x20)
#define CALL_TIMERS    (CODE + 0x30)
#define CALL_OF_CALLER (CODE + 0x80)

static struct mm_struct___code mm = {CODE, CODE + CODE_SIZE};
static uint64_t stack;

/* Words above the stack's end. */
#define WORD_STALE  2 /* left by the C library */
#define WORD_CALL   5
#define WORD_CALLER 12

static void stack_put(unsigned word, uint64_t value)
{
	host_put64(stack + 8 * word, value);
}

static void loop_init(void)
{
	const struct mm_struct___code *at = &mm;

	host_init();
	memcpy(&host_task.task, &at, sizeof(at)); /* where the flavour of the task has it */
	memset(&site, 0, sizeof(site));
	memset(&thread, 0, sizeof(thread));
	stack = host_new(8 * SITE_WORDS);
	host_task.regs.sp = stack;
	stack_put(WORD_STALE, CODE + 0x500);
	stack_put(WORD_CALLER, CALL_OF_CALLER);
}

static int ask(void)
{
	struct answer a = {};

	return site_ask(&thread, &host_task.task, &a) ? -1 : a.answer;
}

static void turn(uint64_t call)
{
	stack_put(WORD_CALL, CALL_WAIT);
	wait_learn(&site, &host_task.task);
	stack_put(WORD_CALL, call);
	stack_put(WORD_STALE, CODE + 0x600);
	read_learn(&site, &thread, &host_task.task);
}

static void learn(void)
{
	assert_int_equal(ask(), -1);
	for (int i = 0; i < SITE_READS; i++)
		turn(CALL_READABLE);
	assert_false(thread.flags & THREAD_SITES);
}

static void tells_callbacks_from_timers(void **state)
{
	(void)state;
	loop_init();
	learn();
	assert_int_equal(ask(), LG_ANSWER_CALLBACK);
	stack_put(WORD_CALL, CALL_TIMERS);
	assert_int_equal(ask(), LG_ANSWER_LEFT);
	stack_put(WORD_CALL, CALL_READABLE);
	host_task.regs.sp = stack + 8 * (WORD_CALL + 1);
	assert_int_equal(ask(), LG_ANSWER_LEFT); /* below the stack's end everything is old */
}

/* Another program runs in the thread. */
static void learns_anew(void **state)
{
	(void)state;
	loop_init();
	learn();
	thread.flags = 0;
	assert_int_equal(ask(), -1);
	assert_int_equal(site.nr_places, 0);
}

static void says_nothing_of_other_loops(void **state)
{
	(void)state;
	loop_init();
	assert_int_equal(ask(), -1);
	turn(CALL_READABLE);
	stack_put(WORD_CALLER, CALL_OF_CALLER + 8); /* now it reads elsewhere */
	read_learn(&site, &thread, &host_task.task);
	assert_true(site.is_off);
	assert_int_equal(ask(), -1);

	loop_init();
	assert_int_equal(ask(), -1);
	turn(0x1234); /* no code */
	assert_true(site.is_off);
	assert_int_equal(ask(), -1);

	loop_init();
	assert_int_equal(ask(), -1);
	for (unsigned i = 0; i <= SITE_CALLS; i++)
		turn(CALL_READABLE + i);
	assert_true(site.is_off);
	assert_int_equal(ask(), -1);
}

static void noise_is_survived(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 2000; i++) {
		uint64_t seed = i;
		int answer;

		loop_init();
		ask();
		for (int j = 0; j < 40; j++) {
			for (unsigned k = 0; k < SITE_WORDS; k++)
				stack_put(k, CODE + host_random(&seed) % (2 * CODE_SIZE));
			host_task.regs.sp = host_random(&seed) % 8 ? stack : host_garbage(&seed, 0);
			host.is_cut[0] = host_random(&seed) % 8 == 0;
			wait_learn(&site, &host_task.task);
			read_learn(&site, &thread, &host_task.task);
			answer = ask();
			assert_true(answer == -1 || answer == LG_ANSWER_CALLBACK || answer == LG_ANSWER_LEFT);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_callbacks_from_timers),
		cmocka_unit_test(learns_anew),
		cmocka_unit_test(says_nothing_of_other_loops),
		cmocka_unit_test(noise_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
