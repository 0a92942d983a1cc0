/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's entry: which command, and the last word when one fails. */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/trace.h"

static const struct command {
	const struct opt_command *opts;
	int (*run)(int argc, char **argv, struct err *err);
} commands[] = {
#define X(name) {&name##_command, name##_main},
	COMMANDS(X)
#undef X
};

/* For the build: the man page and the completion scripts, from the option tables. */
static int print_hidden(int argc, char **argv)
{
	if (strcmp(argv[1], "__man") == 0) {
		opt_man(&trace_command, stdout);
		return EXIT_CODE_OK;
	}
	return opt_complete(&trace_command, argc > 2 ? argv[2] : "", stdout) ? EXIT_CODE_USAGE : EXIT_CODE_OK;
}

static int command_run(int argc, char **argv, struct err *err)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(argv[1], commands[i].opts->name) == 0)
			return commands[i].run(argc - 1, argv + 1, err);
	return trace_main(argc, argv, err);
}

int main(int argc, char **argv)
{
	struct err err = {};
	int code;

	if (argc > 1 && (strcmp(argv[1], "__man") == 0 || strcmp(argv[1], "__complete") == 0))
		return print_hidden(argc, argv);
	code = command_run(argc, argv, &err);
	return err.what[0] ? err_print(&err) : code;
}
