/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one place where raw bytes become records: everything from the ring buffer or from a file passes here,
 * and what comes out may be read without further tests of length.
 */
#ifndef LG_CHECK_H
#define LG_CHECK_H

#include <stddef.h>

#include "lg_record.h"

/*
 * The record at `data`, which holds `size` bytes: *out points into data. Returns its length in bytes, by which to go
 * on; -EBADMSG when it is none: too short for its kind, longer than the bytes there are, not aligned, or with an inner
 * length that leads beyond its end. A kind from a newer lgtrace passes when its outer form is right.
 */
int record_check(const void *data, size_t size, const struct lg_head **out);

/* Bytes of the struct of this kind, without the variable part that may follow; 0 for a kind that is not known. */
size_t record_size(unsigned kind);

#endif
