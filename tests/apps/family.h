/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads and writes of the test server by any of the system calls that servers use for it: what a tracer
 * sees must not depend on which one it is.
 */
#ifndef FAMILY_H
#define FAMILY_H

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum family { FAMILY_READ, FAMILY_RECV, FAMILY_MSG, FAMILY_VEC };

static inline ssize_t family_read(enum family io, int fd, void *buf, size_t len)
{
	struct iovec vec = {.iov_base = buf, .iov_len = len};
	struct msghdr msg = {.msg_iov = &vec, .msg_iovlen = 1};

	switch (io) {
	case FAMILY_RECV:
		return recv(fd, buf, len, 0);
	case FAMILY_MSG:
		return recvmsg(fd, &msg, 0);
	case FAMILY_VEC:
		return readv(fd, &vec, 1);
	default:
		return read(fd, buf, len);
	}
}

static inline ssize_t family_write(enum family io, int fd, const void *buf, size_t len)
{
	struct iovec vec = {.iov_base = (void *)buf, .iov_len = len};
	struct msghdr msg = {.msg_iov = &vec, .msg_iovlen = 1};

	switch (io) {
	case FAMILY_RECV:
		return send(fd, buf, len, 0);
	case FAMILY_MSG:
		return sendmsg(fd, &msg, 0);
	case FAMILY_VEC:
		return writev(fd, &vec, 1);
	default:
		return write(fd, buf, len);
	}
}

#endif
