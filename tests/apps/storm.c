/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that make much of one thing, for the tests of how a tracer bears it:
 *
 *   storm switches      pairs of threads that wake each other and sleep
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
#include <linux/futex.h>
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

#define PAIRS      2
#define STACK_SIZE 65536

struct worker {
	uint32_t *turn; /* shared by a pair: whose it is */
	uint32_t side;
	uint64_t count;
};

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

static void futex(uint32_t *word, int op, uint32_t value)
{
	struct timespec limit = {0, 100000000}; /* the other one may have ended */

	syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, op == FUTEX_WAIT ? &limit : NULL, NULL, 0);
}

static void *hand_over(void *arg)
{
	struct worker *w = arg;

	while (!is_over) {
		if (__atomic_load_n(w->turn, __ATOMIC_ACQUIRE) != w->side) {
			futex(w->turn, FUTEX_WAIT, !w->side);
			continue;
		}
		__atomic_store_n(w->turn, !w->side, __ATOMIC_RELEASE);
		futex(w->turn, FUTEX_WAKE, 1);
		w->count++;
	}
	return NULL;
}

/* Each pair on a CPU of its own, where one has to sleep for the other to run. */
static uint64_t switches(void)
{
	static struct worker workers[2 * PAIRS];
	static uint32_t turns[PAIRS];
	pthread_t threads[2 * PAIRS];
	uint64_t sum = 0;

	for (unsigned i = 0; i < 2 * PAIRS; i++) {
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		CPU_SET(i / 2, &cpus);
		workers[i] = (struct worker){.turn = &turns[i / 2], .side = i % 2};
		if (pthread_create(&threads[i], NULL, hand_over, &workers[i]))
			fail("pthread_create");
		pthread_setaffinity_np(threads[i], sizeof(cpus), &cpus);
	}
	for (unsigned i = 0; i < 2 * PAIRS; i++) {
		pthread_join(threads[i], NULL);
		sum += workers[i].count;
	}
	return sum;
}

static void *nothing(void *arg)
{
	return arg;
}

static uint64_t births(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	uint64_t count = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (; !is_over; count++)
		if (pthread_create(&thread, &attr, nothing, NULL) || pthread_join(thread, NULL))
			fail("pthread_create");
	return count;
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
		count = switches();
	else if (!strcmp(what, "births"))
		count = births();
	else if (!strcmp(what, "forks"))
		count = forks();
	else
		return 2;
	printf("%llu %llu\n", (unsigned long long)count, (unsigned long long)(now_ns() - start_ns));
	return 0;
}
