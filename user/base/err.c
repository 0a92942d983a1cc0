/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps the first sentence and the first hint, and prints them.
 *
 * A sentence may quote what came from outside (a command line, a process name, a path): it goes to the
 * terminal as one line of printable text, whatever it holds.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

int err_set(struct err *err, enum exit_code code, int errno_nr, const char *fmt, ...)
{
	va_list args;

	if (err && !err->what[0]) {
		va_start(args, fmt);
		vsnprintf(err->what, sizeof(err->what), fmt, args);
		va_end(args);
		err->code = code;
	}
	return -errno_nr;
}

void err_hint(struct err *err, const char *fmt, ...)
{
	va_list args;

	if (!err || err->hint[0])
		return;
	va_start(args, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, args);
	va_end(args);
}

static void line_print(const char *prefix, const char *line)
{
	char printable[sizeof(((struct err *)NULL)->what) * 8]; /* a byte becomes at most 8: \u{feff} */
	struct text_style style;

	text_style_init(&style, TEXT_NEVER, STDERR_FILENO);
	text_escape(printable, sizeof(printable), line, strlen(line), style.utf8);
	fprintf(stderr, "%s%s\n", prefix, printable);
}

void note_print(const char *fmt, ...)
{
	char line[sizeof(((struct err *)NULL)->what)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	line_print("lgtrace: ", line);
}

int err_print(const struct err *err)
{
	if (!err->what[0])
		return err->code;
	line_print("lgtrace: ", err->what);
	if (err->hint[0])
		line_print("  ", err->hint);
	return err->code == EXIT_CODE_OK ? EXIT_CODE_FAILED : err->code;
}
