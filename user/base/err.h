/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One failure, told once: the first function that knows what went wrong writes a sentence for a person
 * and a hint; callers pass the code on; only main prints.
 */
#ifndef LG_ERR_H
#define LG_ERR_H

/* Exit codes of every command: scripts rely on them. */
enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_FAILED = 1,
	EXIT_CODE_USAGE = 2,
	EXIT_CODE_GATE = 3, /* a --fail-if gate tripped */
	EXIT_CODE_NOT_PERMITTED = 4,
	EXIT_CODE_KERNEL = 5,    /* the kernel cannot */
	EXIT_CODE_NO_TARGET = 6, /* no such target, or no loop in it */
};

struct err {
	char what[512];      /* one sentence, without a full stop; empty: no error told yet */
	char hint[512];      /* what to do about it; may be empty */
	enum exit_code code; /* what main exits with; EXIT_CODE_OK counts as EXIT_CODE_FAILED once `what` is set */
};

/*
 * Writes the sentence unless one stands already (the first to know wins), sets the exit code, and
 * returns -errno_nr, so that a caller can `return err_set(err, EXIT_CODE_FAILED, ENOENT, "...")`.
 * `err` may be NULL.
 */
int err_set(struct err *err, enum exit_code code, int errno_nr, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Writes the hint unless one stands already. */
void err_hint(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints "lgtrace: what" and the hint to standard error; returns the exit code. */
int err_print(const struct err *err);

/* Prints "lgtrace: " and a sentence to standard error: a note that ends nothing. */
void note_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
