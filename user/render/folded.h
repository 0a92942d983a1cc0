/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stall time as folded stacks: a line a path, its names joined by ';', then a space and microseconds. It is what
 * flamegraph.pl, inferno and speedscope read.
 */
#ifndef LG_RENDER_FOLDED_H
#define LG_RENDER_FOLDED_H

#include "render/render.h"

extern const struct render_ops render_folded;

#endif
