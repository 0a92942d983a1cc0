/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threshold that fits one loop (--threshold auto): what its recent healthy turns are like, times a factor.
 *
 *     threshold = 8 * P90 of the healthy turns of late, at least 10 ms, at most 1 s
 *
 * A turn is healthy when it is shorter than the threshold in force: a stall never makes the next one look normal. Older
 * turns count less, half after 30 s. The 90th percentile stands firm while up to a tenth of the turns misbehaves
 * below the threshold; a mean or a maximum would follow it upward.
 * Until 50 healthy turns are known the threshold is 100 ms and only turns below 20 ms count, so that a loop that is met
 * in trouble does not learn from it.
 */
#ifndef LG_BASELINE_H
#define LG_BASELINE_H

#include <stdint.h>

#include "lg_hist.h"

#define BASELINE_START_NS   100000000ull
#define BASELINE_FLOOR_NS   10000000ull
#define BASELINE_CEILING_NS 1000000000ull
#define BASELINE_LEARN_NS   20000000ull
#define BASELINE_FACTOR     8
#define BASELINE_SHARE      0.90
#define BASELINE_MIN_TURNS  50
#define BASELINE_HALF_S     30

struct baseline {
	double turns[LG_NR_BUCKETS]; /* healthy ones by length, older ones for less */
	double count;                /* their sum */
	uint64_t last_ns;            /* aged up to here; 0: nothing was fed */
	uint64_t threshold_ns;
};

void baseline_init(struct baseline *b);

/* Turns that ended since the last feed, by length: `now` less `before`, both LG_NR_BUCKETS counters. */
void baseline_feed(struct baseline *b, const uint64_t *before, const __u64 *now, uint64_t now_ns);

/* The same for one turn. */
void baseline_add(struct baseline *b, uint64_t length_ns, uint64_t now_ns);

#endif
