/* SPDX-License-Identifier: BSD-2-Clause */
/* One system call a read: nothing is attached. */
#include "target/memory.h"

#include <errno.h>
#include <sys/uio.h>

int memory_read(void *pid, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = {.iov_base = buf, .iov_len = len};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)addr, .iov_len = len};
	ssize_t n = process_vm_readv(*(const int *)pid, &local, 1, &remote, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EFAULT;
}
