/* SPDX-License-Identifier: BSD-2-Clause */
/* The formula of baseline.h. */
#include "model/baseline.h"

#include <math.h>
#include <string.h>

#include "base/hist.h"

void baseline_init(struct baseline *b)
{
	memset(b, 0, sizeof(*b));
	b->threshold_ns = BASELINE_START_NS;
}

static void age(struct baseline *b, uint64_t now_ns)
{
	double factor;

	if (!b->last_ns || now_ns <= b->last_ns) {
		b->last_ns = b->last_ns > now_ns ? b->last_ns : now_ns;
		return;
	}
	factor = exp2(-(double)(now_ns - b->last_ns) / (BASELINE_HALF_S * 1e9));
	for (unsigned i = 0; i < LG_NR_BUCKETS; i++)
		b->turns[i] *= factor;
	b->count *= factor;
	b->last_ns = now_ns;
}

/* The upper edge of the bucket in which the share lies: never too short. */
static uint64_t quantile_ns(const struct baseline *b)
{
	double left = b->count * BASELINE_SHARE;
	unsigned i = 0;

	for (; i < LG_NR_EDGES - 1; i++) {
		left -= b->turns[i];
		if (left <= 0)
			break;
	}
	return hist_upper_ns(i);
}

static void threshold_set(struct baseline *b)
{
	uint64_t ns;

	if (b->count < BASELINE_MIN_TURNS)
		return;
	ns = BASELINE_FACTOR * quantile_ns(b);
	b->threshold_ns = ns < BASELINE_FLOOR_NS     ? BASELINE_FLOOR_NS
			  : ns > BASELINE_CEILING_NS ? BASELINE_CEILING_NS
						     : ns;
}

/* Turns this long say nothing of health. */
static uint64_t limit_ns(const struct baseline *b)
{
	return b->threshold_ns == BASELINE_START_NS && b->count < BASELINE_MIN_TURNS ? BASELINE_LEARN_NS
										     : b->threshold_ns;
}

void baseline_feed(struct baseline *b, const uint64_t *before, const __u64 *now, uint64_t now_ns)
{
	uint64_t limit = limit_ns(b);

	age(b, now_ns);
	for (unsigned i = 0; i < LG_NR_BUCKETS && hist_upper_ns(i) <= limit; i++) {
		double nr = now[i] > before[i] ? (double)(now[i] - before[i]) : 0;

		b->turns[i] += nr;
		b->count += nr;
	}
	threshold_set(b);
}

void baseline_add(struct baseline *b, uint64_t length_ns, uint64_t now_ns)
{
	age(b, now_ns);
	if (length_ns < limit_ns(b)) {
		b->turns[lg_hist_bucket(length_ns)]++;
		b->count++;
	}
	threshold_set(b);
}
