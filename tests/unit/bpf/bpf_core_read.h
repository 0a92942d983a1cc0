/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of libbpf's header: on the host the kernel's structs are laid out as kernel.h declares them. */
#ifndef LG_HOST_BPF_CORE_READ_H
#define LG_HOST_BPF_CORE_READ_H

#include <stddef.h>
#include <string.h>

#define HOST_READ1(from, a)       ((from)->a)
#define HOST_READ2(from, a, b)    ((from)->a->b)
#define HOST_READ3(from, a, b, c) ((from)->a->b->c)

#define HOST_READ_NR(a, b, c, nr, ...) HOST_READ##nr
#define BPF_CORE_READ(from, ...)       HOST_READ_NR(__VA_ARGS__, 3, 2, 1)(from, __VA_ARGS__)

#define BPF_CORE_READ_INTO(to, from, field)    memcpy((to), &(from)->field, sizeof(*(to)))
#define bpf_core_read(to, size, from)          memcpy((to), (from), (size))
#define bpf_core_field_offset(type, field)     offsetof(type, field)
#define bpf_core_field_exists(...)             0
#define BPF_CORE_READ_BITFIELD_PROBED(from, f) ((from)->f)

#endif
