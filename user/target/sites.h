/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where to put uprobes into a C library so that each of its system calls is seen with arguments and result at the
 * price of one emulated instruction.
 *
 * A site is always the first byte of an instruction that the kernel emulates (a conditional jump or a call): nothing
 * is single-stepped. A pattern that is not certain gives no site; its function is told as missing. x86-64 only: on
 * arm64 the result of a system call overwrites its first argument, so that no instruction behind it holds both.
 */
#ifndef LG_SITES_H
#define LG_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "target/maps.h"

#define SITES_MAX_MISSING 32 /* more than there are functions in the list */

enum site_kind {
	/*
	 * The conditional jump behind a system call: rax holds its raw result (-errno), rdi rsi rdx r10 r8 r9 still
	 * its arguments.
	 */
	SITE_DONE,
	/*
	 * glibc from 2.41 makes cancellable calls in one common function. This is the call of it: rdi rsi rdx rcx r8
	 * r9 hold the arguments, there is no result yet.
	 */
	SITE_CALL,
	/*
	 * The conditional jump in the common function: rax holds the raw result of the thread's last SITE_CALL. Calls
	 * of other functions come here too, without a SITE_CALL before.
	 */
	SITE_RESULT,
};

struct site {
	enum site_kind kind;
	uint64_t offset;      /* of the instruction in the file */
	int nr;               /* the system call, in x86-64 numbers; -1 for SITE_RESULT */
	const char *function; /* as exported; "" for SITE_RESULT */
};

/* The sites of one file. */
struct site_file {
	struct map_file file;
	struct site *v;
	size_t nr;
	bool has_pairs;                         /* some are SITE_CALL and SITE_RESULT */
	const char *missing[SITES_MAX_MISSING]; /* exported functions without a certain site */
	size_t nr_missing;
};

/* All zero is empty. A file stands in it once, however many processes map it. */
struct sites {
	struct site_file *files;
	size_t nr_files;
};

/*
 * Adds the C library of a process (and its libpthread, which before glibc 2.34 has copies of the functions).
 * -ENOENT when it maps none (a static program), -ENOTSUP when it is of another architecture, each with a sentence.
 * Functions without a site are no error: see nr_missing.
 */
int sites_add(struct sites *sites, int pid, struct err *err);
void sites_fini(struct sites *sites);

/* Fills v, nr, has_pairs and missing from the file at out->file.path. -ENOTSUP: no x86-64 file. */
int site_file_scan(struct site_file *out);

#endif
