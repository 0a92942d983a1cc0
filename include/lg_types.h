/* SPDX-License-Identifier: BSD-2-Clause */
/* Fixed-width integers for both sides, and the size check that every shared struct passes. */
#ifndef LG_TYPES_H
#define LG_TYPES_H

#include <linux/types.h>

/* A shared struct has one size on every compiler and machine, or the build stops. */
#define LG_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "size of " #type " is part of the contract")

#endif
