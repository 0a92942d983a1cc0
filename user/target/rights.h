/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this process may do: its effective capabilities, as the kernel states them, not whether it is root (root in a
 * container may lack them, a service user may have them).
 */
#ifndef LG_RIGHTS_H
#define LG_RIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct rights {
	bool bpf;       /* CAP_BPF or CAP_SYS_ADMIN: load programs */
	bool perfmon;   /* CAP_PERFMON or CAP_SYS_ADMIN: attach them to tracepoints, sample */
	bool ptrace;    /* CAP_SYS_PTRACE: see the executable, maps and files of other users' processes */
	bool sys_admin; /* CAP_SYS_ADMIN: uprobes through perf, files that were deleted */
};

/* Of this process. */
int rights_read(struct rights *rights);

/* From the CapEff bit set. */
void rights_init(struct rights *rights, uint64_t effective);

/* Whether everything that tracing needs is there; else one sentence that names what is missing, and -EPERM. */
int rights_check(const struct rights *rights, struct err *err);

#endif
