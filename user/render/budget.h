/* SPDX-License-Identifier: BSD-2-Clause */
/* What was left out to stay within the budget: a line at each change, and what the summary says of it. */
#ifndef LG_RENDER_BUDGET_H
#define LG_RENDER_BUDGET_H

#include "render/render.h"
#include "render/writer.h"

#define BUDGET_LEN 160 /* longest text of budget_format() with its NUL */

/* "over the budget of 10%: stacks are left out, short stalls are told without their place"; returns `buf`. */
const char *budget_format(char *buf, size_t size, const struct model_budget *budget);

/* The change in the columns of a stall: the time, what tracing cost, what follows from it. */
void budget_line(struct render *r, const struct model_budget *budget);
/* What was left out for how long; nothing where everything was told. */
void budget_print(struct render *r, const struct model_summary *summary);

/* The keys of a change, and the key `budget` of a summary: null where everything was told. */
void budget_put_change(struct writer *w, const struct model_budget *budget);
void budget_put_json(struct writer *w, const struct model_summary *summary);

#endif
