/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One way to drive every view: a command opens a render, feeds it what the model says, and does not know
 * whether people or programs read it.
 *
 * A render writes onto a FILE of the caller and owns nothing. Strings inside the structs it is given are raw,
 * untrusted bytes: views escape, nobody else does. A failed write is kept and ends the output: every
 * later call does nothing and render_flush() tells the error.
 */
#ifndef LG_RENDER_H
#define LG_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"
#include "model/model.h"

struct render;

/* Something that this kernel or these rights allow or not, as it is told to users. */
struct render_feature {
	const char *name; /* stable word, as in `doctor` */
	const char *word; /* its state: "yes", "no", "libc", ... */
};

struct render_target {
	uint32_t pid;
	const char *comm;    /* untrusted */
	const char *exe;     /* untrusted path; NULL unknown */
	const char *runtime; /* as target_format_runtime() makes it; NULL unknown */
};

/* What is traced, and by what. Read during the call only. */
struct render_header {
	const char *version; /* of lgtrace */
	const char *kernel;  /* release; NULL unknown */
	const char *host;    /* NULL unknown */
	uint64_t threshold_ns;
	bool is_auto;         /* each loop has a threshold of its own */
	uint64_t recorded_ns; /* CLOCK_MONOTONIC at the start of a recording; 0: this happens now */
	const struct render_feature *features;
	size_t nr_features;
	const struct render_target *targets;
	size_t nr_targets;
};

/* A view. Called through the functions below only, which watch for write errors. NULL members are skipped. */
struct render_ops {
	void (*begin)(struct render *r, const struct render_header *header);
	void (*record)(struct render *r, const struct lg_head *rec); /* before the model gets it */
	void (*stall)(struct render *r, const struct model_stall *stall);
	void (*stuck)(struct render *r, const struct model_stuck *stuck);
	void (*request)(struct render *r, const struct model_done *done);
	void (*cumulative)(struct render *r, const struct model_cumulative *sum);
	void (*budget)(struct render *r, const struct model_budget *budget);
	void (*summary)(struct render *r, const struct model_summary *summary);
	void (*end)(struct render *r); /* frees `state`; also when nothing else was called, or the output failed */
};

extern const struct render_ops render_text; /* for people: line.h, summary.h */
extern const struct render_ops render_json; /* one object a line: json.h */

#define RENDER_MAX_HINTS 64 /* told below lines; further ones stand in the summary alone */

/* Set the first seven by name, leave the rest 0; then begin. */
struct render {
	const struct render_ops *ops;
	FILE *out;
	struct text_style style;    /* of `out`; JSON ignores it */
	bool no_hints;              /* text without advice */
	int64_t realtime_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
	bool no_lines;              /* the summary alone: text needs no heading over lines */
	bool many_loops;            /* name the loop in every line; sets itself when a second one shows */

	uint64_t threshold_ns;                 /* of the header; kept by render_begin(), */
	bool is_auto;                          /* and this too */
	uint64_t hints_told[RENDER_MAX_HINTS]; /* hashes of the sentences that lines had so far */
	unsigned nr_hints_told;
	uint32_t first_tid; /* loop of the first line, 0 before it */
	int error;          /* first failed write, -errno */
	void *state;        /* the view's own */
};

void render_begin(struct render *r, const struct render_header *header);
void render_record(struct render *r, const struct lg_head *rec);
void render_stall(struct render *r, const struct model_stall *stall);
void render_stuck(struct render *r, const struct model_stuck *stuck);
void render_request(struct render *r, const struct model_done *done);
void render_cumulative(struct render *r, const struct model_cumulative *sum);
void render_budget(struct render *r, const struct model_budget *budget);
void render_summary(struct render *r, const struct model_summary *summary);

/* Hands everything to the kernel. 0, or -errno of the first write that failed (-EPIPE, -ENOSPC, ...). */
int render_flush(struct render *r);

#endif
