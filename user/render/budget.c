/* SPDX-License-Identifier: BSD-2-Clause */
/* Shares are told in percent to people, as plain shares to programs. */
#include "render/budget.h"

#include "base/units.h"
#include "render/clock.h"
#include "render/line.h"
#include "render/words.h"

#define PPM_WHOLE 1000000

static const char *format_ppm(char *buf, size_t size, uint64_t ppm)
{
	return units_format_percent(buf, size, ppm, PPM_WHOLE);
}

const char *budget_format(char *buf, size_t size, const struct model_budget *budget)
{
	char limit[UNITS_LEN];

	format_ppm(limit, sizeof(limit), budget->limit_ppm);
	if (budget->level > budget->before)
		snprintf(buf, size, "over the budget of %s: %s are left out, %s", limit,
			 words_level_what(budget->level), words_level_so(budget->level));
	else
		snprintf(buf, size, "room in the budget of %s: %s again", limit, words_level_what(budget->before));
	return buf;
}

void budget_line(struct render *r, const struct model_budget *budget)
{
	char time[CLOCK_LEN], cost[UNITS_LEN], whole[BUDGET_LEN], text[BUDGET_LEN];
	unsigned indent = (unsigned)line_indent(r);

	budget_format(whole, sizeof(whole), budget);
	text_fit(text, sizeof(text), whole, r->style.width ? r->style.width - indent - 1 : sizeof(text), TEXT_CUT_END,
		 r->style.utf8);
	fprintf(r->out, "%s  %*s  ",
		clock_format_local(time, sizeof(time), budget->time_ns, r->realtime_offset_ns, line_has_ms(r)),
		UNITS_TABLE_COLS, format_ppm(cost, sizeof(cost), budget->cost_ppm));
	text_put(r->out, &r->style, budget->level > budget->before ? TEXT_YELLOW : TEXT_GREEN, text, 0);
	fputc('\n', r->out);
}

/* Time at this level and at those that leave out more. */
static uint64_t level_time(const struct model_summary *s, enum lg_level level)
{
	uint64_t sum_ns = 0;

	for (int i = level; i < LG_NR_LEVELS; i++)
		sum_ns += s->level_ns[i];
	return sum_ns;
}

void budget_print(struct render *r, const struct model_summary *s)
{
	char limit[UNITS_LEN], time[UNITS_LEN], count[UNITS_LEN];

	if (!level_time(s, LG_LEVEL_STACKS))
		return;
	fputc('\n', r->out);
	text_put(r->out, &r->style, TEXT_YELLOW, "budget", 0);
	fprintf(r->out, " of %s exceeded; left out meanwhile:\n", format_ppm(limit, sizeof(limit), s->limit_ppm));
	for (int i = LG_LEVEL_STACKS; i < LG_NR_LEVELS && level_time(s, i); i++)
		fprintf(r->out, "  %s for %s (%s): %s\n", words_level_what(i),
			units_format_duration(time, sizeof(time), level_time(s, i)),
			units_format_count(count, sizeof(count), s->counters[words_level_counter(i)]),
			words_level_so(i));
}

/* Millionths as a share, in full. */
static void put_ppm(struct writer *w, const char *key, uint64_t ppm)
{
	writer_share(w, key, ppm, PPM_WHOLE);
}

void budget_put_change(struct writer *w, const struct model_budget *budget)
{
	writer_string(w, "level", words_level(budget->level));
	writer_string(w, "before", words_level(budget->before));
	put_ppm(w, "limit", budget->limit_ppm);
	put_ppm(w, "cost", budget->cost_ppm);
	writer_u64(w, "window_ns", budget->window_ns);
	writer_u64(w, "target_ns", budget->target_ns);
	writer_u64(w, "bpf_ns", budget->bpf_ns);
	writer_u64(w, "own_ns", budget->own_ns);
}

void budget_put_json(struct writer *w, const struct model_summary *s)
{
	if (!level_time(s, LG_LEVEL_STACKS)) {
		writer_null(w, "budget");
		return;
	}
	writer_object(w, "budget");
	put_ppm(w, "limit", s->limit_ppm);
	writer_string(w, "level", words_level(s->level));
	writer_object(w, "level_ns");
	for (int i = 0; i < LG_NR_LEVELS; i++)
		writer_u64(w, words_level(i), s->level_ns[i]);
	writer_object_end(w);
	writer_object_end(w);
}
