/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that make much of one thing, for the tests of how a tracer bears it:
 *
 *   storm switches      threads that hand the CPUs to each other
 *   storm births        threads that are born and end
 *   storm forks         children that are born and end
 *   storm bomb          children that make children, as many as there can be
 *   storm exec N CMD..  becomes itself N times, then CMD
 *   storm pid PID CMD.. runs CMD as process PID, which must be free
 *
 * The first three go on until SIGTERM and then print how often they did it and for how many ns.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS    4 /* that do it at once: two for each of two CPUs */
#define STACK_SIZE 65536

static volatile sig_atomic_t is_over;

static void on_term(int signal)
{
	(void)signal;
	is_over = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* What the threads did, once they all ended. */
static uint64_t threads_run(void *(*body)(void *count), unsigned nr)
{
	pthread_t threads[THREADS];
	uint64_t counts[THREADS] = {0}, sum = 0;

	for (unsigned i = 0; i < nr; i++)
		if (pthread_create(&threads[i], NULL, body, &counts[i]))
			fail("pthread_create");
	for (unsigned i = 0; i < nr; i++) {
		pthread_join(threads[i], NULL);
		sum += counts[i];
	}
	return sum;
}

static void *yields(void *count)
{
	while (!is_over) {
		sched_yield();
		++*(uint64_t *)count;
	}
	return NULL;
}

static void *nothing(void *arg)
{
	return arg;
}

static void *births(void *count)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	while (!is_over) {
		if (pthread_create(&thread, &attr, nothing, NULL))
			fail("pthread_create");
		pthread_join(thread, NULL);
		++*(uint64_t *)count;
	}
	return NULL;
}

static uint64_t forks(void)
{
	uint64_t count = 0;

	for (; !is_over; count++) {
		pid_t child = fork();

		if (!child)
			_exit(0);
		if (child < 0 || waitpid(child, NULL, 0) != child)
			fail("fork");
	}
	return count;
}

/* Ends with the group that it is limited by: whoever started it kills all in it. */
static void bomb(void)
{
	for (;;)
		if (fork() < 0)
			usleep(1000);
}

static void exec_again(char **argv)
{
	char number[16];
	int left = atoi(argv[2]);

	if (!left)
		execv(argv[3], argv + 3);
	snprintf(number, sizeof(number), "%d", left - 1);
	argv[2] = number;
	execv("/proc/self/exe", argv);
	fail(argv[3]);
}

static int run_as(pid_t pid, char **argv)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};
	pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	int status;

	if (child < 0)
		fail("clone3");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv(argv[0], argv);
		fail(argv[0]);
	}
	waitpid(child, &status, 0);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	uint64_t count = 0, start_ns = now_ns();

	if (!strcmp(what, "bomb"))
		bomb();
	if (!strcmp(what, "exec") && argc > 3)
		exec_again(argv);
	if (!strcmp(what, "pid") && argc > 3)
		return run_as(atoi(argv[2]), argv + 3);
	signal(SIGTERM, on_term);
	if (!strcmp(what, "switches"))
		count = threads_run(yields, THREADS);
	else if (!strcmp(what, "births"))
		count = threads_run(births, 1);
	else if (!strcmp(what, "forks"))
		count = forks();
	else
		return 2;
	printf("%llu %llu\n", (unsigned long long)count, (unsigned long long)(now_ns() - start_ns));
	return 0;
}
