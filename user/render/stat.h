/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Summaries as columns and as histograms: `lgtrace stat` and `lgtrace hist`. Each summary is of one interval. Renders
 * as any other (render.h), with nothing but the summary.
 */
#ifndef LG_RENDER_STAT_H
#define LG_RENDER_STAT_H

#include "render/render.h"

/* A line a loop, with the heading again after a screenful. */
extern const struct render_ops render_stat;
extern const struct render_ops render_stat_json;

/* What the histograms are of: turns of each loop, or something of each route's requests. */
enum stat_hist { STAT_TURNS, STAT_HOLD, STAT_DELAY, STAT_DURATION };

/* By enum stat_hist. */
extern const struct render_ops render_hist[4];
extern const struct render_ops render_hist_json[4];

#endif
