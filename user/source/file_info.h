/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a recording says of itself, as JSON in its head: where and how it was made, and which records it holds.
 *
 * Keys are only ever added; a reader does without those that it does not find.
 */
#ifndef LG_FILE_INFO_H
#define LG_FILE_INFO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILE_INFO_FEATURES 16
#define FILE_INFO_PATTERNS 64
#define FILE_INFO_KINDS    256 /* numbers of kinds for which a length is told */

struct file_feature {
	const char *name;
	const char *word;
};

/* Strings are never NULL once read; they belong to `root`, or to who fills it for the writer. */
struct file_info {
	const char *version; /* of lgtrace */
	const char *kernel;  /* release */
	const char *host;
	const char *machine;        /* as uname -m: the numbers of system calls are this machine's */
	int64_t realtime_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
	uint64_t start_ns;          /* CLOCK_MONOTONIC */
	uint64_t threshold_ns;      /* what views take for a stall unless told otherwise */
	bool is_auto;               /* each loop's threshold is found anew */
	uint64_t cumulative_ns;     /* many small holds: this sum within the window; 0: not told */
	uint64_t cumulative_window_ns;
	uint64_t turn_ns;      /* turns without a read or write are told from this length on */
	const char *id_header; /* the header that names requests; empty: the usual one */
	const char *route_patterns[FILE_INFO_PATTERNS + 1]; /* NULL at the end */
	/* What views leave out unless told otherwise, as in struct model_filter; empty: nothing was said. */
	const char *exclude_paths[FILE_INFO_PATTERNS + 1];
	const char *routes[FILE_INFO_PATTERNS + 1];
	const char *methods[FILE_INFO_PATTERNS + 1];
	uint32_t causes;
	uint32_t details;
	struct file_feature features[FILE_INFO_FEATURES];
	size_t nr_features;
	uint16_t sizes[FILE_INFO_KINDS]; /* by kind: bytes of the struct, without what follows; 0 unknown */
	json_t *root;                    /* of a file_info that was parsed */
};

/* JSON text with the sizes of this build's records; *text is to be freed. 0 or -ENOMEM. */
int file_info_format(const struct file_info *info, char **text);
/* 0; -EBADMSG when it is no JSON object. To be ended with file_info_fini() in any case. */
int file_info_parse(struct file_info *info, const char *text, size_t len);
void file_info_fini(struct file_info *info);

#endif
