/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stall time as a pprof profile (gzip of a protobuf, see profile.proto), for `go tool pprof` and all that reads it. Two
 * values a sample: stalls and their time; labels tell loop, cause and route.
 */
#ifndef LG_RENDER_PPROF_H
#define LG_RENDER_PPROF_H

#include "render/render.h"

extern const struct render_ops render_pprof;

#endif
