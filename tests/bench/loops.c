/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many event loops in one process: as many threads, each with an epoll of its own and a timer that wakes it, one
 * after the other. It is what a tracer of a big process has to bear, no load of any kind.
 *
 * usage: loops COUNT PERIOD_MS   Prints "ready" once all wait; runs until it is ended.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define STACK_SIZE 65536

static int count;
static int period_ms;
static unsigned nr_ready;

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void *loop_run(void *arg)
{
	long long first_ns = (intptr_t)arg * period_ms * 1000000LL / count;
	struct itimerspec period = {
		.it_value = {first_ns / 1000000000, first_ns % 1000000000},
		.it_interval = {period_ms / 1000, period_ms % 1000 * 1000000L},
	};
	struct epoll_event event = {.events = EPOLLIN};
	int set = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	uint64_t nr_ticks;

	if (set < 0 || timer < 0 || epoll_ctl(set, EPOLL_CTL_ADD, timer, &event) ||
	    timerfd_settime(timer, 0, &period, NULL))
		fail("loops: a loop");
	__atomic_add_fetch(&nr_ready, 1, __ATOMIC_RELEASE);
	while (epoll_wait(set, &event, 1, -1) >= 0)
		if (read(timer, &nr_ticks, sizeof(nr_ticks)) < 0)
			continue;
	return NULL;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	pthread_attr_t attr;
	pthread_t thread;

	count = argc == 3 ? atoi(argv[1]) : 0;
	period_ms = argc == 3 ? atoi(argv[2]) : 0;
	if (count < 1 || period_ms < 1) {
		fprintf(stderr, "usage: loops COUNT PERIOD_MS\n");
		return 2;
	}
	files = (struct rlimit){2 * count + 64, 2 * count + 64};
	if (setrlimit(RLIMIT_NOFILE, &files))
		fail("loops: as many files");
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (intptr_t i = 1; i <= count; i++)
		if (pthread_create(&thread, &attr, loop_run, (void *)i))
			fail("loops: a thread");
	while (__atomic_load_n(&nr_ready, __ATOMIC_ACQUIRE) < (unsigned)count)
		usleep(1000);
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
