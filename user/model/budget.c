/* SPDX-License-Identifier: BSD-2-Clause */
/* When to leave out more, and when less. */
#include "model/budget.h"

#define NR_DEAR  2 /* a single dear second may be a neighbour's, or chance */
#define NR_CHEAP 3

/* Up again only where so much of the budget would do, in percent: or it would be down again by the next ripple. */
#define ROOM_PERCENT 70

#define RATIO_ONE   16
#define RATIO_GUESS (2 * RATIO_ONE) /* where the load changed with the level, so that there is nothing to compare */
#define RATIO_MAX   (8 * RATIO_ONE) /* no level saves more than that */

#define RETRY_MIN_NS 30000000000ull
#define RETRY_MAX_NS 480000000000ull
#define VAIN_NS      10000000000ull /* a level that was left again so soon was tried in vain */

void budget_init(struct budget *b, uint64_t limit_ppm)
{
	*b = (struct budget){.limit_ppm = limit_ppm};
	for (int i = 0; i < LG_NR_LEVELS; i++) {
		b->ratio[i] = RATIO_ONE;
		b->retry_ns[i] = RETRY_MIN_NS;
	}
}

static uint64_t sample_whole_ns(const struct budget_sample *s)
{
	return s->target_ns > s->window_ns ? s->target_ns : s->window_ns;
}

uint64_t budget_cost_ppm(const struct budget_sample *s)
{
	uint64_t whole_ns = sample_whole_ns(s);

	return whole_ns ? (uint64_t)((double)(s->bpf_ns + s->own_ns) * 1e6 / (double)whole_ns) : 0;
}

static void level_set(struct budget *b, enum lg_level level)
{
	b->level = level;
	b->nr_dear = 0;
	b->nr_cheap = 0;
	b->settled_ns = 0;
	b->left_ppm = 0;
}

/* `ppm`: what the last two samples cost, of which `s` is one. */
static void level_down(struct budget *b, uint64_t ppm, const struct budget_sample *s)
{
	uint64_t *retry_ns = &b->retry_ns[b->level + 1];

	if (b->settled_ns > VAIN_NS)
		*retry_ns = RETRY_MIN_NS;
	else if (b->was_up && *retry_ns < RETRY_MAX_NS)
		*retry_ns *= 2;
	level_set(b, b->level + 1);
	b->left_ppm = ppm;
	b->left_ns = s->target_ns;
	b->share[b->level] = (double)ppm * (double)sample_whole_ns(s) / (double)(s->target_ns ? s->target_ns : 1);
	b->was_up = false;
}

/* The first sample after a step down, beside the last ones before it, if the targets are as busy as they were. */
static void ratio_learn(struct budget *b, uint64_t ppm, uint64_t target_ns)
{
	uint64_t ratio = ppm ? b->left_ppm * RATIO_ONE / ppm : RATIO_MAX;

	if (target_ns < b->left_ns / 2)
		ratio = RATIO_GUESS;
	b->ratio[b->level] = ratio < RATIO_ONE ? RATIO_ONE : ratio > RATIO_MAX ? RATIO_MAX : ratio;
	b->left_ppm = 0;
}

/*
 * What the level before would cost now: so much dearer as it was by comparison; but all that it can add is what it cost
 * when it was left, for as much as the targets do now. When they do little, the costs of this level are lgtrace's own.
 */
static double cost_before(const struct budget *b, uint64_t ppm, const struct budget_sample *s)
{
	double compared = (double)ppm * b->ratio[b->level] / RATIO_ONE;
	double added = (double)ppm + b->share[b->level] * (double)s->target_ns / (double)sample_whole_ns(s);

	return compared < added ? compared : added;
}

static bool has_room(struct budget *b, uint64_t ppm, const struct budget_sample *s)
{
	bool is_cheap = cost_before(b, ppm, s) < (double)(b->limit_ppm * ROOM_PERCENT / 100);

	b->nr_cheap = is_cheap ? b->nr_cheap + 1 : 0;
	return b->nr_cheap >= NR_CHEAP || (b->settled_ns >= b->retry_ns[b->level] && ppm <= b->limit_ppm);
}

bool budget_take(struct budget *b, const struct budget_sample *s)
{
	uint64_t ppm;

	if (!b->limit_ppm || !s->window_ns)
		return false;
	ppm = budget_cost_ppm(s);
	b->settled_ns += s->window_ns;
	if (b->left_ppm)
		ratio_learn(b, ppm, s->target_ns);
	if (ppm > b->limit_ppm) {
		b->nr_cheap = 0;
		b->dear_ppm = b->nr_dear ? b->dear_ppm : ppm;
		if (++b->nr_dear < NR_DEAR || b->level + 1 == LG_NR_LEVELS)
			return false;
		level_down(b, (b->dear_ppm + ppm) / 2, s);
		return true;
	}
	b->nr_dear = 0;
	if (b->level == LG_LEVEL_FULL || !has_room(b, ppm, s))
		return false;
	level_set(b, b->level - 1);
	b->was_up = true;
	return true;
}
