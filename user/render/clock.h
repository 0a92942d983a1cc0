/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moments as text. Records tell CLOCK_MONOTONIC; people and log stores want the time of day, so the caller
 * gives the offset between the two (of the machine the records come from). Reads no clock.
 */
#ifndef LG_RENDER_CLOCK_H
#define LG_RENDER_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_LEN 48 /* longest text with its NUL: RFC 3339 with ns takes 31, unless the year is absurd */

/* "2024-05-01T13:37:00.123456789Z" */
const char *clock_format_utc(char *buf, size_t size, uint64_t monotonic_ns, int64_t realtime_offset_ns);

/* "13:37:00.123" in the local time zone; without the ms when !with_ms. */
const char *clock_format_local(char *buf, size_t size, uint64_t monotonic_ns, int64_t realtime_offset_ns, int with_ms);

#endif
