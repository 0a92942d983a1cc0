/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The summary for people, printed when a run ends: what was seen, the loops with their turns, the routes, the causes,
 * and what was lost. It is bounded (the worst come first, the rest is counted); JSON has all of it.
 */
#ifndef LG_RENDER_SUMMARY_H
#define LG_RENDER_SUMMARY_H

#include "render/render.h"

void summary_print(struct render *r, const struct model_summary *summary);

#endif
