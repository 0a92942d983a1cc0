/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a file descriptor leads to, and what a loop is made of, in words. The text is raw: names and paths come from the
 * target, so a view escapes it like everything else.
 */
#ifndef LG_RENDER_TARGET_H
#define LG_RENDER_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "lg_record.h"

#define TARGET_LEN         1024 /* longest text told, with its NUL; longer paths are cut */
#define TARGET_RUNTIME_LEN 32

/*
 * "127.0.0.1:5432", "[::1]:80" (an IPv4 peer of an IPv6 socket as IPv4), "unix:/run/x", "unix:@abstract",
 * "/full/path" or the file's last component when `path` (may be NULL) is not known, "pipe:[123]", "socket:[123]".
 * NULL when there is nothing to say: no descriptor, or a socket without a peer. Else `buf`.
 */
const char *target_format(char *buf, size_t size, const struct lg_target *target, const char *path);

/* "cpython 3.11", "node 20", "nginx", ...; `version` as in struct lg_rec_target. */
const char *target_format_runtime(char *buf, size_t size, enum lg_runtime runtime, uint16_t version);

#endif
