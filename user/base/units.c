/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers as people write and read them. All of it is integer arithmetic, so that what is printed does not
 * depend on a locale or on rounding modes, and "1.5ms" is exactly 1,500,000 ns.
 */
#include "base/units.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	{"ns", 1}, {"us", 1000}, {"\u00b5s", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* value * 10 + digit; false when it overflows. */
static bool push_digit(uint64_t *value, char digit)
{
	return !__builtin_mul_overflow(*value, (uint64_t)10, value) &&
	       !__builtin_add_overflow(*value, (uint64_t)(digit - '0'), value);
}

static const struct unit *unit_find(const char *name)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(units[i].name, name))
			return &units[i];
	return NULL;
}

/* The digits behind the decimal point, up to `end`, in `unit_ns`; -EINVAL when that is no whole number of ns. */
static int parse_fraction(const char *s, const char *end, uint64_t unit_ns, uint64_t *ns)
{
	*ns = 0;
	for (; s < end; s++) {
		if (unit_ns % 10 && *s != '0')
			return -EINVAL;
		unit_ns /= 10;
		*ns += unit_ns * (uint64_t)(*s - '0');
	}
	return 0;
}

int units_parse_duration(const char *s, uint64_t *ns)
{
	const char *fraction, *end;
	uint64_t whole = 0, rest = 0;
	const struct unit *unit;
	bool fits = true;
	int rc;

	if (!is_digit(*s))
		return -EINVAL;
	for (; is_digit(*s); s++)
		fits = fits && push_digit(&whole, *s);
	fraction = s;
	if (*s == '.') {
		fraction = ++s;
		if (!is_digit(*s))
			return -EINVAL;
		while (is_digit(*s))
			s++;
	}
	end = s;
	while (*s == ' ')
		s++;
	unit = unit_find(s);
	if (!unit)
		return -EINVAL;
	rc = parse_fraction(fraction, end, unit->ns, &rest);
	if (rc)
		return rc;
	if (!fits || __builtin_mul_overflow(whole, unit->ns, &whole) || __builtin_add_overflow(whole, rest, &whole))
		return -ERANGE;
	*ns = whole;
	return 0;
}

int units_parse_size(const char *s, uint64_t *bytes)
{
	static const char prefixes[] = "kMGT";
	uint64_t value = 0, unit = 1;
	const char *prefix;
	long power;

	if (!is_digit(*s))
		return -EINVAL;
	for (; is_digit(*s); s++)
		if (!push_digit(&value, *s))
			return -ERANGE;
	while (*s == ' ')
		s++;
	prefix = *s ? strchr(prefixes, *s == 'K' ? 'k' : *s) : NULL;
	power = prefix ? prefix - prefixes + 1 : 0;
	s += power != 0;
	for (; power; power--)
		unit *= strcmp(s, "B") ? 1024 : 1000;
	if (*s && strcmp(s, "B") != 0 && (unit == 1 || strcmp(s, "iB") != 0))
		return -EINVAL;
	return __builtin_mul_overflow(value, unit, bytes) ? -ERANGE : 0;
}

/*
 * Writes `value / unit` with three significant digits, rounded to the nearest. Needs value / unit < 999.5.
 * `exact_short`: an exact value has no zeros at the end of its fraction.
 */
static void format_three(char *buf, size_t size, uint64_t value, uint64_t unit, const char *suffix, bool exact_short)
{
	unsigned decimals = value / 10 < unit ? 2 : value / 100 < unit ? 1 : 0;
	static const uint64_t powers[] = {1, 10, 100};
	uint64_t step, n;

	if (unit < powers[decimals])
		decimals = 0; /* whole ns and small counts have no fraction */
	step = unit / powers[decimals];
	n = value / step + (value % step * 2 >= step && step > 1);
	if (decimals && n == 1000) { /* 9.996 became 10.0 */
		decimals--;
		n = 100;
	}
	if (exact_short && value % step == 0)
		for (; decimals && n % 10 == 0; decimals--)
			n /= 10;
	if (decimals)
		snprintf(buf, size, "%llu.%0*llu%s", (unsigned long long)(n / powers[decimals]), (int)decimals,
			 (unsigned long long)(n % powers[decimals]), suffix);
	else
		snprintf(buf, size, "%llu%s", (unsigned long long)n, suffix);
}

static void format_duration(char *buf, size_t size, uint64_t ns, bool exact_short)
{
	unsigned long long seconds = ns / 1000000000;

	/* Each unit ends where three digits would round up to 1000 of it. */
	if (ns < 1000)
		format_three(buf, size, ns, 1, " ns", exact_short);
	else if (ns < 999500)
		format_three(buf, size, ns, 1000, " us", exact_short);
	else if (ns < 999500000)
		format_three(buf, size, ns, 1000000, " ms", exact_short);
	else if (ns < 999500000000)
		format_three(buf, size, ns, 1000000000, " s", exact_short);
	else if (seconds < 6000)
		snprintf(buf, size, "%llum%02llus", seconds / 60, seconds % 60);
	else
		snprintf(buf, size, "%lluh%02llum", seconds / 3600, seconds / 60 % 60);
}

const char *units_format_duration(char *buf, size_t size, uint64_t ns)
{
	format_duration(buf, size, ns, true);
	return buf;
}

const char *units_format_duration_table(char *buf, size_t size, uint64_t ns)
{
	char text[UNITS_LEN];

	format_duration(text, sizeof(text), ns, false);
	snprintf(buf, size, "%*s", UNITS_TABLE_COLS, text);
	return buf;
}

struct step {
	uint64_t below; /* from here on three digits would round up to 1000 of the unit */
	uint64_t unit;
	const char *suffix;
};

static const char *format_steps(char *buf, size_t size, uint64_t n, const struct step *step, bool exact_short)
{
	while (n >= step->below && step->below != UINT64_MAX)
		step++;
	format_three(buf, size, n, step->unit, step->suffix, exact_short);
	return buf;
}

const char *units_format_count(char *buf, size_t size, uint64_t n)
{
	static const struct step steps[] = {
		{999500, 1000, "k"},
		{999500000, 1000000, "M"},
		{999500000000, 1000000000, "G"},
		{999500000000000, 1000000000000, "T"},
		{999500000000000000, 1000000000000000, "P"},
		{UINT64_MAX, 1000000000000000000, "E"},
	};

	if (n >= 100000)
		return format_steps(buf, size, n, steps, false);
	snprintf(buf, size, "%llu", (unsigned long long)n);
	return buf;
}

const char *units_format_size(char *buf, size_t size, uint64_t bytes)
{
	static const struct step steps[] = {
		{1000, 1, " B"},
		{999500, 1000, " kB"},
		{999500000, 1000000, " MB"},
		{999500000000, 1000000000, " GB"},
		{999500000000000, 1000000000000, " TB"},
		{999500000000000000, 1000000000000000, " PB"},
		{UINT64_MAX, 1000000000000000000, " EB"},
	};

	return format_steps(buf, size, bytes, steps, true);
}

const char *units_format_percent(char *buf, size_t size, uint64_t part, uint64_t whole)
{
	unsigned permille;

	if (!whole) {
		snprintf(buf, size, "-");
		return buf;
	}
	/* 128 bits: part * 1000 may not fit into 64. */
	permille = (unsigned)(((unsigned __int128)part * 1000 + whole / 2) / whole);
	if (!part)
		snprintf(buf, size, "0%%");
	else if (!permille)
		snprintf(buf, size, "<0.1%%");
	else if (permille == 1000)
		snprintf(buf, size, "%u%%", permille / 10);
	else
		snprintf(buf, size, "%u.%u%%", permille / 10, permille % 10);
	return buf;
}
