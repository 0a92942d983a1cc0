/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What BPF must know of a process's runtime to read from its memory whose code runs: addresses and offsets
 * that user space found once. One entry a process, in the map `runtimes`.
 */
#ifndef LG_RUNTIME_INFO_H
#define LG_RUNTIME_INFO_H

#include "lg_lists.h"
#include "lg_python.h"
#include "lg_v8.h"

struct lg_runtime_info {
	__u32 kind; /* enum lg_runtime; only CPYTHON and NODE have something below */
	__u32 pad;
	union {
		struct lg_python python;
		struct lg_v8 v8;
	};
};

#endif
