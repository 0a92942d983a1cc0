/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a stretch of a thread's time was spent: lengths from edges, what was off the CPU from OFF records. Whatever
 * the records say, the parts add up to the length.
 */
#ifndef LG_PARTS_H
#define LG_PARTS_H

#include "model/model.h"

/* A stretch made of one or more intervals. All zero is an empty one. */
struct span {
	uint64_t start_ns;
	uint64_t length_ns;
	struct model_parts parts; /* of length_ns */
	struct lg_block block;    /* the longest; sleep_ns 0: none */
	struct lg_block held;     /* the longest for a lock whose holder is known; sleep_ns 0: none */
	int last_nr;              /* the call that returned last in the interval with most system time; */
	uint64_t last_nr_ns;      /* which was this; 0: last_nr means nothing */
};

/* Of a length; `off` NULL: on the CPU all the time. Too much time off the CPU is scaled down. */
void parts_make(struct model_parts *out, uint64_t length_ns, const struct lg_rec_off *off);
void parts_add(struct model_parts *dst, const struct model_parts *src);

/* Lengthens a span, at its end or its beginning, by an interval. */
void span_add(struct span *s, const struct model_parts *parts, uint64_t length_ns, const struct lg_rec_off *off);
/* dst takes in what lies next to it. */
void span_merge(struct span *dst, const struct span *src);

/* Adds an OFF record to what another one said of the same interval. */
void off_add(struct lg_rec_off *dst, const struct lg_rec_off *src);

/*
 * Splits `ns` of waiting for a CPU out of an OFF record, run-queue and throttled in proportion, into *late, which is
 * overwritten. Returns how much was found, at most `ns`.
 */
uint64_t off_split_late(struct lg_rec_off *off, struct lg_rec_off *late, uint64_t ns);

/* What kept the loop: the largest part. */
enum lg_cause span_cause(const struct span *s);

#endif
