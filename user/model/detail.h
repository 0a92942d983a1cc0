/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a stall was about, closer than its cause: from the call that blocked longest, what that waited for, and the
 * functions on the stack. A cause is one of a few and always known; a detail is told where it is.
 */
#ifndef LG_DETAIL_H
#define LG_DETAIL_H

#include <stddef.h>

#include "lg_record.h"

/* X(SYMBOL, "word", names_itself, "what its name is"): names_itself: the word says more than the cause's. */
#define MODEL_DETAILS(X) \
	X(NONE, "none", 0, "") \
	MODEL_DETAILS_NAMED(X)
#define MODEL_DETAILS_NAMED(X) \
	X(IMPORT, "import", 1, "the module that was loaded") \
	X(SLEEP, "sleep", 1, "") \
	X(DNS, "dns", 1, "the function that looked a name up") \
	X(TLS, "tls", 1, "what of TLS it was: handshake") \
	X(COMMAND, "command", 1, "the program that was waited for") \
	X(SYNC, "sync", 0, "") \
	X(FILE, "file", 0, "") \
	X(PEER, "peer", 0, "") \
	X(PIPE, "pipe", 0, "") \
	X(FUTEX, "futex", 0, "address of the lock in the process")

enum model_detail_kind {
#define X(sym, word, names_itself, name) MODEL_DETAIL_##sym,
	MODEL_DETAILS(X)
#undef X
		MODEL_NR_DETAILS
};

#define MODEL_DETAIL_LEN 64 /* bytes of a name, NUL included; longer ones are cut */

struct model_detail {
	enum model_detail_kind kind;
	char name[MODEL_DETAIL_LEN]; /* raw, untrusted bytes; empty: not known, or it has none */
};

struct model_frame;

/* What a detail is made of. */
struct detail_facts {
	enum lg_cause cause;
	const struct lg_block *block; /* the longest; NULL: none worth telling, or not known */
	const char *block_path;       /* full path of its file; NULL: unknown */
	const struct model_frame *frames;
	size_t nr_frames;
	const char *command; /* the program that a child began to run meanwhile; empty: none did */
};

/* Keeps nothing of the facts. */
void detail_find(struct model_detail *out, const struct detail_facts *facts);

#endif
