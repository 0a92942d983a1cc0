/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of one ELF file, by address, with what was split off it for debuggers.
 *
 * It keeps addresses and where names stand, not the names: the 250,000 functions of a large program take 6 MB. The
 * file stays open, so that its inode cannot become another file's.
 */
#ifndef LG_MODULE_H
#define LG_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol/cfi.h"

struct module;

/*
 * Of the file at `path`. Its debugging file is looked for below each of the NULL-terminated `roots` ("" is this host's
 * own), by build id and by the name that the file gives; `dir` is where the process sees the file, NULL unknown.
 * *out is freed with module_free(). -ENOEXEC: not an ELF file; -ENOMEM.
 */
int module_open(struct module **out, const char *path, const char *dir, const char *const *roots);
void module_free(struct module *m);

/*
 * The function that holds the byte at `offset` of the file: its name, demangled, cut to `size`. -ENOENT: none does.
 */
int module_function(const struct module *m, uint64_t offset, char *name, size_t size);

/* The source line of that byte, where there are debugging data: file cut to `size`. -ENOENT: unknown. */
int module_line(struct module *m, uint64_t offset, char *file, size_t size, uint32_t *line);

/*
 * From a frame at that byte to its caller's, by the file's unwinding tables: see cfi_step(). -ENOENT: they do not tell.
 */
int module_step(struct module *m, uint64_t offset, uint64_t regs[CFI_NR_REGS], const struct cfi_memory *memory);
/* Whether the function at that byte has its return address in a register there: see cfi_is_frameless(). */
bool module_is_frameless(struct module *m, uint64_t offset);

/* Bytes of memory in use, about. */
size_t module_bytes(const struct module *m);

#endif
