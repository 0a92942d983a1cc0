/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts and spans. Figures come from records and may be of any size: products are taken in 128 bits. */
#include "model/parts.h"

#define SYSTEM_PERCENT 60 /* of the CPU time in the kernel: more means that a call, not the code, was slow */

static uint64_t scale(uint64_t ns, uint64_t to, unsigned __int128 of)
{
	return (uint64_t)((unsigned __int128)ns * to / of);
}

/* No part is longer than the whole; then all of them together are made to fit. */
static void off_fit(struct lg_rec_off *off, uint64_t length_ns)
{
	__u64 *parts[LG_NR_SLEEPS + 2] = {&off->runqueue_ns, &off->throttled_ns};
	const int n = LG_NR_SLEEPS + 2;
	unsigned __int128 sum = 0;

	for (int i = 0; i < LG_NR_SLEEPS; i++)
		parts[2 + i] = &off->sleep_ns[i];
	for (int i = 0; i < n; i++) {
		if (*parts[i] > length_ns)
			*parts[i] = length_ns;
		sum += *parts[i];
	}
	for (int i = 0; i < n && sum > length_ns; i++)
		*parts[i] = scale(*parts[i], length_ns, sum);
}

void parts_make(struct model_parts *out, uint64_t length_ns, const struct lg_rec_off *off)
{
	struct lg_rec_off fit;
	unsigned __int128 ticks;

	*out = (struct model_parts){.on_cpu_ns = length_ns, .user_ns = length_ns};
	if (!off)
		return;
	fit = *off;
	off_fit(&fit, length_ns);
	for (int i = 0; i < LG_NR_SLEEPS; i++) {
		out->sleep_ns[i] = fit.sleep_ns[i];
		out->blocked_ns += fit.sleep_ns[i];
	}
	out->runqueue_ns = fit.runqueue_ns;
	out->throttled_ns = fit.throttled_ns;
	out->on_cpu_ns -= out->blocked_ns + out->runqueue_ns + out->throttled_ns;
	ticks = (unsigned __int128)off->user_ns + off->system_ns;
	out->system_ns = ticks ? scale(out->on_cpu_ns, off->system_ns, ticks) : 0;
	out->user_ns = out->on_cpu_ns - out->system_ns;
	out->gc_ns = off->gc_ns < out->on_cpu_ns ? off->gc_ns : out->on_cpu_ns;
}

void parts_add(struct model_parts *dst, const struct model_parts *src)
{
	dst->on_cpu_ns += src->on_cpu_ns;
	dst->user_ns += src->user_ns;
	dst->system_ns += src->system_ns;
	dst->gc_ns += src->gc_ns;
	dst->blocked_ns += src->blocked_ns;
	for (int i = 0; i < LG_NR_SLEEPS; i++)
		dst->sleep_ns[i] += src->sleep_ns[i];
	dst->runqueue_ns += src->runqueue_ns;
	dst->throttled_ns += src->throttled_ns;
}

static void block_take(struct span *s, const struct lg_block *block)
{
	if (block->sleep_ns > s->block.sleep_ns)
		s->block = *block;
	if (block->target.kind == LG_TARGET_HOLDER && block->sleep_ns > s->held.sleep_ns)
		s->held = *block;
}

void span_add(struct span *s, const struct model_parts *parts, uint64_t length_ns, const struct lg_rec_off *off)
{
	s->length_ns += length_ns;
	parts_add(&s->parts, parts);
	if (!off)
		return;
	block_take(s, &off->longest);
	if (off->last_nr >= 0 && parts->system_ns > s->last_nr_ns) {
		s->last_nr = off->last_nr;
		s->last_nr_ns = parts->system_ns;
	}
}

void span_merge(struct span *dst, const struct span *src)
{
	dst->length_ns += src->length_ns;
	if (src->start_ns < dst->start_ns)
		dst->start_ns = src->start_ns;
	parts_add(&dst->parts, &src->parts);
	block_take(dst, &src->block);
	block_take(dst, &src->held);
	if (src->last_nr_ns > dst->last_nr_ns) {
		dst->last_nr = src->last_nr;
		dst->last_nr_ns = src->last_nr_ns;
	}
}

void off_add(struct lg_rec_off *dst, const struct lg_rec_off *src)
{
	for (int i = 0; i < LG_NR_SLEEPS; i++)
		dst->sleep_ns[i] += src->sleep_ns[i];
	dst->runqueue_ns += src->runqueue_ns;
	dst->throttled_ns += src->throttled_ns;
	dst->user_ns += src->user_ns;
	dst->system_ns += src->system_ns;
	dst->gc_ns += src->gc_ns;
	if (src->last_nr >= 0)
		dst->last_nr = src->last_nr;
	if (src->longest.sleep_ns > dst->longest.sleep_ns)
		dst->longest = src->longest;
}

uint64_t off_split_late(struct lg_rec_off *off, struct lg_rec_off *late, uint64_t ns)
{
	unsigned __int128 ready = (unsigned __int128)off->runqueue_ns + off->throttled_ns;

	*late = (struct lg_rec_off){.last_nr = -1};
	if (ns > ready)
		ns = (uint64_t)ready;
	if (!ns)
		return 0;
	late->throttled_ns = scale(off->throttled_ns, ns, ready);
	late->runqueue_ns = ns - late->throttled_ns;
	if (late->runqueue_ns > off->runqueue_ns) {
		late->runqueue_ns = off->runqueue_ns;
		late->throttled_ns = ns - late->runqueue_ns;
	}
	off->throttled_ns -= late->throttled_ns;
	off->runqueue_ns -= late->runqueue_ns;
	return ns;
}

enum lg_cause span_cause(const struct span *s)
{
#define X(sym, nr, cause) [nr] = LG_CAUSE_##cause,
	static const enum lg_cause of_sleep[LG_NR_SLEEPS] = {LG_SLEEPS(X)};
#undef X
	const struct model_parts *p = &s->parts;
	bool in_kernel = s->last_nr_ns && p->system_ns > scale(p->on_cpu_ns, SYSTEM_PERCENT, 100);
	enum lg_cause cause = in_kernel ? LG_CAUSE_SYSCALL : LG_CAUSE_CPU;
	uint64_t most = p->on_cpu_ns;

	if (p->gc_ns > p->on_cpu_ns / 2)
		cause = LG_CAUSE_GC;
	for (int i = 0; i < LG_NR_SLEEPS; i++) {
		if (p->sleep_ns[i] > most) {
			most = p->sleep_ns[i];
			cause = of_sleep[i];
		}
	}
	if (p->runqueue_ns > most) {
		most = p->runqueue_ns;
		cause = LG_CAUSE_RUNQUEUE;
	}
	if (p->throttled_ns > most)
		cause = LG_CAUSE_THROTTLED;
	return cause;
}
