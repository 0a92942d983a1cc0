/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Completion scripts for bash, zsh and fish, from the same tables as --help.
 *
 * What kind of value an option takes is told by its choices, else by the name of its value.
 */
#include "base/opt.h"

#include <errno.h>
#include <string.h>

enum value { VALUE_NONE, VALUE_ANY, VALUE_CHOICE, VALUE_FILE, VALUE_PROCESS };

/* Called for each command: the program itself (sub NULL) and each subcommand. */
typedef void (*command_writer)(FILE *out, const struct opt_command *program, const struct opt_command *sub);

static enum value row_value(const struct opt *o)
{
	if (!o->arg)
		return VALUE_NONE;
	if (o->choices)
		return VALUE_CHOICE;
	if (strcmp(o->arg, "FILE") == 0)
		return VALUE_FILE;
	if (strncmp(o->arg, "PID", 3) == 0 || strncmp(o->arg, "TID", 3) == 0)
		return VALUE_PROCESS;
	return VALUE_ANY;
}

static bool takes_files(const struct opt_command *cmd)
{
	return cmd->arg && strcmp(cmd->arg, "FILE") == 0;
}

static void choices_print(FILE *out, const struct opt *o)
{
	for (unsigned i = 0; o->choices[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", o->choices[i]);
}

/* Text within single quotes of a shell, without the bytes in `also`, which the place gives a meaning. */
static void quoted_print(FILE *out, const char *text, const char *also)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (strchr(also, *text))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static void names_print(FILE *out, const struct opt_command *cmd)
{
	for (const struct opt *o = cmd->opts; o->name; o++) {
		fprintf(out, "--%s ", o->name);
		if (o->key)
			fprintf(out, "-%c ", o->key);
	}
	fputs("--help -h", out);
}

static void subcommands_print(FILE *out, const struct opt_command *program)
{
	for (const struct opt_command *const *sub = program->subcommands; sub && *sub; sub++)
		fprintf(out, "%s%s", sub == program->subcommands ? "" : " ", (*sub)->name);
}

static void commands_each(FILE *out, const struct opt_command *program, command_writer write)
{
	write(out, program, NULL);
	for (const struct opt_command *const *sub = program->subcommands; sub && *sub; sub++)
		write(out, program, *sub);
}

/* The case of `prev`: what stands behind an option that needs a value. */
static void bash_command(FILE *out, const struct opt_command *program, const struct opt_command *sub)
{
	const struct opt_command *cmd = sub ? sub : program;

	fprintf(out, "\t'%s')\n\t\tcase $prev in\n", sub ? sub->name : "");
	for (const struct opt *o = cmd->opts; o->name; o++) {
		enum value value = row_value(o);

		if (value == VALUE_NONE || o->bare)
			continue;
		fprintf(out, "\t\t--%s", o->name);
		if (o->key)
			fprintf(out, "|-%c", o->key);
		fputs(") ", out);
		if (value == VALUE_FILE)
			fprintf(out, "_%s_files", program->name);
		if (value == VALUE_PROCESS)
			fputs("COMPREPLY=($(compgen -W \"$(cd /proc && echo [0-9]*)\" -- \"$cur\"))", out);
		if (value == VALUE_CHOICE) {
			fputs("COMPREPLY=($(compgen -W '", out);
			choices_print(out, o);
			fputs("' -- \"$cur\"))", out);
		}
		fputs(value == VALUE_ANY ? "return ;;\n" : "; return ;;\n", out);
	}
	fputs("\t\tesac\n", out);
	if (takes_files(cmd))
		fprintf(out, "\t\t[[ $cur == -* ]] || { _%s_files; return; }\n", program->name);
	fputs("\t\twords='", out);
	names_print(out, cmd);
	fputs("' ;;\n", out);
}

static void bash_complete(const struct opt_command *program, FILE *out)
{
	const char *name = program->name;

	fprintf(out, "# bash completion of %s, made from its option tables\n", name);
	fprintf(out,
		"_%s_files()\n{\n\tcompopt -o filenames 2>/dev/null || :\n"
		"\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n}\n\n_%s()\n{\n",
		name, name);
	fputs("\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} sub= words= i commands='", out);
	subcommands_print(out, program);
	fputs("'\n\tCOMPREPLY=()\n"
	      "\t# --name=value is three words here\n"
	      "\t[ \"$prev\" = = ] && prev=${COMP_WORDS[COMP_CWORD-2]}\n"
	      "\t[ \"$cur\" = = ] && cur=\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\t[ \"${COMP_WORDS[i]}\" = -- ] || continue\n",
	      out);
	fprintf(out, "\t\t_%s_files\n", name);
	fputs("\t\t[ $i -lt $((COMP_CWORD - 1)) ] || COMPREPLY=($(compgen -c -- \"$cur\"))\n"
	      "\t\treturn\n\tdone\n"
	      "\t[ \"$COMP_CWORD\" -gt 1 ] && [[ \" $commands \" == *\" ${COMP_WORDS[1]} \"* ]] && "
	      "sub=${COMP_WORDS[1]}\n"
	      "\tcase $sub in\n",
	      out);
	commands_each(out, program, bash_command);
	fputs("\tesac\n\t[ \"$COMP_CWORD\" -eq 1 ] && words=\"$commands $words\"\n"
	      "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n",
	      out);
	fprintf(out, "complete -F _%s %s\n", name, name);
}

static void zsh_row(FILE *out, const struct opt *o)
{
	const char *equals = !o->arg ? "" : o->bare ? "=-" : "=";
	enum value value = row_value(o);

	fputs(" \\\n\t\t\t", out);
	if (o->key)
		fprintf(out, "'*'{-%c%s,--%s%s}'[", o->key, !o->arg ? "" : o->bare ? "-" : "+", o->name, equals);
	else
		fprintf(out, "'*--%s%s[", o->name, equals);
	quoted_print(out, o->help, "[]:");
	fputc(']', out);
	if (o->arg) {
		fputs(o->bare ? "::" : ":", out);
		quoted_print(out, o->arg, ":");
		fputc(':', out);
	}
	if (value == VALUE_FILE)
		fputs("_files", out);
	if (value == VALUE_PROCESS)
		fputs("_pids", out);
	if (value == VALUE_CHOICE) {
		fputc('(', out);
		choices_print(out, o);
		fputc(')', out);
	}
	fputc('\'', out);
}

static void zsh_command(FILE *out, const struct opt_command *program, const struct opt_command *sub)
{
	fprintf(out, "\t\t'%s')\n\t\t\t_arguments -s", sub ? sub->name : "");
	for (const struct opt *o = (sub ? sub : program)->opts; o->name; o++)
		zsh_row(out, o);
	zsh_row(out, &opt_help_row);
	if (takes_files(sub ? sub : program))
		fputs(" \\\n\t\t\t'*:FILE:_files'", out);
	if (!sub && program->subcommands) {
		fputs(" \\\n\t\t\t'1: :(", out);
		subcommands_print(out, program);
		fputs(")'", out);
	}
	fputs(" ;;\n", out);
}

static void zsh_complete(const struct opt_command *program, FILE *out)
{
	fprintf(out, "#compdef %s\n# made from its option tables\n_%s()\n{\n\tlocal sub=''\n", program->name,
		program->name);
	fputs("\tlocal -i dashes=${words[(i)--]}\n"
	      "\tif (( dashes < CURRENT )); then\n"
	      "\t\twords=(\"${(@)words[dashes+1,-1]}\")\n\t\t(( CURRENT -= dashes ))\n"
	      "\t\t_normal\n\t\treturn\n\tfi\n",
	      out);
	fputs("\t(( CURRENT > 2 )) && case $words[2] in\n", out);
	for (const struct opt_command *const *sub = program->subcommands; sub && *sub; sub++)
		fprintf(out, "\t\t%s) sub=$words[2]; shift words; (( CURRENT-- )) ;;\n", (*sub)->name);
	fputs("\tesac\n\tcase $sub in\n", out);
	commands_each(out, program, zsh_command);
	fprintf(out, "\tesac\n}\n_%s \"$@\"\n", program->name);
}

/* When a row is offered: behind its subcommand, or behind none. */
static void fish_condition(FILE *out, const struct opt_command *program, const struct opt_command *sub)
{
	if (sub)
		fprintf(out, " -n '__fish_seen_subcommand_from %s'", sub->name);
	else if (program->subcommands) {
		fputs(" -n 'not __fish_seen_subcommand_from ", out);
		subcommands_print(out, program);
		fputc('\'', out);
	}
}

static void fish_row(FILE *out, const struct opt_command *program, const struct opt_command *sub, const struct opt *o)
{
	enum value value = row_value(o);

	fprintf(out, "complete -c %s", program->name);
	fish_condition(out, program, sub);
	fprintf(out, " -l %s", o->name);
	if (o->key)
		fprintf(out, " -s %c", o->key);
	if (value == VALUE_FILE)
		fputs(" -r -F", out);
	else if (value != VALUE_NONE && !o->bare)
		fputs(" -x", out);
	if (value == VALUE_CHOICE) {
		fputs(" -a '", out);
		choices_print(out, o);
		fputc('\'', out);
	}
	if (value == VALUE_PROCESS)
		fputs(" -a '(__fish_complete_pids)'", out);
	fputs(" -d '", out);
	quoted_print(out, o->help, "\\");
	fputs("'\n", out);
}

static void fish_command(FILE *out, const struct opt_command *program, const struct opt_command *sub)
{
	if (sub) {
		fprintf(out, "complete -c %s", program->name);
		fish_condition(out, program, NULL);
		fprintf(out, " -a %s -d '", sub->name);
		quoted_print(out, sub->summary, "\\");
		fputs("'\n", out);
	}
	for (const struct opt *o = (sub ? sub : program)->opts; o->name; o++)
		fish_row(out, program, sub, o);
	fish_row(out, program, sub, &opt_help_row);
	if (!takes_files(sub ? sub : program))
		return;
	fprintf(out, "complete -c %s", program->name);
	fish_condition(out, program, sub);
	fputs(" -F\n", out);
}

static void fish_complete(const struct opt_command *program, FILE *out)
{
	fprintf(out, "# fish completion of %s, made from its option tables\ncomplete -c %s -f\n", program->name,
		program->name);
	commands_each(out, program, fish_command);
	fprintf(out,
		"complete -c %s -n 'contains -- -- (commandline -opc)' -F -a '(__fish_complete_command)' -d "
		"'Command'\n",
		program->name);
}

int opt_complete(const struct opt_command *program, const char *shell, FILE *out)
{
	if (strcmp(shell, "bash") == 0)
		bash_complete(program, out);
	else if (strcmp(shell, "zsh") == 0)
		zsh_complete(program, out);
	else if (strcmp(shell, "fish") == 0)
		fish_complete(program, out);
	else
		return -EINVAL;
	return 0;
}
