/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of the kernel's functions, from /proc/kallsyms. */
#ifndef LG_SYMBOL_KERNEL_H
#define LG_SYMBOL_KERNEL_H

#include <stddef.h>
#include <stdint.h>

struct kernel_symbols;

/* *out is freed with kernel_symbols_free(). -EPERM: addresses are hidden from this process. */
int kernel_symbols_open(struct kernel_symbols **out);
void kernel_symbols_free(struct kernel_symbols *k);

/* The function that holds an address, NULL: none. Valid as long as the symbols. */
const char *kernel_symbols_find(const struct kernel_symbols *k, uint64_t addr);

size_t kernel_symbols_bytes(const struct kernel_symbols *k);

#endif
