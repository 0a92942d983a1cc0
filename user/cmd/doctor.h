/* SPDX-License-Identifier: BSD-2-Clause */
/* The checks of `doctor`: of the host and of one process. They change nothing and need no rights to run. */
#ifndef LG_DOCTOR_H
#define LG_DOCTOR_H

#include "render/findings.h"

void doctor_check_host(struct findings *f);
void doctor_check_target(struct findings *f, int pid);

/* Fills the row's sentences. `consequence` and `fix` may be "". */
void doctor_say(struct finding *row, enum finding_status status, const char *consequence, const char *fix,
		const char *found, ...) __attribute__((format(printf, 5, 6)));

#endif
