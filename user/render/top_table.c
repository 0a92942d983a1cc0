/* SPDX-License-Identifier: BSD-2-Clause */
/* What all tables have in common: which rows and columns are shown, in which order, and where the cursor is. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "render/top_private.h"

const struct top_table_ops *top_table_ops(enum top_view view)
{
	static const struct top_table_ops *const tables[TOP_NR_TABLES] = {
		[TOP_LOOPS] = &top_loops_ops,
		[TOP_ROUTES] = &top_routes_ops,
		[TOP_STALLS] = &top_stalls_ops,
		[TOP_PLACES] = &top_places_ops,
	};

	return tables[view];
}

uint64_t top_names_id(const char *a, const char *b)
{
	uint64_t hash = hash_add(hash_add(HASH_NONE, a, strlen(a)), b, strlen(b));

	return hash ? hash : 1;
}

/* --- rows --- */

static bool row_matches(const struct top *t, const struct top_table_ops *ops, const void *row, bool utf8)
{
	struct top_cell cell;

	if (!*t->filter)
		return true;
	for (unsigned i = 0; i < ops->nr_columns; i++) {
		ops->cell(t, row, i, TOP_COLS_ALL, utf8, &cell);
		if (strcasestr(cell.text, t->filter))
			return true;
	}
	return false;
}

struct order {
	const struct top_table_ops *ops;
	const struct top_table *table;
};

static int row_compare(const void *a, const void *b, void *arg)
{
	const struct order *order = arg;
	const void *x = *(const void *const *)a, *y = *(const void *const *)b;
	int result = order->ops->compare(x, y, order->table->sort);
	uint64_t id_x, id_y;

	if (result)
		return order->table->is_reverse ? -result : result;
	id_x = order->ops->id(x);
	id_y = order->ops->id(y);
	return (id_x > id_y) - (id_x < id_y);
}

size_t top_table_rows(const struct top *t, const struct board *b, bool utf8, const void ***out)
{
	const struct top_table_ops *ops = top_table_ops(t->view);
	struct order order = {ops, &t->tables[t->view]};
	size_t nr = ops->count(b), n = 0;

	*out = calloc(nr + 1, sizeof(**out));
	for (size_t i = 0; *out && i < nr; i++) {
		const void *row = ops->row(b, i);

		if (row_matches(t, ops, row, utf8))
			(*out)[n++] = row;
	}
	if (n)
		qsort_r(*out, n, sizeof(**out), row_compare, &order);
	return n;
}

size_t top_table_cursor(const struct top *t, const void *const *rows, size_t nr)
{
	const struct top_table_ops *ops = top_table_ops(t->view);
	uint64_t selected = t->tables[t->view].selected;

	for (size_t i = 0; selected && i < nr; i++)
		if (ops->id(rows[i]) == selected)
			return i;
	return 0;
}

/* --- columns --- */

/* Fills is_shown with the columns of the lowest ranks that fit beside each other. */
static void columns_fit(const struct top_table_ops *ops, unsigned cols, bool is_shown[])
{
	unsigned used = 0;

	memset(is_shown, 0, ops->nr_columns);
	for (unsigned rank = 1; rank <= ops->nr_columns; rank++)
		for (unsigned i = 0; i < ops->nr_columns; i++) {
			unsigned needed = (unsigned)abs(ops->columns[i].cols) + (used ? 1 : 0);

			if (ops->columns[i].rank != rank)
				continue;
			if (used && used + needed > cols)
				return;
			is_shown[i] = true;
			used += needed;
		}
}

#define MAX_COLUMNS 32

static void cell_put(struct screen *s, int row, int col, int cols, unsigned attr, const struct top_cell *cell)
{
	char fitted[TOP_CELL_LEN];
	unsigned width = (unsigned)abs(cols);
	unsigned taken = text_fit(fitted, sizeof(fitted), cell->text, width, cell->cut, s->utf8);

	screen_put(s, row, cols > 0 ? col + (int)(width - taken) : col, attr, fitted);
}

/* A row of cells; `row` NULL: the titles. */
static void row_put(const struct top *t, struct screen *s, int at, const bool is_shown[], const void *row)
{
	const struct top_table_ops *ops = top_table_ops(t->view);
	struct top_cell cell;
	int col = 0;

	for (unsigned i = 0; i < ops->nr_columns; i++) {
		const struct top_column *column = &ops->columns[i];
		int cols = column->is_rest ? col - (int)s->cols : column->cols;

		if (!is_shown[i])
			continue;
		cell = (struct top_cell){.cut = TEXT_CUT_END};
		if (row)
			ops->cell(t, row, i, (unsigned)abs(cols), s->utf8, &cell);
		else
			strcpy(cell.text, column->title);
		if (!row)
			cell.tone = i == t->tables[t->view].sort ? TEXT_CYAN : TEXT_BOLD;
		cell_put(s, at, col, cols, cell.tone, &cell);
		col += abs(column->cols) + 1;
	}
}

/* Scrolls as little as the cursor needs. */
static void table_scroll(struct top_table *table, size_t cursor, size_t nr, unsigned height)
{
	if (cursor < table->first)
		table->first = cursor;
	if (height && cursor >= table->first + height)
		table->first = cursor - height + 1;
	if (table->first + height > nr)
		table->first = nr > height ? nr - height : 0;
}

void top_table_draw(struct top *t, const struct board *b, struct screen *s, int at, unsigned height)
{
	const struct top_table_ops *ops = top_table_ops(t->view);
	bool is_shown[MAX_COLUMNS];
	const void **rows;
	size_t nr = top_table_rows(t, b, s->utf8, &rows), cursor = top_table_cursor(t, rows, nr);
	struct top_table *table = &t->tables[t->view];

	columns_fit(ops, s->cols, is_shown);
	t->shown = 0;
	for (unsigned i = 0; i < ops->nr_columns; i++)
		t->shown |= (uint32_t)is_shown[i] << i;
	row_put(t, s, at, is_shown, NULL);
	table_scroll(table, cursor, nr, height);
	t->page = height;
	for (unsigned i = 0; i < height && table->first + i < nr; i++) {
		row_put(t, s, at + 1 + (int)i, is_shown, rows[table->first + i]);
		if (!t->is_batch && table->first + i == cursor)
			screen_row(s, at + 1 + (int)i, SCREEN_REVERSE);
	}
	if (!nr)
		screen_put(s, at + 1, 2, TEXT_DIM, *t->filter ? "nothing matches the filter" : "nothing so far");
	free(rows);
}
