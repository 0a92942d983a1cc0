/* SPDX-License-Identifier: BSD-2-Clause */
/* One table of options: parsed, explained, and completed by a real bash. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/opt.h"

struct result {
	bool json;
	bool no_follow;
	unsigned verbose;
	unsigned color;
	const char *output;
	uint64_t limit;
	uint64_t threshold_ns;
	struct opt_list pids;
	struct opt_list patterns;
	char called[32];
};

static int call(const char *value, void *result, struct err *err)
{
	struct result *r = result;

	if (value[0] == 'x')
		return -EINVAL;
	if (value[0] == 'y')
		return err_set(err, EXIT_CODE_NO_TARGET, ESRCH, "own words");
	snprintf(r->called, sizeof(r->called), "%s", value);
	return 0;
}

static const char *const whens[] = {"auto", "always", "never", NULL};

static const struct opt opts[] = {
	{.name = "pid",
	 .key = 'p',
	 .arg = "PID[,PID..]",
	 .group = "Targets",
	 OPT_LIST(struct result, pids),
	 .help = "Trace these processes"},
	{.name = "no-follow", OPT_FLAG(struct result, no_follow), .help = "Leave children alone"},
	{.name = "threshold",
	 .arg = "TIME",
	 .group = "What to tell",
	 OPT_DURATION(struct result, threshold_ns),
	 .preset = "100 ms",
	 .help = "Tell runs longer than this, which is a text long enough to need a second line in the help"},
	{.name = "limit", .key = 'n', .arg = "COUNT", OPT_U64(struct result, limit), .help = "Stop after so many"},
	{.name = "pattern", .arg = "PATTERN", OPT_REPEAT(struct result, patterns), .help = "Fold paths. Repeat it"},
	{.name = "json", .key = 'j', OPT_FLAG(struct result, json), .help = ".It is JSON: 'one' object [a line]"},
	{.name = "verbose", .key = 'v', OPT_COUNT(struct result, verbose), .help = "Tell more"},
	{.name = "color",
	 .arg = "WHEN",
	 .bare = "always",
	 OPT_CHOICE(struct result, color, whens),
	 .help = "Use colour"},
	{.name = "output", .key = 'o', .arg = "FILE", OPT_STRING(struct result, output), .help = "Write there"},
	{.name = "call", .arg = "WORD", OPT_CALL(call), .help = "Backslash \\fB and \"quotes\""},
	{0},
};

static const char *const top_usage[] = {"prog top [OPTION]...", NULL};
static const struct opt top_opts[] = {
	{.name = "once", OPT_FLAG(struct result, json), .help = "Print one screen"},
	{0},
};
static const struct opt_command top = {
	.name = "top", .summary = "live view", .usage = top_usage, .opts = top_opts, .max_args = 99};

static const struct opt_command *const subcommands[] = {&top, NULL};
static const char *const usage[] = {"prog -p PID [OPTION]...", "prog [OPTION]... -- CMD [ARG]...", NULL};
static const char *const description[] = {"First paragraph. It has two sentences.", "Second one", NULL};
static const struct opt_pair examples[] = {{"prog -p 7", "Trace process 7"}, {NULL, NULL}};
static const struct opt_pair codes[] = {{"0", "All is well"}, {"2", "Wrong usage"}, {NULL, NULL}};
static const struct opt_command prog = {
	.name = "prog",
	.summary = "find what blocks",
	.usage = usage,
	.description = description,
	.opts = opts,
	.examples = examples,
	.exit_codes = codes,
	.subcommands = subcommands,
	.date = "June 1, 2026",
	.max_args = 2,
	.takes_command = true,
};

/* What one parse gave. */
struct parsed {
	int ret;
	struct result r;
	struct opt_rest rest;
	struct err err;
};

/* Parses a line of words, cut at spaces; '_' stands for an empty word. The words live until the next call. */
static void parse_line(struct parsed *p, const struct opt_command *cmd, const char *line)
{
	static char words[256];
	static char *argv[32];
	int argc = 1;

	memset(p, 0, sizeof(*p));
	snprintf(words, sizeof(words), "%s", line);
	argv[0] = "prog";
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = strcmp(word, "_") == 0 ? "" : word;
	argv[argc] = NULL;
	p->ret = opt_parse(cmd, argc, argv, &p->r, &p->rest, &p->err);
}

static void parsed_fini(struct parsed *p)
{
	opt_list_fini(&p->r.pids);
	opt_list_fini(&p->r.patterns);
}

static void every_way_to_write_a_value(void **state)
{
	static const char *const lines[] = {
		"--output=f --limit=12 --threshold=1.5s -vv -j",
		"--output f --limit 12 --threshold 1500ms -v --verbose --json",
		"-o f -n 12 --threshold 1500000us -vvj",
		"-jvvof -n12 --threshold=1500ms",
		"-vjvn12 -of --threshold=1500ms",
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		parse_line(&p, &prog, lines[i]);
		assert_int_equal(p.ret, 0);
		assert_string_equal(p.r.output, "f");
		assert_int_equal(p.r.limit, 12);
		assert_int_equal(p.r.threshold_ns, 1500000000);
		assert_int_equal(p.r.verbose, 2);
		assert_true(p.r.json);
		assert_false(p.r.no_follow);
		assert_int_equal(p.rest.nr_args, 0);
		parsed_fini(&p);
	}
}

static void lists(void **state)
{
	struct parsed p;

	(void)state;
	parse_line(&p, &prog, "-p 1,22 --pid=333 --pattern /a,b --pattern=/c -p4");
	assert_int_equal(p.ret, 0);
	assert_int_equal(p.r.pids.count, 4);
	assert_string_equal(p.r.pids.items[0], "1");
	assert_string_equal(p.r.pids.items[1], "22");
	assert_string_equal(p.r.pids.items[2], "333");
	assert_string_equal(p.r.pids.items[3], "4");
	assert_int_equal(p.r.patterns.count, 2);
	assert_string_equal(p.r.patterns.items[0], "/a,b");
	parsed_fini(&p);
	parsed_fini(&p);
}

static void a_value_that_may_be_left_out(void **state)
{
	struct parsed p;

	(void)state;
	parse_line(&p, &prog, "--color never");
	assert_int_equal(p.ret, 0);
	assert_int_equal(p.r.color, 1);
	assert_int_equal(p.rest.nr_args, 1);
	parse_line(&p, &prog, "--color=never");
	assert_int_equal(p.r.color, 2);
}

static void arguments_and_commands(void **state)
{
	struct parsed p;

	(void)state;
	parse_line(&p, &prog, "1 -j 5 -- python3 -m http -j");
	assert_int_equal(p.ret, 0);
	assert_int_equal(p.rest.nr_args, 2);
	assert_string_equal(p.rest.args[0], "1");
	assert_string_equal(p.rest.args[1], "5");
	assert_string_equal(p.rest.command[0], "python3");
	assert_string_equal(p.rest.command[3], "-j");
	assert_null(p.rest.command[4]);
	parse_line(&p, &top, "-- --once -");
	assert_int_equal(p.ret, 0);
	assert_false(p.r.json);
	assert_int_equal(p.rest.nr_args, 2);
	assert_string_equal(p.rest.args[0], "--once");
	assert_string_equal(p.rest.args[1], "-");
	assert_null(p.rest.command);
	parse_line(&p, &top, "1 2 3 4 5 6 7 8");
	assert_int_equal(p.ret, 0);
	parse_line(&p, &top, "1 2 3 4 5 6 7 8 9"); /* no more fit, whatever max_args says */
	assert_int_equal(p.ret, -EINVAL);
}

static void help_stops_at_once(void **state)
{
	struct parsed p;

	(void)state;
	parse_line(&p, &prog, "-j --help --nonsense");
	assert_int_equal(p.ret, 1);
	parse_line(&p, &prog, "-jh");
	assert_int_equal(p.ret, 1);
	parse_line(&p, &prog, "-- x --help");
	assert_int_equal(p.ret, 0);
}

static void wrong_lines_get_one_sentence(void **state)
{
	static const struct {
		const char *line, *what, *hint;
	} cases[] = {
		{"--thresold=1s", "unknown option --thresold", "did you mean --threshold?"},
		{"--thres", "unknown option --thres", "did you mean --threshold?"},
		{"--hlep", "unknown option --hlep", "did you mean --help?"},
		{"--follow", "unknown option --follow", "did you mean --no-follow?"},
		{"--zzzzzzzzzzz", "unknown option --zzzzzzzzzzz", "--help lists the options"},
		{"-jx", "unknown option -x", "--help lists the options"},
		{"--json=1", "--json takes no value", ""},
		{"-j --output", "--output needs a value: FILE", ""},
		{"-n", "--limit needs a value: COUNT", ""},
		{"-n -3", "--limit: '-3' is not a whole number", ""},
		{"-n 3x", "--limit: '3x' is not a whole number", ""},
		{"-n _", "--limit: '' is not a whole number", ""},
		{"-n 18446744073709551616", "--limit: '18446744073709551616' is not a whole number", ""},
		{"--threshold 5", "--threshold: '5' is not a length of time",
		 "write a number and its unit: 250us, 100ms, 1.5s, 2m"},
		{"--color=red", "--color: 'red' is none of auto, always, never", ""},
		{"-p 1,,2", "--pid: '1,,2' has an empty part", ""},
		{"-p 1,", "--pid: '1,' has an empty part", ""},
		{"-p _", "--pid: '' is empty", ""},
		{"--call xa", "--call: 'xa' is not valid", ""},
		{"1 2 tip", "unexpected argument 'tip'", "did you mean 'prog top'?"},
		{"1 2 /bin/sh", "unexpected argument '/bin/sh'", "a command to run stands behind --"},
		{"--", "no command stands behind --", ""},
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		parse_line(&p, &prog, cases[i].line);
		assert_int_equal(p.ret, -EINVAL);
		assert_string_equal(p.err.what, cases[i].what);
		assert_string_equal(p.err.hint, cases[i].hint);
		assert_int_equal(p.err.code, EXIT_CODE_USAGE);
		parsed_fini(&p);
	}
}

static void a_call_may_say_it_itself(void **state)
{
	struct parsed p;

	(void)state;
	parse_line(&p, &prog, "--call=word");
	assert_int_equal(p.ret, 0);
	assert_string_equal(p.r.called, "word");
	parse_line(&p, &prog, "--call y");
	assert_string_equal(p.err.what, "own words");
	assert_int_equal(p.err.code, EXIT_CODE_NO_TARGET);
}

static void no_words_no_change(void **state)
{
	struct parsed p, before;

	(void)state;
	memset(&before, 0, sizeof(before));
	parse_line(&p, &prog, "");
	assert_memory_equal(&p, &before, sizeof(p));
}

/* What a printer writes, to be freed. */
static char *printed(void (*print)(const struct opt_command *, FILE *))
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	print(&prog, out);
	fclose(out);
	return text;
}

static void help_tells_every_row_in_80_columns(void **state)
{
	char *text = printed(opt_help);

	(void)state;
	assert_non_null(strstr(text, "Usage: prog -p PID [OPTION]...\n       prog [OPTION]... -- CMD"));
	assert_non_null(strstr(text, "\nTargets:\n  -p, --pid PID[,PID..]  Trace these processes\n"));
	assert_non_null(strstr(text, "\n      --no-follow        Leave children alone\n"));
	assert_non_null(strstr(text, "\n      --color[=WHEN]     Use colour (auto, always or never)\n"));
	assert_non_null(strstr(text, "(default: 100 ms)\n"));
	assert_non_null(strstr(text, "\n  -h, --help             Print this help\n"));
	assert_non_null(strstr(text, "\n  top  live view\n"));
	assert_non_null(strstr(text, "\n  prog -p 7  Trace process 7\n"));
	assert_non_null(strstr(text, "\n  2  Wrong usage\n"));
	for (const struct opt *o = opts; o->name; o++)
		assert_non_null(strstr(text, o->name));
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	free(text);
}

static void man_escapes_what_roff_would_take(void **state)
{
	char *text = printed(opt_man);

	(void)state;
	assert_non_null(strstr(text, "\n.Dt PROG 8\n"));
	assert_non_null(strstr(text, "\n.It Fl j , Fl \\-json\n\\&.It is JSON"));
	assert_non_null(strstr(text, "Backslash \\efB and \"quotes\".\n"));
	assert_non_null(strstr(text, "Fold paths.\nRepeat it.\n"));
	assert_non_null(strstr(text, "\n.Ss \"\\&prog\" \"\\&top\"\n"));
	assert_non_null(strstr(text, "Fl \\-once\n"));
	assert_non_null(strstr(text, "\n.Sh EXIT STATUS\n"));
	free(text);
}

static void a_command_has_a_page_of_its_own(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	opt_man_command(&prog, prog.subcommands[0], out);
	fclose(out);
	assert_non_null(strstr(text, "\n.Dt PROG-TOP 8\n"));
	assert_non_null(strstr(text, "\n.Nm prog-top\n.Nd live view\n"));
	assert_non_null(strstr(text, "Fl \\-once\n"));
	assert_non_null(strstr(text, "\n.Sh EXIT STATUS\n"));
	assert_non_null(strstr(text, "\n.Xr prog 8\n"));
	assert_null(strstr(text, ".Sh COMMANDS"));
	free(text);
}

/* What bash offers behind the words of a command line. */
static void bash_offers(char *offers, size_t size, const char *words)
{
	char path[] = "/tmp/test_opt.XXXXXX", command[512];
	int fd = mkstemp(path);
	FILE *out = fdopen(fd, "w"), *pipe;

	assert_non_null(out);
	assert_int_equal(opt_complete(&prog, "bash", out), 0);
	fclose(out);
	snprintf(command, sizeof(command),
		 "bash -c 'set -eu; source %s; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _prog; "
		 "echo \"${COMPREPLY[*]}\"'",
		 path, words);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	if (!fgets(offers, (int)size, pipe))
		offers[0] = '\0';
	assert_int_equal(pclose(pipe), 0);
	unlink(path);
}

static void bash_completes(void **state)
{
	char offers[4096];

	(void)state;
	bash_offers(offers, sizeof(offers), "prog --no");
	assert_string_equal(offers, "--no-follow\n");
	bash_offers(offers, sizeof(offers), "prog t");
	assert_string_equal(offers, "top\n");
	bash_offers(offers, sizeof(offers), "prog top --o");
	assert_string_equal(offers, "--once\n");
	bash_offers(offers, sizeof(offers), "prog -o /bin/fals");
	assert_string_equal(offers, "/bin/false\n");
	bash_offers(offers, sizeof(offers), "prog -j -p 1");
	assert_memory_equal(offers, "1", 1);
}

static void unknown_shell(void **state)
{
	(void)state;
	assert_int_equal(opt_complete(&prog, "cmd.exe", stdout), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_write_a_value),
		cmocka_unit_test(lists),
		cmocka_unit_test(a_value_that_may_be_left_out),
		cmocka_unit_test(arguments_and_commands),
		cmocka_unit_test(help_stops_at_once),
		cmocka_unit_test(wrong_lines_get_one_sentence),
		cmocka_unit_test(a_call_may_say_it_itself),
		cmocka_unit_test(no_words_no_change),
		cmocka_unit_test(help_tells_every_row_in_80_columns),
		cmocka_unit_test(man_escapes_what_roff_would_take),
		cmocka_unit_test(a_command_has_a_page_of_its_own),
		cmocka_unit_test(bash_completes),
		cmocka_unit_test(unknown_shell),
	};

	return cmocka_run_group_tests_name("opt", tests, NULL, NULL);
}
