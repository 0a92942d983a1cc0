/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's entry: which command, and the last word when one fails. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* The page of one command, or of the whole program. */
static int man_print(const char *name)
{
	if (!*name) {
		opt_man(&trace_command, stdout);
		return EXIT_CODE_OK;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(name, commands[i].opts->name) == 0) {
			opt_man_command(&trace_command, commands[i].opts, stdout);
			return EXIT_CODE_OK;
		}
	return EXIT_CODE_USAGE;
}

/* For the build: names of commands, man pages and completion scripts, from the option tables. */
static int print_hidden(int argc, char **argv)
{
	const char *name = argc > 2 ? argv[2] : "";

	if (strcmp(argv[1], "__man") == 0)
		return man_print(name);
	if (strcmp(argv[1], "__complete") == 0)
		return opt_complete(&trace_command, name, stdout) ? EXIT_CODE_USAGE : EXIT_CODE_OK;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		puts(commands[i].opts->name);
	return EXIT_CODE_OK;
}

static bool is_hidden(const char *word)
{
	return strcmp(word, "__man") == 0 || strcmp(word, "__complete") == 0 || strcmp(word, "__commands") == 0;
}

static int command_run(int argc, char **argv, struct err *err)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(argv[1], commands[i].opts->name) == 0)
			return commands[i].run(argc - 1, argv + 1, err);
	return trace_main(argc, argv, err);
}

/* A file that is opened while one of the three is closed would take its place, and be written to. */
static void descriptors_fill(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* What was printed with no view behind it is written now, if the disk takes it; a reader may go away. */
static void output_end(struct err *err)
{
	if (fflush(stdout) && errno != EPIPE)
		err_set(err, EXIT_CODE_FAILED, errno, "cannot write the output: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	bool is_build = argc > 1 && is_hidden(argv[1]);
	struct err err = {};
	int code;

	descriptors_fill();
	code = is_build ? print_hidden(argc, argv) : command_run(argc, argv, &err);
	output_end(&err);
	return err.what[0] ? err_print(&err) : code;
}
