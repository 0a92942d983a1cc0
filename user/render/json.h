/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The view for programs: one JSON object a line, integers in ns, names that stay. `render_json` in render.h drives it.
 *
 * The schema is the output contract: keys are only ever added. What is not known is null, never left out and
 * never a made-up 0. The kinds of lines are told apart by "type".
 */
#ifndef LG_RENDER_JSON_H
#define LG_RENDER_JSON_H

#include "render/render.h"
#include "render/writer.h"

#define JSON_SCHEMA 1 /* grows when a key goes away or changes its meaning */

void json_begin(struct render *r, const struct render_header *header);
void json_stuck(struct render *r, const struct model_stuck *stuck);
void json_stall(struct render *r, const struct model_stall *stall);
void json_request(struct render *r, const struct model_done *done);
void json_cumulative(struct render *r, const struct model_cumulative *sum);
void json_budget(struct render *r, const struct model_budget *budget);
void json_summary(struct render *r, const struct model_summary *summary);

/* The key "histogram": [upper edge or null, count] of each bucket that counted something. */
void json_put_buckets(struct writer *w, const struct hist *hist);

#endif
