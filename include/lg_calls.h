/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls that are given a file by its path: BPF keeps the path of those that block, and user space tells them
 * as access to a file. Each table names them for a macro X, which puts __NR_ before.
 */
#ifndef LG_CALLS_H
#define LG_CALLS_H

/* The path is the first argument. */
#define LG_CALLS_PATH(X) \
	X(truncate) \
	X(statfs) \
	X(chdir) \
	X(getxattr) \
	X(lgetxattr) \
	X(setxattr) \
	X(lsetxattr) \
	X(listxattr) \
	X(removexattr)

/* The path is the second one, behind the descriptor of a folder. */
#define LG_CALLS_PATH_AT(X) \
	X(openat) \
	X(openat2) \
	X(newfstatat) \
	X(statx) \
	X(faccessat) \
	X(faccessat2) \
	X(readlinkat) \
	X(unlinkat) \
	X(renameat) \
	X(renameat2) \
	X(linkat) \
	X(mkdirat) \
	X(fchmodat) \
	X(fchownat) \
	X(utimensat)

/* As LG_CALLS_PATH, on machines that have these: __NR_open is among them, or none is. */
#define LG_CALLS_PATH_OLD(X) \
	X(open) \
	X(creat) \
	X(stat) \
	X(lstat) \
	X(access) \
	X(readlink) \
	X(unlink) \
	X(rename) \
	X(link) \
	X(mkdir) \
	X(rmdir) \
	X(chmod) \
	X(chown) \
	X(lchown) \
	X(utime) \
	X(utimes)

#endif
