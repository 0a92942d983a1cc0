/* SPDX-License-Identifier: BSD-2-Clause */
/* A histogram in ASCII: fine buckets merged to decimal steps, then a bar for each. */
#include "render/bars.h"

#include "base/units.h"

#define NR_STEPS     26 /* 0 .. 1 us, then three a decade up to 100 s, and what is longer */
#define BAR_COLS     40 /* as the BPF tools draw it */
#define OTHER_COLS   38 /* of a row besides its bar */
#define MIN_BAR_COLS 10

/* Upper edge of a step: 1, 2.5, 5, 10, ... us; UINT64_MAX for the last. */
static uint64_t step_ns(unsigned step)
{
	static const uint64_t mantissas[] = {10, 25, 50};
	uint64_t ns = 100;

	if (step >= NR_STEPS - 1)
		return UINT64_MAX;
	for (unsigned i = 0; i < step / 3; i++)
		ns *= 10;
	return ns * mantissas[step % 3];
}

static void merge(const struct hist *hist, uint64_t counts[NR_STEPS])
{
	unsigned step = 0;

	for (unsigned i = 0; i < LG_NR_BUCKETS; i++) {
		while (hist_upper_ns(i) > step_ns(step))
			step++;
		counts[step] += hist->buckets[i];
	}
}

static void format_row(char *row, size_t size, unsigned step, uint64_t count, int filled, int bar_cols)
{
	char lower[UNITS_LEN] = "0", upper[UNITS_LEN] = "longer";
	static const char marks[BAR_COLS + 1] = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";

	if (step)
		units_format_duration(lower, sizeof(lower), step_ns(step - 1));
	if (step < NR_STEPS - 1)
		units_format_duration(upper, sizeof(upper), step_ns(step));
	snprintf(row, size, "%8s -> %-8s : %-12llu |%.*s%*s|", lower, upper, (unsigned long long)count, filled, marks,
		 bar_cols - filled, "");
}

static int bar_cols_of(unsigned width)
{
	int cols = width ? (int)width - OTHER_COLS : BAR_COLS;

	return cols > BAR_COLS ? BAR_COLS : cols < MIN_BAR_COLS ? MIN_BAR_COLS : cols;
}

void bars_each(const struct hist *hist, unsigned cols, uint64_t mark_ns,
	       void (*fn)(void *arg, const char *text, bool is_marked), void *arg)
{
	uint64_t counts[NR_STEPS] = {0}, most = 0;
	unsigned first = NR_STEPS, last = 0;
	int bar_cols = bar_cols_of(cols);
	char row[128];

	merge(hist, counts);
	for (unsigned i = 0; i < NR_STEPS; i++) {
		if (!counts[i])
			continue;
		first = first < i ? first : i;
		last = i;
		most = most > counts[i] ? most : counts[i];
	}
	if (!most)
		return;
	snprintf(row, sizeof(row), "%8s    %-8s : %-12s distribution", "time", "", "count");
	fn(arg, row, false);
	for (unsigned i = first; i <= last; i++) {
		int filled = (int)((unsigned __int128)counts[i] * (unsigned)bar_cols / most);

		if (counts[i] && !filled)
			filled = 1;
		format_row(row, sizeof(row), i, counts[i], filled, bar_cols);
		fn(arg, row, counts[i] && i && step_ns(i - 1) >= mark_ns);
	}
}

struct printer {
	FILE *out;
	const struct text_style *style;
};

static void row_print(void *arg, const char *text, bool is_marked)
{
	const struct printer *p = arg;

	text_put(p->out, p->style, is_marked ? TEXT_RED : TEXT_PLAIN, text, 0);
	fputc('\n', p->out);
}

void bars_print(FILE *out, const struct text_style *style, const struct hist *hist, uint64_t mark_ns)
{
	struct printer printer = {out, style};

	bars_each(hist, style->width, mark_ns, row_print, &printer);
}
