/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process pays that is not traced, in ns: for a system call that does next to nothing, and for a switch to
 * another thread and what belongs to it (a write and a read of one byte). bench.py runs it beside what watches
 * another process. It prints the medians of several batches, so that a batch during which others had the CPU does not
 * count; it needs to be bound to one CPU.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NR_BATCHES  41
#define NR_CALLS    20000 /* 1-4 ms a batch: most batches see no other task */
#define NR_SWITCHES 2000  /* about as long */

static int ping[2], pong[2];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void byte_pass(int from, int to)
{
	char byte = 0;

	if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1)
		exit(EXIT_FAILURE);
}

static void *answers_give(void *arg)
{
	(void)arg;
	for (;;)
		byte_pass(ping[0], pong[1]);
	return NULL;
}

static double call_ns(void)
{
	uint64_t start = now_ns();

	for (int i = 0; i < NR_CALLS; i++)
		syscall(SYS_getppid);
	return (double)(now_ns() - start) / NR_CALLS;
}

/* A byte that goes there and back is two switches. */
static double switch_ns(void)
{
	uint64_t start = now_ns();

	for (int i = 0; i < NR_SWITCHES / 2; i++)
		byte_pass(pong[0], ping[1]);
	return (double)(now_ns() - start) / NR_SWITCHES;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double batches_median(double (*batch_ns)(void))
{
	double ns[NR_BATCHES];

	batch_ns();
	for (int i = 0; i < NR_BATCHES; i++)
		ns[i] = batch_ns();
	qsort(ns, NR_BATCHES, sizeof(ns[0]), by_size);
	return ns[NR_BATCHES / 2];
}

int main(void)
{
	pthread_t thread;

	if (pipe(ping) || pipe(pong) || pthread_create(&thread, NULL, answers_give, NULL) || write(pong[1], "", 1) != 1)
		return EXIT_FAILURE;
	printf("%.1f %.1f\n", batches_median(call_ns), batches_median(switch_ns));
	return 0;
}
