/* SPDX-License-Identifier: BSD-2-Clause */
/* Three generations of tables: pairs (to 3.9), pairs with a mark for "no line" (3.10), locations (from 3.11). */
#include "symbol/linetable.h"

#define NO_LINE       (-128) /* 3.10: of a line's delta */
#define UNIT          2      /* bytes of an instruction */
#define ENTRY_START   0x80   /* 3.11: in the first byte of an entry */
#define CODE_LONG     14
#define CODE_NO_COLS  13
#define CODE_ONE_LINE 10 /* and the two behind it: the delta is the distance */

/* Pairs of (bytes of code, lines): the line changes behind the bytes. */
static int64_t pairs_find(const uint8_t *table, size_t len, int64_t line, int64_t offset)
{
	int64_t at = 0;

	for (size_t i = 0; i + 1 < len; i += 2) {
		at += table[i];
		if (at > offset)
			break;
		line += (int8_t)table[i + 1];
	}
	return line;
}

/* Pairs too, but the line holds for the bytes. */
static int64_t ranges_find(const uint8_t *table, size_t len, int64_t line, int64_t offset)
{
	int64_t end = 0;

	for (size_t i = 0; i + 1 < len; i += 2) {
		int8_t delta = (int8_t)table[i + 1];

		end += table[i];
		if (delta != NO_LINE)
			line += delta;
		if (end > offset)
			break;
	}
	return line;
}

/* Six bits a byte, the lowest first; bit 6 says that more follow, bit 7 is the next entry's. */
static uint32_t varint_read(const uint8_t *table, size_t len, size_t at)
{
	uint32_t value = 0;

	for (unsigned shift = 0; at < len && shift < 30; shift += 6) {
		uint8_t byte = table[at++];

		if (byte & ENTRY_START)
			break;
		value |= (uint32_t)(byte & 0x3f) << shift;
		if (!(byte & 0x40))
			break;
	}
	return value;
}

static int64_t location_delta(const uint8_t *table, size_t len, size_t at)
{
	unsigned code = table[at] >> 3 & 15;
	uint32_t value;

	if (code == CODE_LONG || code == CODE_NO_COLS) {
		value = varint_read(table, len, at + 1);
		return value & 1 ? -(int64_t)(value >> 1) : value >> 1;
	}
	return code >= CODE_ONE_LINE && code < CODE_NO_COLS ? (int64_t)code - CODE_ONE_LINE : 0;
}

static int64_t locations_find(const uint8_t *table, size_t len, int64_t line, int64_t offset)
{
	int64_t end = 0;
	size_t at = 0;

	while (at < len) {
		if (!(table[at] & ENTRY_START))
			return 0;
		end += ((table[at] & 7) + 1) * UNIT;
		line += location_delta(table, len, at);
		if (end > offset)
			break;
		for (at++; at < len && !(table[at] & ENTRY_START); at++)
			;
	}
	return line;
}

uint32_t linetable_find(uint16_t version, uint32_t first_line, const uint8_t *table, size_t len, int64_t offset)
{
	int64_t line = 0;

	if (offset < 0)
		offset = 0;
	if (version < 0x0306 || version > 0x030e)
		return 0;
	if (version <= 0x0309)
		line = pairs_find(table, len, first_line, offset);
	else if (version == 0x030a)
		line = ranges_find(table, len, first_line, offset);
	else
		line = locations_find(table, len, first_line, offset);
	return line > 0 && line <= INT32_MAX ? line : 0;
}
