/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The subcommands, listed once: from here come main's dispatch, the list in --help, the man page and completion. Each
 * has a table of options, NAME_command, and an entry, NAME_main(), in a file of its name (hist with stat).
 */
#ifndef LG_COMMANDS_H
#define LG_COMMANDS_H

#include "base/err.h"
#include "base/opt.h"

#define COMMANDS(X) \
	X(top) \
	X(ps) \
	X(stat) \
	X(hist) \
	X(doctor) \
	X(record) \
	X(report) \
	X(diff)

#define X(name) \
	extern const struct opt_command name##_command; \
	/* Parses argv (its first word is the command's), runs, cleans up. Returns the exit code; says why in *err. */ \
	int name##_main(int argc, char **argv, struct err *err);
COMMANDS(X)
#undef X

#endif
