/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities from /proc/self/status: see rights.h. */
#include "target/rights.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/proc.h"

/* Numbers that older headers than the kernel's lack. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF     39
#endif

void rights_init(struct rights *rights, uint64_t effective)
{
	rights->sys_admin = effective >> CAP_SYS_ADMIN & 1;
	rights->bpf = rights->sys_admin || effective >> CAP_BPF & 1;
	rights->perfmon = rights->sys_admin || effective >> CAP_PERFMON & 1;
	rights->ptrace = effective >> CAP_SYS_PTRACE & 1;
}

int rights_read(struct rights *rights)
{
	const char *line;
	uint64_t mask;
	char *text;
	int ret;

	memset(rights, 0, sizeof(*rights));
	ret = proc_read(0, "self/status", 64 << 10, &text, NULL);
	if (ret)
		return ret;
	line = strstr(text, "\nCapEff:");
	if (line && sscanf(line, "\nCapEff: %" SCNx64, &mask) == 1)
		rights_init(rights, mask);
	else
		ret = -EINVAL;
	free(text);
	return ret;
}

int rights_check(const struct rights *rights, struct err *err)
{
	char missing[128] = "";

	if (!rights->bpf)
		strcat(missing, " CAP_BPF");
	if (!rights->perfmon)
		strcat(missing, " CAP_PERFMON");
	if (!rights->ptrace)
		strcat(missing, " CAP_SYS_PTRACE");
	if (!missing[0])
		return 0;
	err_set(err, EXIT_CODE_NOT_PERMITTED, EPERM, "not permitted: missing%s", missing);
	err_hint(err, "run it with sudo; in a container add these capabilities and the host's PID namespace");
	return -EPERM;
}
