/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes of a control group and of the groups below it. */
#ifndef LG_TARGET_CGROUP_H
#define LG_TARGET_CGROUP_H

#include <stddef.h>

#include "base/err.h"

/*
 * `path` is a directory, or a path below one of the usual mounts: "system.slice/shop.service". *out is freed with
 * free(). An error with a sentence when there is no such group.
 */
int cgroup_processes(const char *path, int **out, size_t *nr, struct err *err);

#endif
