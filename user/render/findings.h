/* SPDX-License-Identifier: BSD-2-Clause */
/* What `doctor` found: a row a check, for people or as one JSON object a line. */
#ifndef LG_RENDER_FINDINGS_H
#define LG_RENDER_FINDINGS_H

#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "base/text.h"

enum finding_status {
	FINDING_OK,
	FINDING_LIMITED, /* tracing works, but not all of it */
	FINDING_MISSING, /* tracing does not work */
	FINDING_UNKNOWN, /* it could not be looked at */
};

#define FINDING_LEN 512 /* bytes of a sentence, NUL included; longer ones are cut */

struct finding {
	const char *name; /* stable word */
	enum finding_status status;
	char found[FINDING_LEN];       /* may hold a target's bytes: escaped when it is printed */
	char consequence[FINDING_LEN]; /* empty when all is well */
	char fix[FINDING_LEN];         /* empty: nothing needs to be done, or nothing can */
	enum exit_code code;           /* MISSING: what a trace would exit with */
};

#define FINDINGS_MAX 16

/* Of the host, or of one process. */
struct findings {
	int pid; /* 0: the host */
	struct finding v[FINDINGS_MAX];
	size_t nr;
};

/* A new row, OK so far; never NULL: the checks are fewer than FINDINGS_MAX. */
struct finding *findings_add(struct findings *f, const char *name);

void findings_print(FILE *out, const struct text_style *style, const struct findings *f);
void findings_print_json(FILE *out, const struct findings *f);

/* The first code of a MISSING row, EXIT_CODE_OK without one. */
enum exit_code findings_code(const struct findings *f);

#endif
