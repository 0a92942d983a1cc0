/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A command line, one word a line, for every command there is; each word is also tried as a length of time, a pattern
 * of routes and a gate.
 */
#include "base/units.h"
#include "cmd/commands.h"
#include "cmd/trace.h"
#include "fuzz.h"
#include "model/gate.h"
#include "model/route.h"

#define MAX_WORDS 64

/* What any command's options go into; its lists are found by their rows. */
union result {
	uint64_t words[256];
	char bytes[2048];
};

static const struct opt_command *const commands[] = {
#define X(name) &name##_command,
	COMMANDS(X)
#undef X
		& trace_command,
};

static void word_check(const char *word)
{
	const char *const patterns[] = {word, NULL};
	struct err err = {};
	struct gates gates;
	char text[UNITS_LEN], route[MODEL_PATH_LEN];
	uint64_t ns, bytes;

	units_parse_size(word, &bytes);
	if (!units_parse_duration(word, &ns)) {
		units_format_duration(text, sizeof(text), ns);
		FUZZ_CHECK(strlen(text) + 1 < sizeof(text));
		units_format_duration_table(text, sizeof(text), ns);
		FUZZ_CHECK(strlen(text) + 1 < sizeof(text));
	}
	route_name(patterns, "/users/42/items/9f86d081", route);
	FUZZ_CHECK(memchr(route, 0, sizeof(route)));
	if (gates_parse(&gates, patterns, &err))
		FUZZ_CHECK(err.what[0] && err.code == EXIT_CODE_USAGE);
}

static void command_check(const struct opt_command *cmd, int argc, char **argv)
{
	union result result = {};
	struct opt_rest rest;
	struct err err = {};
	int parsed = opt_parse(cmd, argc, argv, &result, &rest, &err);

	FUZZ_CHECK(parsed >= 0 || (err.what[0] && err.code == EXIT_CODE_USAGE));
	FUZZ_CHECK(rest.nr_args <= cmd->max_args);
	if (!parsed && cmd == &trace_command && trace_opts_check((void *)&result, &rest, &err))
		FUZZ_CHECK(err.what[0] && err.code == EXIT_CODE_USAGE);
	for (const struct opt *o = cmd->opts; o->name; o++)
		if (o->kind == OPT_KIND_LIST || o->kind == OPT_KIND_REPEAT)
			opt_list_fini((void *)(result.bytes + o->offset));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *words[MAX_WORDS + 1] = {strdup("lgtrace")};
	int argc = 1;

	while (size && argc < MAX_WORDS) {
		size_t len = fuzz_line(data, size);

		words[argc] = fuzz_string(data, len);
		word_check(words[argc++]);
		len += len < size;
		data += len;
		size -= len;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		command_check(commands[i], argc, words);
	while (argc)
		free(words[--argc]);
	return 0;
}
