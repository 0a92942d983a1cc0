/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting, adding up and asking a histogram for quantiles.
 *
 * The counts may have been read from a slot while its thread wrote: their sum may differ from `count`
 * by a few, so a quantile goes by the buckets alone.
 */
#include "base/hist.h"

/* lg_hist_bucket(), which may take no branch, in half of the time: from the octave's first bucket upward. */
static unsigned bucket_of(uint64_t ns)
{
	static uint8_t firsts[64]; /* by octave; 0 until it is met, which is also right for the shortest lengths */
	unsigned octave = 63 - (unsigned)__builtin_clzll(ns | 1);
	unsigned i = firsts[octave];

	if (!i)
		i = firsts[octave] = (uint8_t)lg_hist_bucket(1ull << octave);
	while (lg_hist_edges[i] < ns)
		i++;
	return i;
}

void hist_add(struct hist *h, uint64_t ns)
{
	h->buckets[bucket_of(ns < LG_HIST_PAD ? ns : LG_HIST_PAD - 1)]++;
	h->count++;
	h->sum_ns += ns;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

uint64_t hist_lower_ns(unsigned bucket)
{
	return bucket ? lg_hist_edges[bucket - 1] : 0;
}

uint64_t hist_upper_ns(unsigned bucket)
{
	return bucket < LG_NR_EDGES ? lg_hist_edges[bucket] : UINT64_MAX;
}

/* The value at a share (0..1] of the way through a bucket, its values taken as evenly spread. */
static uint64_t bucket_value(const struct hist *h, unsigned bucket, double share)
{
	uint64_t lower = hist_lower_ns(bucket), upper = hist_upper_ns(bucket);

	if (h->max_ns && h->max_ns < upper)
		upper = h->max_ns;
	if (upper == UINT64_MAX || upper <= lower) /* no upper edge is known, or max_ns is of another moment */
		return upper < lower ? upper : lower;
	return lower + (uint64_t)((double)(upper - lower) * share + 0.5);
}

uint64_t hist_quantile(const struct hist *h, double q)
{
	uint64_t total = 0, seen = 0;
	unsigned last = 0;
	double rank;

	for (unsigned i = 0; i < LG_NR_BUCKETS; i++)
		total += h->buckets[i];
	/* Lengths of 0 only; a histogram whose maximum alone is unknown has a sum. */
	if (!total || (h->buckets[0] == total && h->count && !h->sum_ns && !h->max_ns))
		return 0;
	rank = q <= 0 ? 0 : q >= 1 ? (double)total : q * (double)total;
	for (unsigned i = 0; i < LG_NR_BUCKETS; i++) {
		if (!h->buckets[i])
			continue;
		last = i;
		if ((double)(seen + h->buckets[i]) >= rank)
			return bucket_value(h, i, (rank - (double)seen) / (double)h->buckets[i]);
		seen += h->buckets[i];
	}
	return bucket_value(h, last, 1);
}
