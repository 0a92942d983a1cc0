/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a Node process's V8 looks like from outside, learnt from the v8dbg_* data of its program file, or of the
 * libnode that it uses: constants that V8 leaves there for debuggers. No version is known by name, so a new Node needs
 * no new build.
 */
#ifndef LG_TARGET_V8_H
#define LG_TARGET_V8_H

#include "lg_v8.h"

struct elf_file;

/* -ENOTSUP when the program has no such data, or a V8 of another kind (compressed pointers, 32 bits). */
int v8_find(struct lg_v8 *out, int pid);

/* The same from a program file. */
int v8_read(struct lg_v8 *out, const struct elf_file *elf);

#endif
