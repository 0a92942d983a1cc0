/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding the file with the symbols that were split off a program: by its build id, or by the name and checksum that
 * the program gives (.gnu_debuglink). Both are untrusted: what is found must prove that it belongs to the program.
 */
#ifndef LG_DEBUGFILE_H
#define LG_DEBUGFILE_H

#include "target/elf.h"

/* See module_open() for dir and roots. *out is closed with elf_file_close(). -ENOENT: there is none. */
int debugfile_open(struct elf_file **out, const struct elf_file *program, const char *dir, const char *const *roots);

#endif
