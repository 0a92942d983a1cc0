/* SPDX-License-Identifier: BSD-2-Clause */
/* What is traced, where and how: the first thing that a view shows. */
#ifndef LG_CMD_HEADER_H
#define LG_CMD_HEADER_H

#include <stdint.h>

#include "cmd/targets.h"
#include "probe/probe.h"
#include "render/render.h"

void header_print(struct render *render, const struct targets *traced, const struct probe *probe,
		  uint64_t threshold_ns);

#endif
