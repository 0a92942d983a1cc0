/* SPDX-License-Identifier: BSD-2-Clause */
/* `lgtrace doctor`: what this kernel, these rights and this process allow, and what to do about the rest. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/doctor.h"
#include "cmd/rows.h"

struct doctor_opts {
	struct opt_list pids;
	unsigned colour; /* enum text_when */
	bool json;
};

static const struct opt doctor_rows[] = {
	{"pid", 'p', "PID", NULL, "Look at this process too; may be given several times or as a list",
	 OPT_LIST(struct doctor_opts, pids)},
	{"json", 'j', NULL, NULL, "Print JSON, one object a check", OPT_FLAG(struct doctor_opts, json)},
	{"color", 0, "WHEN", NULL, "Colour the output; NO_COLOR is respected", .preset = "auto",
	 OPT_CHOICE(struct doctor_opts, colour, rows_colour_words)},
	{0},
};

static const char *const usage[] = {"lgtrace doctor [-p PID[,PID...]] [OPTION]...", NULL};

static const char *const description[] = {
	"Checks what tracing needs, a row each: what was found and, where something is limited or missing, what "
	"follows from it and what to do. Nothing is traced and nothing is changed. It runs without root too, and then "
	"says what root would add.",
	"The exit status is that of a trace: 0 when it would work, else 4, 5 or 6.",
	NULL,
};

static const struct opt_pair examples[] = {
	{"lgtrace doctor", "can this host be traced by me?"},
	{"lgtrace doctor -p 4711", "what will be known of this server?"},
	{0},
};

const struct opt_command doctor_command = {
	.name = "doctor",
	.summary = "tell what this kernel, these rights and this target allow",
	.usage = usage,
	.description = description,
	.opts = doctor_rows,
	.examples = examples,
};

void doctor_say(struct finding *row, enum finding_status status, const char *consequence, const char *fix,
		const char *found, ...)
{
	va_list args;

	row->status = status;
	snprintf(row->consequence, sizeof(row->consequence), "%s", consequence);
	snprintf(row->fix, sizeof(row->fix), "%s", fix);
	va_start(args, found);
	vsnprintf(row->found, sizeof(row->found), found, args);
	va_end(args);
}

static void show(const struct doctor_opts *o, const struct text_style *style, const struct findings *f)
{
	if (o->json) {
		findings_print_json(stdout, f);
		return;
	}
	if (f->pid)
		fputc('\n', stdout);
	findings_print(stdout, style, f);
}

static void verdict_print(enum exit_code code, bool has_target)
{
	if (code == EXIT_CODE_OK)
		printf("\nlgtrace can trace %s.\n", has_target ? "it" : "on this host");
	else
		printf("\nlgtrace cannot trace %s: see what is missing above.\n", has_target ? "it" : "here");
}

static int pid_parse(const char *word, int *pid, struct err *err)
{
	char *end;
	long n = strtol(word, &end, 10);

	if (*word >= '0' && *word <= '9' && !*end && n > 0 && n < 1 << 30) {
		*pid = (int)n;
		return 0;
	}
	return err_set(err, EXIT_CODE_USAGE, EINVAL, "\"%s\" is no process id", word);
}

static int doctor_run(const struct doctor_opts *o, struct err *err)
{
	struct findings found = {};
	struct text_style style;
	enum exit_code code;
	int pid;

	for (size_t i = 0; i < o->pids.count; i++)
		if (pid_parse(o->pids.items[i], &pid, err))
			return EXIT_CODE_USAGE;
	text_style_init(&style, o->colour, STDOUT_FILENO);
	doctor_check_host(&found);
	show(o, &style, &found);
	code = findings_code(&found);
	for (size_t i = 0; i < o->pids.count; i++) {
		pid_parse(o->pids.items[i], &pid, err);
		found = (struct findings){};
		doctor_check_target(&found, pid);
		show(o, &style, &found);
		code = code ? code : findings_code(&found);
	}
	if (!o->json)
		verdict_print(code, o->pids.count);
	return code;
}

int doctor_main(int argc, char **argv, struct err *err)
{
	struct doctor_opts opts = {};
	struct opt_rest rest;
	int code = EXIT_CODE_OK;
	int parsed = opt_parse(&doctor_command, argc, argv, &opts, &rest, err);

	if (parsed > 0)
		opt_help(&doctor_command, stdout);
	else if (parsed < 0)
		code = EXIT_CODE_USAGE;
	else
		code = doctor_run(&opts, err);
	opt_list_fini(&opts.pids);
	return code;
}
