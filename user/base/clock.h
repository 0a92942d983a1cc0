/* SPDX-License-Identifier: BSD-2-Clause */
/* The system's clocks in ns. The model never asks them: it is told the time. */
#ifndef LG_CLOCK_H
#define LG_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S 1000000000ull

/* What a clock shows; 0: there is no such one, as of a process that is gone. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t = {};

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* CLOCK_REALTIME - CLOCK_MONOTONIC, now. */
static inline int64_t clock_offset_ns(void)
{
	return (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));
}

#endif
