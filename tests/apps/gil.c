/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For Python, by ctypes.PyDLL, whose calls keep the interpreter's lock: holds it, and says from when to when, which
 * code that may lose it in between cannot.
 */
#include <stdint.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

void hold(int ms, int64_t *times);

/* times: two of them, CLOCK_MONOTONIC. */
void hold(int ms, int64_t *times)
{
	times[0] = now_ns();
	usleep(ms * 1000);
	times[1] = now_ns();
}
