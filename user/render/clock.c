/* SPDX-License-Identifier: BSD-2-Clause */
/* Moments as text: the arithmetic between two clocks, and libc's calendar. */
#include "render/clock.h"

#include <stdio.h>

#include "base/clock.h"

const char *clock_format_utc(char *buf, size_t size, uint64_t monotonic_ns, int64_t realtime_offset_ns)
{
	uint64_t ns = monotonic_ns + (uint64_t)realtime_offset_ns;
	time_t seconds = (time_t)(ns / NS_PER_S);
	struct tm tm = {0};

	gmtime_r(&seconds, &tm);
	snprintf(buf, size, "%04d-%02d-%02dT%02d:%02d:%02d.%09lluZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		 tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned long long)(ns % NS_PER_S));
	return buf;
}

const char *clock_format_local(char *buf, size_t size, uint64_t monotonic_ns, int64_t realtime_offset_ns, int with_ms)
{
	uint64_t ns = monotonic_ns + (uint64_t)realtime_offset_ns;
	time_t seconds = (time_t)(ns / NS_PER_S);
	struct tm tm = {0};

	localtime_r(&seconds, &tm);
	if (with_ms)
		snprintf(buf, size, "%02d:%02d:%02d.%03u", tm.tm_hour, tm.tm_min, tm.tm_sec,
			 (unsigned)(ns % NS_PER_S / 1000000));
	else
		snprintf(buf, size, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
	return buf;
}
