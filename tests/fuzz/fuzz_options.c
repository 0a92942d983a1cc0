/* SPDX-License-Identifier: BSD-2-Clause */
/* A command line, one word a line; each word is also tried as a length of time and as a pattern of routes. */
#include "base/units.h"
#include "cmd/trace.h"
#include "fuzz.h"
#include "model/route.h"

#define MAX_WORDS 64

static void word_check(const char *word)
{
	const char *const patterns[] = {word, NULL};
	char text[UNITS_LEN], route[MODEL_PATH_LEN];
	uint64_t ns;

	if (!units_parse_duration(word, &ns)) {
		units_format_duration(text, sizeof(text), ns);
		FUZZ_CHECK(strlen(text) + 1 < sizeof(text));
		units_format_duration_table(text, sizeof(text), ns);
		FUZZ_CHECK(strlen(text) + 1 < sizeof(text));
	}
	route_name(patterns, "/users/42/items/9f86d081", route);
	FUZZ_CHECK(memchr(route, 0, sizeof(route)));
}

static void command_check(int argc, char **argv)
{
	struct trace_opts opts = {.threshold_ns = 1};
	struct opt_rest rest;
	struct err err = {};
	int parsed = opt_parse(&trace_command, argc, argv, &opts, &rest, &err);

	FUZZ_CHECK(parsed >= 0 || (err.what[0] && err.code == EXIT_CODE_USAGE));
	if (!parsed && trace_opts_check(&opts, &rest, &err))
		FUZZ_CHECK(err.what[0] && err.code == EXIT_CODE_USAGE);
	opt_list_fini(&opts.pids);
	opt_list_fini(&opts.tids);
	opt_list_fini(&opts.route_patterns);
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
	command_check(argc, words);
	while (argc)
		free(words[--argc]);
	return 0;
}
