/* SPDX-License-Identifier: BSD-2-Clause */
/* --help: usage, description, the options by group, subcommands, examples and exit codes, in 80 columns. */
#include "base/opt.h"

#include <string.h>

#define WIDTH    80 /* columns of the narrowest terminal in use */
#define MAX_LEFT 30 /* a longer left column has its text on the next line */

const struct opt opt_help_row = {.name = "help", .key = 'h', .help = "Print this help"};

void opt_text(const struct opt *o, char *text, size_t size)
{
	size_t len = (size_t)snprintf(text, size, "%s", o->help);

	for (unsigned i = 0; o->choices && o->choices[i] && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%s",
					!i                  ? " ("
					: o->choices[i + 1] ? ", "
							    : " or ",
					o->choices[i]);
	if (o->preset && len < size)
		len += (size_t)snprintf(text + len, size - len, "%sdefault: %s", o->choices ? "; " : " (", o->preset);
	if ((o->choices || o->preset) && len < size)
		snprintf(text + len, size - len, ")");
}

/* Writes words from column `at` on, in lines that begin at column `indent`. */
static void text_wrap(FILE *out, const char *text, size_t at, size_t indent)
{
	bool first = true;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (!first && at + 1 + len > WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		fprintf(out, "%s%.*s", first ? "" : " ", (int)len, text);
		at += len + !first;
		first = false;
		text += len + strspn(text + len, " ");
	}
	fputc('\n', out);
}

/* A line of two columns; the right one begins at column `column`. */
static void pair_print(FILE *out, const char *left, const char *right, size_t column)
{
	size_t len = strlen(left) + 2;

	fprintf(out, "  %s", left);
	if (len + 2 > column) {
		fputc('\n', out);
		len = 0;
	}
	fprintf(out, "%*s", (int)(column - len), "");
	text_wrap(out, right, column, column);
}

/* "-p, --pid PID" */
static void row_left(const struct opt *o, char *left, size_t size)
{
	char key[8] = "    ";

	if (o->key)
		snprintf(key, sizeof(key), "-%c, ", o->key);
	if (!o->arg)
		snprintf(left, size, "%s--%s", key, o->name);
	else
		snprintf(left, size, o->bare ? "%s--%s[=%s]" : "%s--%s %s", key, o->name, o->arg);
}

static size_t column_fit(size_t column, const char *left)
{
	size_t len = strlen(left);

	return len <= MAX_LEFT && len + 4 > column ? len + 4 : column;
}

static void row_print(FILE *out, const struct opt *o, size_t column)
{
	char left[128], text[1024];

	row_left(o, left, sizeof(left));
	opt_text(o, text, sizeof(text));
	pair_print(out, left, text, column);
}

static void options_print(FILE *out, const struct opt_command *cmd)
{
	char left[128];
	size_t column = 0;

	row_left(&opt_help_row, left, sizeof(left));
	column = column_fit(column, left);
	for (const struct opt *o = cmd->opts; o->name; o++) {
		row_left(o, left, sizeof(left));
		column = column_fit(column, left);
	}
	if (!cmd->opts->name || !cmd->opts->group)
		fprintf(out, "\nOptions:\n");
	for (const struct opt *o = cmd->opts; o->name; o++) {
		if (o->group)
			fprintf(out, "\n%s:\n", o->group);
		row_print(out, o, column);
	}
	row_print(out, &opt_help_row, column);
}

static void pairs_print(FILE *out, const char *title, const struct opt_pair *pairs)
{
	size_t column = 0;

	if (!pairs)
		return;
	for (const struct opt_pair *p = pairs; p->left; p++)
		column = column_fit(column, p->left);
	if (!column) /* each is long: all on lines of their own */
		column = 6;
	fprintf(out, "\n%s:\n", title);
	for (const struct opt_pair *p = pairs; p->left; p++)
		pair_print(out, p->left, p->right, column);
}

static void subcommands_print(FILE *out, const struct opt_command *cmd)
{
	size_t column = 0;

	if (!cmd->subcommands)
		return;
	for (const struct opt_command *const *sub = cmd->subcommands; *sub; sub++)
		column = column_fit(column, (*sub)->name);
	fprintf(out, "\nCommands (%s COMMAND --help tells more):\n", cmd->name);
	for (const struct opt_command *const *sub = cmd->subcommands; *sub; sub++)
		pair_print(out, (*sub)->name, (*sub)->summary, column);
}

void opt_help(const struct opt_command *cmd, FILE *out)
{
	for (unsigned i = 0; cmd->usage[i]; i++)
		fprintf(out, "%s %s\n", i ? "      " : "Usage:", cmd->usage[i]);
	for (unsigned i = 0; cmd->description && cmd->description[i]; i++) {
		fputc('\n', out);
		text_wrap(out, cmd->description[i], 0, 0);
	}
	subcommands_print(out, cmd);
	options_print(out, cmd);
	pairs_print(out, "Examples", cmd->examples);
	pairs_print(out, "Exit status", cmd->exit_codes);
}
