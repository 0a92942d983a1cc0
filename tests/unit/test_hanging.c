/* SPDX-License-Identifier: BSD-2-Clause */
/* This very process and its children, with sets of events and without. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/hanging.h"

static int events = -1;

static int open_events(void **state)
{
	(void)state;
	events = epoll_create1(0);
	return events < 0;
}

static int close_events(void **state)
{
	(void)state;
	return close(events);
}

static void a_set_of_events_makes_a_loop(void **state)
{
	(void)state;
	assert_true(hanging_is_likely(getpid(), LG_RT_NATIVE, false));
	assert_true(hanging_is_likely(getpid(), LG_RT_CPYTHON, false));
}

static void without_one_it_is_none(void **state)
{
	(void)state;
	assert_false(hanging_is_likely(getpid(), LG_RT_NATIVE, false));
	assert_false(hanging_is_likely(getpid(), LG_RT_NODE, false));
	assert_false(hanging_is_likely(getpid(), LG_RT_CPYTHON, true));
	assert_false(hanging_is_likely(INT32_MAX, LG_RT_NODE, false));
}

static pid_t child_start(void)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static void child_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void what_is_inherited_says_nothing(void **state)
{
	pid_t pid = child_start();

	(void)state;
	assert_false(hanging_is_likely(pid, LG_RT_CPYTHON, false));
	assert_false(hanging_is_likely(pid, LG_RT_CPYTHON, true));
	assert_false(hanging_is_likely(pid, LG_RT_REDIS, false));
	/* As of nginx's workers: of their parent's events nothing is left. */
	close(events);
	assert_true(hanging_is_likely(pid, LG_RT_NGINX, false));
	events = epoll_create1(0);
	child_end(pid);
}

static void *wait_for_end(void *arg)
{
	char byte;

	return read(*(int *)arg, &byte, 1) ? NULL : arg;
}

static void another_thread_may_wait(void **state)
{
	pthread_t thread;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_end, &ends[0]), 0);
	assert_false(hanging_is_likely(getpid(), LG_RT_NATIVE, false));
	assert_false(hanging_is_likely(getpid(), LG_RT_CPYTHON, false));
	assert_true(hanging_is_likely(getpid(), LG_RT_CPYTHON, true));
	assert_true(hanging_is_likely(getpid(), LG_RT_NODE, false));
	assert_true(hanging_is_likely(getpid(), LG_RT_REDIS, false));
	close(ends[1]);
	pthread_join(thread, NULL);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_one_it_is_none),
		cmocka_unit_test_setup_teardown(a_set_of_events_makes_a_loop, open_events, close_events),
		cmocka_unit_test_setup_teardown(what_is_inherited_says_nothing, open_events, close_events),
		cmocka_unit_test_setup_teardown(another_thread_may_wait, open_events, close_events),
	};

	close_range(3, ~0u, 0); /* whatever this process was begun with */
	return cmocka_run_group_tests_name("hanging", tests, NULL, NULL);
}
