/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A timeline in Chrome's trace format (a JSON array of events), for Perfetto and chrome://tracing: a track a loop with
 * its turns and, in them, its stalls; above, the requests that took at least the threshold.
 *
 * It is written as it goes: of a long recording nothing is kept in memory but turns that do not end.
 */
#ifndef LG_RENDER_CHROME_H
#define LG_RENDER_CHROME_H

#include "render/render.h"

extern const struct render_ops render_chrome;

#endif
