/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Untrusted bytes made safe to show.
 *
 * The tables below name ranges, not all of Unicode: what is hidden must be complete (a character that is missing
 * there could deceive a reader), widths need only be good enough for columns to stand straight.
 */
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct range {
	uint32_t first;
	uint32_t last;
};

/* Never written as they are: controls, invisible ones, line breaks, direction marks, fillers, private use. */
static const struct range hidden[] = {
	{0x00, 0x1f},       {0x7f, 0xa0},       {0xad, 0xad},       {0x34f, 0x34f},      {0x600, 0x605},
	{0x61c, 0x61c},     {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},      {0x8e2, 0x8e2},
	{0x115f, 0x1160},   {0x1680, 0x1680},   {0x17b4, 0x17b5},   {0x180b, 0x180f},    {0x2000, 0x200f},
	{0x2028, 0x202f},   {0x205f, 0x206f},   {0x2800, 0x2800},   {0x3000, 0x3000},    {0x3164, 0x3164},
	{0xe000, 0xf8ff},   {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},    {0xffa0, 0xffa0},
	{0xfff0, 0xffff},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f},  {0x1bca0, 0x1bca3},
	{0x1d173, 0x1d17a}, {0x1fffe, 0x1ffff}, {0x2fffe, 0x2ffff}, {0x3fffe, 0x10ffff},
};

/* Marks that are drawn onto the character before them. */
static const struct range combining[] = {
	{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},   {0x64b, 0x65f},   {0x6d6, 0x6dc},
	{0x93c, 0x93c},   {0x941, 0x948},   {0x94d, 0x94d},   {0xe31, 0xe31},   {0xe34, 0xe3a},   {0xe47, 0xe4e},
	{0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0x302a, 0x302d}, {0x3099, 0x309a}, {0xfe20, 0xfe2f},
};

/* Drawn two columns wide. */
static const struct range wide[] = {
	{0x1100, 0x115e},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x2614, 0x2615},   {0x2648, 0x2653},
	{0x26a1, 0x26a1},   {0x2705, 0x2705},   {0x274c, 0x274c},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},
	{0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff01, 0xff60},
	{0xffe0, 0xffe6},   {0x1b000, 0x1b2ff}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff},
	{0x20000, 0x3fffd},
};

#define IN_RANGES(table, cp) in_ranges(table, sizeof(table) / sizeof((table)[0]), cp)

static bool in_ranges(const struct range *table, size_t nr, uint32_t cp)
{
	for (size_t i = 0; i < nr && table[i].first <= cp; i++)
		if (cp <= table[i].last)
			return true;
	return false;
}

static unsigned char_columns(uint32_t cp)
{
	if (cp < 0x300)
		return 1;
	if (IN_RANGES(combining, cp))
		return 0;
	return IN_RANGES(wide, cp) ? 2 : 1;
}

/* The character at s and its length in bytes; 0 when the bytes there are no valid UTF-8. */
static size_t decode(const unsigned char *s, size_t len, uint32_t *cp)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n;

	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n > len)
		return 0;
	*cp = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s[i] & 0x3f);
	}
	if (*cp < smallest[n] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
		return 0;
	return n;
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

/* From the environment, not from nl_langinfo(): a static binary has no locales to load. */
static bool is_utf8_locale(void)
{
	const char *name = is_set("LC_ALL") ? "LC_ALL" : is_set("LC_CTYPE") ? "LC_CTYPE" : "LANG";
	const char *value = getenv(name);
	const char *codeset = value ? strchr(value, '.') : NULL;

	return codeset && (!strncasecmp(codeset, ".utf-8", 6) || !strncasecmp(codeset, ".utf8", 5));
}

void text_style_init(struct text_style *style, enum text_when colour, int fd)
{
	const char *term = getenv("TERM");
	bool tty = isatty(fd);
	struct winsize size;

	memset(style, 0, sizeof(*style));
	style->utf8 = is_utf8_locale();
	style->colour = colour == TEXT_ALWAYS ||
			(colour == TEXT_AUTO && tty && !is_set("NO_COLOR") && term && strcmp(term, "dumb") != 0);
	if (tty && !ioctl(fd, TIOCGWINSZ, &size))
		style->width = size.ws_col;
}

/* What stands for the bytes at `s`; `*used` of them. The text is ASCII unless it is the character itself. */
static unsigned escape_one(char out[16], const unsigned char *s, size_t len, bool utf8, size_t *used)
{
	uint32_t cp = 0;
	size_t n = decode(s, len, &cp);

	*used = n ? n : 1;
	if (!n || cp < 0x20 || cp == 0x7f)
		return (unsigned)snprintf(out, 16, "\\x%02x", s[0]);
	if (cp == '\\')
		return (unsigned)snprintf(out, 16, "\\\\");
	if (IN_RANGES(hidden, cp) || (cp >= 0x80 && !utf8))
		return (unsigned)snprintf(out, 16, "\\u{%x}", cp);
	memcpy(out, s, n);
	out[n] = '\0';
	return char_columns(cp);
}

unsigned text_escape(char *out, size_t size, const void *bytes, size_t len, bool utf8)
{
	const unsigned char *s = bytes;
	size_t used, at = 0;
	unsigned columns = 0;

	for (size_t i = 0; i < len; i += used) {
		char one[16];
		unsigned width = escape_one(one, s + i, len - i, utf8, &used);
		size_t n = strlen(one);

		if (at + n >= size)
			break;
		memcpy(out + at, one, n);
		at += n;
		columns += width;
	}
	if (size)
		out[at] = '\0';
	return columns;
}

unsigned text_columns(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = strlen(text), n;
	unsigned columns = 0;

	for (size_t i = 0; i < len; i += n) {
		uint32_t cp = 0;

		n = decode(s + i, len - i, &cp);
		columns += n ? char_columns(cp) : 1;
		n = n ? n : 1;
	}
	return columns;
}

/* Bytes of the longest head of `text` that takes at most `columns`. */
static size_t head_bytes(const char *text, unsigned columns)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = strlen(text), at = 0;

	while (at < len) {
		uint32_t cp = 0;
		size_t n = decode(s + at, len - at, &cp);
		unsigned width = n ? char_columns(cp) : 1;

		if (width > columns)
			break;
		columns -= width;
		at += n ? n : 1;
	}
	return at;
}

/* The longest tail of `text` that takes at most `columns`. */
static const char *tail_of(const char *text, unsigned columns)
{
	unsigned all = text_columns(text);
	const char *tail = text + head_bytes(text, all > columns ? all - columns : 0);

	while (text_columns(tail) > columns) /* a wide character stood on the cut */
		tail += head_bytes(tail, 2);
	return tail;
}

unsigned text_fit(char *out, size_t size, const char *text, unsigned columns, enum text_cut cut, bool utf8)
{
	const char *dots = utf8 ? "\u2026" : "...";
	unsigned left, tail_columns;

	if (text_columns(text) <= columns) {
		snprintf(out, size, "%s", text);
		return text_columns(out);
	}
	left = columns > text_columns(dots) ? columns - text_columns(dots) : 0;
	if (!left)
		dots = "";
	tail_columns = cut == TEXT_CUT_MIDDLE ? left / 2 : 0;
	snprintf(out, size, "%.*s%s%s", (int)head_bytes(text, left ? left - tail_columns : columns), text, dots,
		 tail_columns ? tail_of(text, tail_columns) : "");
	return text_columns(out);
}

void text_put(FILE *out, const struct text_style *style, enum text_tone tone, const char *text, int columns)
{
	static const char *const codes[] = {"", "1", "2", "31", "33", "32", "36"};
	int pad = abs(columns) - (int)text_columns(text);
	bool painted = style->colour && tone != TEXT_PLAIN && *text;

	if (pad > 0 && columns < 0)
		fprintf(out, "%*s", pad, "");
	if (painted)
		fprintf(out, "\033[%sm", codes[tone]);
	fputs(text, out);
	if (painted)
		fputs("\033[0m", out);
	if (pad > 0 && columns > 0)
		fprintf(out, "%*s", pad, "");
}

static void put_json_escaped(FILE *out, uint32_t cp)
{
	if (cp == '"' || cp == '\\')
		fprintf(out, "\\%c", (int)cp);
	else if (cp == '\n')
		fputs("\\n", out);
	else if (cp == '\t')
		fputs("\\t", out);
	else if (cp < 0x10000)
		fprintf(out, "\\u%04x", cp);
	else
		fprintf(out, "\\u%04x\\u%04x", 0xd7c0 + (cp >> 10), 0xdc00 + (cp & 0x3ff));
}

void text_put_json(FILE *out, const void *bytes, size_t len)
{
	const unsigned char *s = bytes;
	size_t n;

	fputc('"', out);
	for (size_t i = 0; i < len; i += n) {
		uint32_t cp = 0;

		n = decode(s + i, len - i, &cp);
		if (!n || !cp)
			put_json_escaped(out, 0xfffd);
		else if (cp == '"' || cp == '\\' || (cp != ' ' && IN_RANGES(hidden, cp)))
			put_json_escaped(out, cp);
		else
			fwrite(s + i, 1, n, out);
		n = n ? n : 1;
	}
	fputc('"', out);
}
