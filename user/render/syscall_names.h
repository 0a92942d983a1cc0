/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of system calls, in the numbers of the machine lgtrace is built for. The list is made at build time from the
 * kernel's own header as the compiler sees it (see the Makefile), so it is never typed by hand.
 */
#ifndef LG_SYSCALL_NAMES_H
#define LG_SYSCALL_NAMES_H

/* "connect"; NULL for a number that the header does not know. */
const char *syscall_name(int nr);

#endif
