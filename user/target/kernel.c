/* SPDX-License-Identifier: BSD-2-Clause */
/* uname(2), the kernel's BTF file and the namespace of process ids: see kernel.h. */
#include "target/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FIRST_PID_NAMESPACE 0xeffffffc /* its inode: PROC_PID_INIT_INO of the kernel, the same on every one */

unsigned kernel_version(const char *release)
{
	unsigned major = 0, minor = 0, patch = 0;

	if (sscanf(release, "%3u.%3u.%5u", &major, &minor, &patch) < 2 || major > 255 || minor > 255)
		return 0;
	return major << 16 | minor << 8 | (patch > 255 ? 255 : patch);
}

int kernel_read(struct kernel *kernel)
{
	struct utsname name;

	memset(kernel, 0, sizeof(*kernel));
	if (uname(&name))
		return -errno;
	snprintf(kernel->release, sizeof(kernel->release), "%.64s", name.release);
	snprintf(kernel->host, sizeof(kernel->host), "%.64s", name.nodename);
	kernel->version = kernel_version(kernel->release);
	return 0;
}

int kernel_check_btf(const char *path, struct err *err)
{
	if (!path)
		path = "/sys/kernel/btf/vmlinux";
	if (!access(path, R_OK))
		return 0;
	err_set(err, EXIT_CODE_KERNEL, ENOTSUP, "this kernel does not describe its types: %s cannot be read", path);
	err_hint(err, "it needs a kernel from 5.17 on, built with CONFIG_DEBUG_INFO_BTF=y; in a container mount /sys");
	return -ENOTSUP;
}

int kernel_check_pids(const char *path, struct err *err)
{
	struct stat st;

	/* Without /proc there is nothing to trace either: others will say so. */
	if (stat(path ? path : "/proc/self/ns/pid", &st) || st.st_ino == FIRST_PID_NAMESPACE)
		return 0;
	err_set(err, EXIT_CODE_NOT_PERMITTED, EPERM,
		"not permitted: this is a PID namespace of its own, where process ids are not the kernel's");
	err_hint(err, "start the container with the host's (docker run --pid=host, hostPID: true in Kubernetes)");
	return -EPERM;
}
