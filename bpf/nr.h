/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the system calls mean to a loop: one table, indexed by number. Calls that are not in it only
 * matter when they block.
 */
#ifndef LG_NR_H
#define LG_NR_H

#if defined(__TARGET_ARCH_x86)
#include <asm/unistd_64.h>
#else
/* Says 32 where BPF is compiled for arm64 on another machine; 32-bit numbers would be the old ones. */
#include <asm/bitsperlong.h>
#undef __BITS_PER_LONG
#define __BITS_PER_LONG 64
#define __ARCH_WANT_NEW_STAT
#define __ARCH_WANT_RENAMEAT
#include <asm-generic/unistd.h>
#endif

#include <linux/types.h>

#include "lg_calls.h"

#define NR_CALLS 512 /* a power of two above every number in use */

enum call_role {
	CALL_OTHER = 0,
	CALL_WAIT_SET,  /* waits on a set made before: epoll, io_uring; argument 0 is its fd */
	CALL_WAIT_LIST, /* waits on a list given with the call: poll, select */
	CALL_READ,      /* read, recvfrom: argument 1 is the buffer */
	CALL_READ_VEC,  /* readv: argument 1 is the vector */
	CALL_READ_MSG,  /* recvmsg: argument 1 is the message */
	CALL_WRITE,
	CALL_WRITE_VEC,
	CALL_WRITE_MSG,
	CALL_SENDFILE,
	CALL_ACCEPT,
	CALL_CONNECT,
	CALL_CLOSE,
	CALL_LOCK,    /* futex */
	CALL_FD,      /* blocks on the descriptor in argument 0 */
	CALL_PATH,    /* argument 0 is the path of a file */
	CALL_PATH_AT, /* argument 1 is */
};

#define PATH(name)    [__NR_##name] = CALL_PATH,
#define PATH_AT(name) [__NR_##name] = CALL_PATH_AT,

static const __u8 call_roles[NR_CALLS] = {
#ifdef __NR_epoll_wait
	[__NR_epoll_wait] = CALL_WAIT_SET,
	[__NR_poll] = CALL_WAIT_LIST,
	[__NR_select] = CALL_WAIT_LIST,
#endif
	[__NR_epoll_pwait] = CALL_WAIT_SET,
	[__NR_epoll_pwait2] = CALL_WAIT_SET,
	[__NR_io_uring_enter] = CALL_WAIT_SET,
	[__NR_ppoll] = CALL_WAIT_LIST,
	[__NR_pselect6] = CALL_WAIT_LIST,
	[__NR_read] = CALL_READ,
	[__NR_recvfrom] = CALL_READ,
	[__NR_readv] = CALL_READ_VEC,
	[__NR_recvmsg] = CALL_READ_MSG,
	[__NR_write] = CALL_WRITE,
	[__NR_sendto] = CALL_WRITE,
	[__NR_writev] = CALL_WRITE_VEC,
	[__NR_sendmsg] = CALL_WRITE_MSG,
	[__NR_sendfile] = CALL_SENDFILE,
	[__NR_accept] = CALL_ACCEPT,
	[__NR_accept4] = CALL_ACCEPT,
	[__NR_connect] = CALL_CONNECT,
	[__NR_close] = CALL_CLOSE,
	[__NR_futex] = CALL_LOCK,
	[__NR_fsync] = CALL_FD,
	[__NR_fdatasync] = CALL_FD,
	[__NR_syncfs] = CALL_FD,
	[__NR_flock] = CALL_FD,
	[__NR_fcntl] = CALL_FD,
	[__NR_ioctl] = CALL_FD,
	[__NR_pread64] = CALL_FD,
	[__NR_pwrite64] = CALL_FD,
	[__NR_preadv] = CALL_FD,
	[__NR_pwritev] = CALL_FD,
	[__NR_preadv2] = CALL_FD,
	[__NR_pwritev2] = CALL_FD,
	[__NR_copy_file_range] = CALL_FD,
	[__NR_splice] = CALL_FD,
	[__NR_getdents64] = CALL_FD,
	[__NR_ftruncate] = CALL_FD,
	[__NR_fallocate] = CALL_FD,
	[__NR_sync_file_range] = CALL_FD,
	[__NR_recvmmsg] = CALL_FD,
	[__NR_sendmmsg] = CALL_FD,
	[__NR_shutdown] = CALL_FD,
	LG_CALLS_PATH(PATH) LG_CALLS_PATH_AT(PATH_AT)
#ifdef __NR_open
		LG_CALLS_PATH_OLD(PATH)
#endif
};

static __always_inline __u8 call_role(long nr)
{
	return nr < 0 || nr >= NR_CALLS ? CALL_OTHER : call_roles[nr & (NR_CALLS - 1)];
}

#endif
