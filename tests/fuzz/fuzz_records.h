/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inputs that are a few bytes of options and then records. Mutations mostly keep the lengths of the records, or next to
 * nothing would get past their check.
 */
#ifndef LG_FUZZ_RECORDS_H
#define LG_FUZZ_RECORDS_H

#include "fuzz.h"
#include "source/check.h"

#define OPTIONS_LEN 8
#define MAX_RECORDS 512 /* of an input, for mutations */

/* What one record takes of the bytes: its length, or 8 where none begins. */
static inline size_t record_len(const uint8_t *data, size_t size)
{
	const struct lg_head *head;
	int len = record_check(data, size, &head);

	return len > 0 ? (size_t)len : size < 8 ? size : 8;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

struct span {
	size_t at;
	size_t len;
};

static inline size_t records_find(const uint8_t *data, size_t size, struct span *found)
{
	const struct lg_head *head;
	size_t nr = 0;

	for (size_t at = OPTIONS_LEN; at < size && nr < MAX_RECORDS;) {
		size_t len = record_len(data + at, size - at);

		if (record_check(data + at, size - at, &head) > 0)
			found[nr++] = (struct span){at, len};
		at += len;
	}
	return nr;
}

/* Puts a copy of one record before another: threads come back, replies are late, answers come twice. */
static inline size_t record_insert(uint8_t *data, size_t size, size_t max_size, struct span what, size_t before)
{
	uint8_t copy[UINT16_MAX];

	if (size + what.len > max_size)
		return size;
	memcpy(copy, data + what.at, what.len);
	memmove(data + before + what.len, data + before, size - before);
	memcpy(data + before, copy, what.len);
	return size + what.len;
}

static inline size_t record_remove(uint8_t *data, size_t size, struct span what)
{
	memmove(data + what.at, data + what.at + what.len, size - what.at - what.len);
	return size - what.len;
}

/* The record's head keeps its length; what a mutation cuts off stays as it was. */
static inline void record_change(uint8_t *data, struct span what)
{
	struct lg_head *head = (void *)(data + what.at);
	uint16_t len = head->len;

	LLVMFuzzerMutate((uint8_t *)(head + 1), what.len - sizeof(*head), what.len - sizeof(*head));
	head->len = len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	struct span found[MAX_RECORDS], one, other;
	size_t nr = size > OPTIONS_LEN ? records_find(data, size, found) : 0;

	if (!nr || seed % 16 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	one = found[(seed >> 4) % nr];
	other = found[(seed >> 16) % nr];
	switch (seed % 16) {
	case 1:
		return record_remove(data, size, one);
	case 2 ... 4:
		return record_insert(data, size, max_size, one, other.at);
	case 5:
		LLVMFuzzerMutate(data, OPTIONS_LEN, OPTIONS_LEN);
		return size;
	default:
		if (one.len > sizeof(struct lg_head))
			record_change(data, one);
		return size;
	}
}

#endif
