/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One table of options per command: parsing, --help, the man page and shell completion all come from it.
 *
 * Results go into a struct of the command's own; a row names the member, and the compiler checks that its
 * type is the one that the row's kind fills. What the user did not give is left as it was, so set defaults
 * before parsing. Strings point into argv. Every command has -h, --help without a row.
 */
#ifndef LG_OPT_H
#define LG_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* Values of an option that may be given several times. All zero is an empty list. */
struct opt_list {
	char **items; /* copies, in the order given, and NULL behind them; NULL when there are none */
	size_t count;
};

enum opt_kind {
	OPT_KIND_FLAG,     /* bool: set to true */
	OPT_KIND_COUNT,    /* unsigned: one more each time */
	OPT_KIND_STRING,   /* const char * */
	OPT_KIND_U64,      /* uint64_t: a decimal number */
	OPT_KIND_DURATION, /* uint64_t: ns, given with a unit */
	OPT_KIND_SIZE,     /* uint64_t: bytes, given with a unit */
	OPT_KIND_CHOICE,   /* unsigned: index of the word in `choices` */
	OPT_KIND_LIST,     /* struct opt_list: repeatable, and each value may hold several, comma-separated */
	OPT_KIND_REPEAT,   /* struct opt_list: repeatable, commas are part of the value */
	OPT_KIND_CALL,     /* `call` takes it */
};

struct opt {
	const char *name;  /* long name without its dashes; NULL ends the table */
	char key;          /* short option, 0: none */
	const char *arg;   /* name of its value in help, NULL: takes none; completed as told at opt_complete() */
	const char *group; /* heading over this row and those after it; NULL: as the row before */
	const char *help;  /* one or two sentences, without a full stop at the end */
	/* Its value when given without one; then only --name=X and -nX carry one. NULL: a value is needed. */
	const char *bare;
	const char *preset;         /* its default as help tells it; NULL: not told */
	const char *const *choices; /* CHOICE: the words allowed, NULL at the end; CALL: those that are completed */
	enum opt_kind kind;
	size_t offset; /* of the member in the result struct */
	/*
	 * CALL: given the value (NULL without `arg`) and the whole result struct. 0, or -errno with a sentence
	 * in err; without one opt_parse() says that the value is not right.
	 */
	int (*call)(const char *value, void *result, struct err *err);
};

/* What a row fills: `OPT_FLAG(struct live_opts, json)` in its initializer. Another type does not compile. */
#define OPT_OFFSET(type, s, m)  (offsetof(s, m) + 0 * sizeof(_Generic(((s *)0)->m, type : 0)))
#define OPT_FLAG(s, m)          .kind = OPT_KIND_FLAG, .offset = OPT_OFFSET(bool, s, m)
#define OPT_COUNT(s, m)         .kind = OPT_KIND_COUNT, .offset = OPT_OFFSET(unsigned, s, m)
#define OPT_STRING(s, m)        .kind = OPT_KIND_STRING, .offset = OPT_OFFSET(const char *, s, m)
#define OPT_U64(s, m)           .kind = OPT_KIND_U64, .offset = OPT_OFFSET(uint64_t, s, m)
#define OPT_DURATION(s, m)      .kind = OPT_KIND_DURATION, .offset = OPT_OFFSET(uint64_t, s, m)
#define OPT_SIZE(s, m)          .kind = OPT_KIND_SIZE, .offset = OPT_OFFSET(uint64_t, s, m)
#define OPT_CHOICE(s, m, words) .kind = OPT_KIND_CHOICE, .offset = OPT_OFFSET(unsigned, s, m), .choices = (words)
#define OPT_LIST(s, m)          .kind = OPT_KIND_LIST, .offset = OPT_OFFSET(struct opt_list, s, m)
#define OPT_REPEAT(s, m)        .kind = OPT_KIND_REPEAT, .offset = OPT_OFFSET(struct opt_list, s, m)
#define OPT_CALL(fn)            .kind = OPT_KIND_CALL, .call = (fn)

/* A line of two columns: a command line and what it does, or an exit code and its meaning. */
struct opt_pair {
	const char *left; /* NULL ends the list */
	const char *right;
};

struct opt_command {
	const char *name;                  /* "lgtrace", or that of a subcommand: "top" */
	const char *summary;               /* what it does, half a sentence in lower case, for the list of commands */
	const char *const *usage;          /* whole lines: "lgtrace top [-p PID] [OPTION]..."; NULL at the end */
	const char *const *description;    /* paragraphs, NULL at the end; NULL: none */
	const struct opt *opts;            /* ends with a row without a name */
	const struct opt_pair *examples;   /* NULL: none */
	const struct opt_pair *exit_codes; /* NULL: none */
	const struct opt_command *const *subcommands; /* of the program itself, NULL at the end; NULL: none */
	const char *date;                             /* of the program itself: "June 1, 2026", for the man page */
	unsigned max_args;                            /* arguments that are no options; at most OPT_MAX_ARGS */
	const char *arg;    /* what these are, completed as told at opt_complete(); NULL: not completed */
	bool takes_command; /* what stands behind "--" is a command line to run, not arguments */
};

#define OPT_MAX_ARGS 8 /* no command takes more than a few words */

/* What is not an option. */
struct opt_rest {
	const char *args[OPT_MAX_ARGS];
	unsigned nr_args;
	char **command; /* takes_command: behind "--", NULL at the end; NULL when there is none */
};

/*
 * Reads argv[1] and on, options and arguments in any order. 0; 1 when the user asked for help (nothing
 * more is read: print opt_help() and leave); -EINVAL with a sentence and EXIT_CODE_USAGE; -ENOMEM.
 * The lists in *result are to be freed in every case.
 */
int opt_parse(const struct opt_command *cmd, int argc, char **argv, void *result, struct opt_rest *rest,
	      struct err *err);

/* Adds a copy of `len` bytes. 0 or -ENOMEM. */
int opt_list_add(struct opt_list *list, const char *item, size_t len);
void opt_list_fini(struct opt_list *list);

/* The row that every command has; its name, key and help are as any other's. */
extern const struct opt opt_help_row;

/* The help of a row with its choices and its default, as both --help and the man page tell it. */
void opt_text(const struct opt *o, char *text, size_t size);

/* The --help text, at most 80 columns wide. */
void opt_help(const struct opt_command *cmd, FILE *out);

/* The man page of the program and its subcommands, section 8, in mdoc(7). */
void opt_man(const struct opt_command *program, FILE *out);

/* The page of one subcommand by itself: "lgtrace-top". */
void opt_man_command(const struct opt_command *program, const struct opt_command *cmd, FILE *out);

/*
 * The completion script for "bash", "zsh" or "fish"; -EINVAL for another shell. Values are completed by choices, or by
 * the name of the value: FILE by files, PID.. and TID.. by process ids; arguments by FILE alone; behind "--" by
 * commands.
 */
int opt_complete(const struct opt_command *program, const char *shell, FILE *out);

#endif
