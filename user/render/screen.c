/* SPDX-License-Identifier: BSD-2-Clause */
/* Putting text into cells, and cells onto a stream. */
#include "render/screen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int screen_init(struct screen *s, unsigned rows, unsigned cols, bool utf8)
{
	*s = (struct screen){.rows = rows, .cols = cols, .utf8 = utf8};
	s->cells = calloc((size_t)rows * cols + 1, sizeof(*s->cells));
	if (!s->cells)
		return -ENOMEM;
	for (size_t i = 0; i < (size_t)rows * cols; i++)
		s->cells[i].text[0] = ' ';
	return 0;
}

void screen_fini(struct screen *s)
{
	free(s->cells);
	*s = (struct screen){0};
}

static struct screen_cell *cell_at(const struct screen *s, int row, int col)
{
	bool is_inside = row >= 0 && col >= 0 && (unsigned)row < s->rows && (unsigned)col < s->cols;

	return is_inside ? &s->cells[(size_t)row * s->cols + (size_t)col] : NULL;
}

/* Bytes of the character that text begins with, which is valid. */
static size_t char_length(const char *text)
{
	size_t len = 1;

	while ((text[len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* A mark is drawn onto the character before it. */
static void mark_put(struct screen *s, int row, int col, const char *mark)
{
	struct screen_cell *cell = cell_at(s, row, col - 1);

	if (cell && strlen(cell->text) + strlen(mark) < SCREEN_CELL_LEN)
		strcat(cell->text, mark);
}

static void char_put(struct screen *s, int row, int col, unsigned cols, unsigned attr, const char *text)
{
	struct screen_cell *cell = cell_at(s, row, col), *second = cell_at(s, row, col + 1);

	if (!cell)
		return;
	cell->attr = (unsigned char)attr;
	/* Half of a wide character cannot be shown. */
	strcpy(cell->text, cols == 2 && !second ? " " : text);
	if (cols == 2 && second)
		*second = (struct screen_cell){.attr = (unsigned char)attr};
}

int screen_put(struct screen *s, int row, int col, unsigned attr, const char *text)
{
	while (*text) {
		char one[8] = "";
		size_t len = char_length(text);
		unsigned cols;

		memcpy(one, text, len < sizeof(one) ? len : sizeof(one) - 1);
		cols = text_columns(one);
		if (cols)
			char_put(s, row, col, cols, attr, one);
		else
			mark_put(s, row, col, one);
		col += (int)cols;
		text += len;
	}
	return col;
}

int screen_printf(struct screen *s, int row, int col, unsigned attr, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return screen_put(s, row, col, attr, text);
}

void screen_row(struct screen *s, int row, unsigned attr)
{
	for (unsigned col = 0; col < s->cols; col++) {
		struct screen_cell *cell = cell_at(s, row, (int)col);

		if (cell)
			cell->attr = (unsigned char)attr;
	}
}

void screen_copy(struct screen *s, int row, const struct screen *other, unsigned from, unsigned nr)
{
	for (unsigned i = 0; i < nr && from + i < other->rows; i++) {
		struct screen_cell *to = cell_at(s, row + (int)i, 0);

		if (to && s->cols == other->cols)
			memcpy(to, &other->cells[(size_t)(from + i) * other->cols], other->cols * sizeof(*to));
	}
}

const struct screen_cell *screen_cell(const struct screen *s, unsigned row, unsigned col)
{
	return cell_at(s, (int)row, (int)col);
}

/* Columns of a row up to its last character that is seen. */
static unsigned row_length(const struct screen *s, unsigned row, bool colour)
{
	unsigned len = s->cols;

	while (len) {
		const struct screen_cell *cell = screen_cell(s, row, len - 1);

		if (strcmp(cell->text, " ") != 0 || (colour && cell->attr & SCREEN_REVERSE))
			break;
		len--;
	}
	return len;
}

static void run_print(const struct text_style *style, FILE *out, unsigned attr, const char *text)
{
	bool reverse = attr & SCREEN_REVERSE && style->colour;

	fputs(reverse ? "\x1b[7m" : "", out);
	text_put(out, style, SCREEN_TONE(attr), text, 0);
	fputs(reverse ? "\x1b[0m" : "", out);
}

static void row_print(const struct screen *s, const struct text_style *style, unsigned row, FILE *out)
{
	unsigned len = row_length(s, row, style->colour), col = 0;
	char *text = malloc((size_t)s->cols * SCREEN_CELL_LEN + 1);

	while (text && col < len) {
		unsigned attr = screen_cell(s, row, col)->attr;
		size_t at = 0;

		while (col < len && screen_cell(s, row, col)->attr == attr) {
			const char *one = screen_cell(s, row, col++)->text;

			memcpy(text + at, one, strlen(one));
			at += strlen(one);
		}
		text[at] = '\0';
		run_print(style, out, attr, text);
	}
	free(text);
	fputc('\n', out);
}

void screen_print(const struct screen *s, const struct text_style *style, FILE *out)
{
	for (unsigned row = 0; row < s->rows; row++)
		row_print(s, style, row, out);
}
