/* SPDX-License-Identifier: BSD-2-Clause */
/* This host and its kernel: who it is, and whether it describes its types (BTF), without which nothing can be read. */
#ifndef LG_TARGET_KERNEL_H
#define LG_TARGET_KERNEL_H

#include "base/err.h"

struct kernel {
	char release[65]; /* as uname -r */
	char host[65];    /* as uname -n */
	unsigned version; /* major << 16 | minor << 8 | patch, as KERNEL_VERSION(); patch at most 255 */
};

/*
 * 5.17 has all that the programs are made of: state of tasks in BPF (5.11), cookies of uprobes and the registers of a
 * task (5.15), loops (5.17). Kernels of distributions may have it under an older number, so this only explains a
 * failure.
 */
#define KERNEL_OLDEST 0x051100

int kernel_read(struct kernel *kernel);

/* The number in a release string: "6.1.0-18-amd64" is 0x060100; 0 for nonsense. */
unsigned kernel_version(const char *release);

/* Whether the kernel has BTF at `path` (NULL: the usual place); else says so with what to do, and -ENOTSUP. */
int kernel_check_btf(const char *path, struct err *err);

/*
 * Whether process ids are the kernel's own here, as all that is traced is told by them: not in a container with a PID
 * namespace of its own. Says so with what to do, and -EPERM. `path`: the namespace, NULL: that of this process.
 */
int kernel_check_pids(const char *path, struct err *err);

#endif
