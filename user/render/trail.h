/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stall as a way from the general to the particular, as flame graphs are drawn of it:
 *
 *     uvicorn (cpython 3.11) ; syscall ; GET /report/{n} ; main ; ... ; query (db.py:42) ; connect 127.0.0.1:5432
 *
 * What ran, why it stalled, whose request it was, the code from the outermost frame to the innermost one, and what it
 * waited for; the last two where they are known. Names are printable UTF-8 (text_escape()).
 */
#ifndef LG_RENDER_TRAIL_H
#define LG_RENDER_TRAIL_H

#include <stddef.h>
#include <stdint.h>

#include "base/table.h"
#include "model/model.h"
#include "render/flame.h"

#define TRAIL_MAX  FLAME_DEPTH
#define TRAIL_TEXT (96 << 10) /* bytes of all names */

/* Which name is what: the first ones are always there. */
enum trail_step { TRAIL_LOOP, TRAIL_CAUSE, TRAIL_ROUTE, TRAIL_REST };

struct trail {
	const char *names[TRAIL_MAX];
	unsigned nr;
	const char *detail; /* the last name, when it tells what was waited for; else NULL */
	size_t len;         /* bytes in use of text */
	char text[TRAIL_TEXT];
};

/* What is known of the processes that stalls name. */
struct trail_guide {
	struct table runtimes; /* pid -> version << 16 | runtime + 1, as a pointer-sized number */
};

void trail_guide_init(struct trail_guide *guide);
void trail_guide_fini(struct trail_guide *guide);
/* Takes every record; keeps what TARGET records say. */
void trail_guide_record(struct trail_guide *guide, const struct lg_head *rec);

#define TRAIL_LOOP_LEN  256
#define TRAIL_ROUTE_LEN (4 * (MODEL_METHOD_LEN + MODEL_PATH_LEN))

/* "uvicorn (cpython 3.11)". */
void trail_format_loop(const struct trail_guide *guide, char *buf, size_t size, uint32_t pid, const char *comm);
/* "GET /report/{n}", "(connection)" for a client that speaks no HTTP, "(nobody)". */
void trail_format_route(char *buf, size_t size, const struct model_request *request);

/* Frames for which there is no room are left out, the innermost ones first. */
void trail_make(struct trail *trail, const struct trail_guide *guide, const struct model_stall *stall);

#endif
