/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stall as a way from the general to the particular, as flame graphs are drawn of it:
 *
 *     uvicorn (cpython 3.11) ; syscall ; GET /report/{n} ; connect 127.0.0.1:5432
 *
 * What ran, why it stalled, whose request it was, and what it waited for where that is known. Names are printable
 * UTF-8 (text_escape()).
 */
#ifndef LG_RENDER_TRAIL_H
#define LG_RENDER_TRAIL_H

#include <stdint.h>

#include "base/table.h"
#include "model/model.h"
#include "render/target.h"

#define TRAIL_MAX      4
#define TRAIL_NAME_LEN (4 * TARGET_LEN) /* an escaped byte takes at most four, but for those of a target */

/* Which name is what: the first ones are always there. */
enum trail_step { TRAIL_LOOP, TRAIL_CAUSE, TRAIL_ROUTE, TRAIL_REST };

struct trail {
	char names[TRAIL_MAX][TRAIL_NAME_LEN];
	unsigned nr;
};

/* What is known of the processes that stalls name. */
struct trail_guide {
	struct table runtimes; /* pid -> version << 16 | runtime + 1, as a pointer-sized number */
};

void trail_guide_init(struct trail_guide *guide);
void trail_guide_fini(struct trail_guide *guide);
/* Takes every record; keeps what TARGET records say. */
void trail_guide_record(struct trail_guide *guide, const struct lg_head *rec);

/* "uvicorn (cpython 3.11)". */
void trail_format_loop(const struct trail_guide *guide, char *buf, size_t size, uint32_t pid, const char *comm);
/* "GET /report/{n}", "(connection)" for a client that speaks no HTTP, "(nobody)". */
void trail_format_route(char *buf, size_t size, const struct model_request *request);

void trail_make(struct trail *trail, const struct trail_guide *guide, const struct model_stall *stall);

#endif
