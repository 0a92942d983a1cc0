/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one system call that does next to nothing costs this process, in ns: bench.py runs it beside lgtrace
 * to see what a process pays that is not traced. Prints the median of several batches, so that a batch
 * during which another task had the CPU does not count. It measures, it judges nothing.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NR_BATCHES 41
#define NR_CALLS   20000 /* 1-4 ms a batch: most batches see no other task */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

static double batch_ns(void)
{
	uint64_t start = now_ns();

	for (int i = 0; i < NR_CALLS; i++)
		syscall(SYS_getppid);
	return (double)(now_ns() - start) / NR_CALLS;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	double ns[NR_BATCHES];

	batch_ns();
	for (int i = 0; i < NR_BATCHES; i++)
		ns[i] = batch_ns();
	qsort(ns, NR_BATCHES, sizeof(ns[0]), by_size);
	printf("%.1f\n", ns[NR_BATCHES / 2]);
	return 0;
}
