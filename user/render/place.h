/* SPDX-License-Identifier: BSD-2-Clause */
/* Places in the code: a frame as text, for people and programs, and the table of the places of stalls. */
#ifndef LG_RENDER_PLACE_H
#define LG_RENDER_PLACE_H

#include "render/render.h"
#include "render/writer.h"

#define PLACE_LEN (4 * 1024) /* an escaped byte takes at most 4 */

/* "handler (app/views.py:42)", printable; what of the file there is no need for is left off. Returns `buf`. */
const char *place_format(char *buf, size_t size, const char *function, const char *file, uint32_t line, bool utf8);

/* "python", "js", "native", "kernel": the words of --json. */
const char *place_kind(enum lg_frame_kind kind);

/* A frame as an object of JSON; key NULL in an array. */
void place_put_frame(struct writer *w, const char *key, const struct model_frame *frame);
/* The frames of a stall as an array of JSON. */
void place_put_stack(struct writer *w, const struct model_frame *frames, size_t nr);
/* The places of a summary as an array of JSON. */
void place_put_json(struct writer *w, const struct model_summary *summary);

/* The same for people; nothing when no place is known. */
void place_print(struct render *r, const struct model_summary *summary);

#endif
