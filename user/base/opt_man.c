/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The man page in mdoc(7), from the same tables as --help.
 *
 * Text of the tables never becomes a request: every line of text and every argument of a macro is
 * escaped, so `mandoc -Tlint` finds nothing to say about what a help text holds.
 */
#include "base/opt.h"

#include <ctype.h>
#include <string.h>

#define LINE_MAX_BYTES 70 /* mandoc dislikes sources wider than 80; escapes make a line longer */

/* Text within a line: backslashes and dashes as they are typed. */
static void roff_inline(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			fputs("\\e", out);
		else if (text[i] == '-')
			fputs("\\-", out);
		else
			fputc(text[i], out);
	}
}

/* How much of a text goes on one line: a sentence as mdoc wants it, or the words that fit. */
static size_t line_length(const char *text)
{
	const char *stop = strstr(text, ". ");
	size_t len = stop ? (size_t)(stop - text) + 1 : strlen(text);

	if (len <= LINE_MAX_BYTES)
		return len;
	len = LINE_MAX_BYTES;
	while (len && text[len] != ' ')
		len--;
	return len ? len : strcspn(text, " ");
}

/* Lines of text; ends with a full stop. */
static void roff_text(FILE *out, const char *text)
{
	while (*text) {
		size_t len = line_length(text);

		/* A dot or an apostrophe at the start of a line would be a request. */
		if (*text == '.' || *text == '\'')
			fputs("\\&", out);
		roff_inline(out, text, len);
		text += len;
		if (!*text && text[-1] != '.')
			fputc('.', out);
		text += strspn(text, " ");
		fputc('\n', out);
	}
}

/* One argument of a macro: quoted, and never taken for a macro's name or punctuation. */
static void roff_arg(FILE *out, const char *arg)
{
	fputs(" \"\\&", out);
	for (; *arg; arg++) {
		if (*arg == '"')
			fputs("\"\"", out);
		else
			roff_inline(out, arg, 1);
	}
	fputc('"', out);
}

/* A line to be typed: a usage line or an example. */
static void roff_literal(FILE *out, const char *line)
{
	fputs("\\&", out);
	roff_inline(out, line, strlen(line));
	fputc('\n', out);
}

static void lines_print(FILE *out, const char *const *lines)
{
	fputs(".Bd -literal\n", out);
	for (; *lines; lines++)
		roff_literal(out, *lines);
	fputs(".Ed\n", out);
}

static void row_print(FILE *out, const struct opt *o)
{
	char text[1024];

	fputs(".It", out);
	if (o->key)
		fprintf(out, " Fl %c ,", o->key);
	fputs(" Fl", out);
	fputs(" \\-", out);
	roff_inline(out, o->name, strlen(o->name));
	if (o->arg) {
		fputs(o->bare ? " Ns Oo = Ns Ar" : " Ar", out);
		roff_arg(out, o->arg);
		fputs(o->bare ? " Oc" : "", out);
	}
	fputc('\n', out);
	opt_text(o, text, sizeof(text));
	roff_text(out, text);
}

static void options_print(FILE *out, const struct opt_command *cmd, const char *heading)
{
	const struct opt *o = cmd->opts;

	if (!o->name || !o->group)
		fputs(".Bl -tag -width Ds\n", out);
	for (; o->name; o++) {
		if (o->group) {
			fputs(o == cmd->opts ? "" : ".El\n", out);
			fprintf(out, "%s", heading);
			roff_arg(out, o->group);
			fputs("\n.Bl -tag -width Ds\n", out);
		}
		row_print(out, o);
	}
	row_print(out, &opt_help_row);
	fputs(".El\n", out);
}

static void paragraphs_print(FILE *out, const char *const *paragraphs)
{
	for (unsigned i = 0; paragraphs && paragraphs[i]; i++) {
		fputs(i ? ".Pp\n" : "", out);
		roff_text(out, paragraphs[i]);
	}
}

static bool has_examples(const struct opt_command *program)
{
	const struct opt_command *const *sub = program->subcommands;

	while (sub && *sub && !(*sub)->examples)
		sub++;
	return program->examples || (sub && *sub);
}

static void examples_print(FILE *out, const struct opt_pair *examples)
{
	for (; examples && examples->left; examples++) {
		roff_text(out, examples->right);
		fputs(".Bd -literal -offset indent\n", out);
		roff_literal(out, examples->left);
		fputs(".Ed\n", out);
	}
}

static void exit_codes_print(FILE *out, const struct opt_pair *codes)
{
	if (!codes)
		return;
	fputs(".Sh EXIT STATUS\n.Bl -tag -width Ds\n", out);
	for (; codes->left; codes++) {
		fputs(".It", out);
		roff_arg(out, codes->left);
		fputc('\n', out);
		roff_text(out, codes->right);
	}
	fputs(".El\n", out);
}

static void subcommand_print(FILE *out, const struct opt_command *program, const struct opt_command *cmd)
{
	fputs(".Ss", out);
	roff_arg(out, program->name);
	roff_arg(out, cmd->name);
	fputc('\n', out);
	lines_print(out, cmd->usage);
	fputs(".Pp\n", out);
	if (cmd->description)
		paragraphs_print(out, cmd->description);
	else
		roff_text(out, cmd->summary);
	options_print(out, cmd, ".Pp\n.Em");
}

/* What every page begins with; `name` is the command's, NULL: the program's own page. */
static void page_begin(const struct opt_command *program, const struct opt_command *cmd, FILE *out)
{
	char name[128];

	snprintf(name, sizeof(name), "%s%s%s", program->name, cmd == program ? "" : "-",
		 cmd == program ? "" : cmd->name);
	fprintf(out, ".\\\" Made from the option tables: change those.\n.Dd %s\n.Dt ", program->date);
	for (const char *c = name; *c; c++)
		fputc(toupper((unsigned char)*c), out);
	fprintf(out, " 8\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", name);
	roff_inline(out, cmd->summary, strlen(cmd->summary));
	fputs("\n.Sh SYNOPSIS\n", out);
	lines_print(out, cmd->usage);
	fputs(".Sh DESCRIPTION\n", out);
	if (cmd->description)
		paragraphs_print(out, cmd->description);
	else
		roff_text(out, cmd->summary);
	fputs(".Sh OPTIONS\n", out);
	options_print(out, cmd, ".Ss");
}

void opt_man_command(const struct opt_command *program, const struct opt_command *cmd, FILE *out)
{
	page_begin(program, cmd, out);
	exit_codes_print(out, cmd->exit_codes ? cmd->exit_codes : program->exit_codes);
	fputs(cmd->examples ? ".Sh EXAMPLES\n" : "", out);
	examples_print(out, cmd->examples);
	fprintf(out, ".Sh SEE ALSO\n.Xr %s 8\n", program->name);
}

void opt_man(const struct opt_command *program, FILE *out)
{
	const struct opt_command *const *sub = program->subcommands;

	page_begin(program, program, out);
	fputs(sub && *sub ? ".Sh COMMANDS\n" : "", out);
	for (; sub && *sub; sub++)
		subcommand_print(out, program, *sub);
	exit_codes_print(out, program->exit_codes);
	fputs(has_examples(program) ? ".Sh EXAMPLES\n" : "", out);
	examples_print(out, program->examples);
	for (sub = program->subcommands; sub && *sub; sub++)
		examples_print(out, (*sub)->examples);
}
