/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Symbols and bytes of a 64-bit ELF file of this machine's byte order.
 *
 * The file belongs to the target: any byte of it may lie, and it may change or shrink while we read. So it is read with
 * pread() and never mapped (a shrinking file would kill us with SIGBUS), every length is checked against the file's
 * size and a limit, and a lie costs at most a symbol that is not found.
 */
#ifndef LG_ELF_FILE_H
#define LG_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_BUILD_ID_MAX 32 /* bytes; GNU ld writes 20 */

struct elf_file;

struct elf_symbol {
	const char *name; /* valid during the call, without a version */
	uint64_t addr;    /* as linked */
	uint64_t size;    /* bytes; 0 unknown */
	uint64_t offset;  /* of its first byte in the file; 0: data that begins as zeros has none */
	bool is_function;
	bool is_thread_local; /* addr: in the thread's block; offset: 0 */
};

/* Which symbol table. */
enum elf_table { ELF_TABLE_DYNAMIC, ELF_TABLE_FULL };

/* *out is closed with elf_file_close(). -ENOEXEC: no ELF file that can be read here. */
int elf_file_open(struct elf_file **out, const char *path);
void elf_file_close(struct elf_file *elf);

/* e_machine, such as EM_X86_64. */
int elf_file_machine(const struct elf_file *elf);

/*
 * Calls `fn` for every symbol that is defined in the file and lies in a loaded segment or is thread-local, aliases and
 * versions each for themselves, until it returns something else than 0, which is returned. -ENOENT without such a table
 * (a stripped file has the dynamic one alone), -EFBIG when it is beyond the limit.
 */
int elf_file_symbols(const struct elf_file *elf, enum elf_table table,
		     int (*fn)(void *arg, const struct elf_symbol *symbol), void *arg);

/*
 * Fills found[i] for each of the `nr` names, from the dynamic table first, then from the full one when is_deep.
 * A name that is not there keeps .name NULL; else .name points to names[i]. Returns how many are there, or a
 * negative error when nothing could be read.
 */
int elf_file_find(const struct elf_file *elf, const char *const *names, size_t nr, struct elf_symbol *found,
		  bool is_deep);

/*
 * From the thread pointer to the start of the program's own thread-local block: negative on x86-64. Only an
 * executable's block has a fixed place. -ENOENT when it has none.
 */
int elf_file_tls(const struct elf_file *elf, int64_t *start);

/* Bytes at an address as linked: exactly `len`, or -EFAULT when they are not in the file. */
int elf_file_read(const struct elf_file *elf, uint64_t addr, void *buf, size_t len);

/* The first `len` bytes of the first section with this name that is as long. -ENOENT: there is none. */
int elf_file_section(const struct elf_file *elf, const char *name, void *buf, size_t len);

/* All of it, at most `max` bytes: *data is freed with free(). -ENOENT, -EFBIG. */
int elf_file_section_load(const struct elf_file *elf, const char *name, size_t max, char **data, size_t *len);

/* Where an address is in the file. -EFAULT when it is in no loaded segment; *is_exec (may be NULL): of code. */
int elf_file_offset(const struct elf_file *elf, uint64_t addr, uint64_t *offset, bool *is_exec);

/* A function for one who wants to name an address: also of files that hold symbols only. */
struct elf_function {
	uint64_t addr;    /* as linked */
	uint64_t size;    /* bytes; 0 unknown */
	uint64_t name_at; /* for elf_file_string() */
	bool is_typed;    /* it is called a function; assembly often leaves that open */
};

/*
 * As elf_file_symbols(), for what may be code; its bytes need not be in the file, as in one that was split off for
 * debuggers.
 */
int elf_file_functions(const struct elf_file *elf, enum elf_table table,
		       int (*fn)(void *arg, const struct elf_function *function), void *arg);

/* The string at a place in the file, cut to fit into `size` bytes with its NUL. -EFAULT outside of the file. */
int elf_file_string(const struct elf_file *elf, uint64_t at, char *buf, size_t size);

/* The reverse of elf_file_offset(), with *is_exec true. -EFAULT when no loaded segment of code holds that byte. */
int elf_file_addr(const struct elf_file *elf, uint64_t offset, uint64_t *addr);

/* The descriptor it is read through, which stays its own; and the bytes of the file. */
int elf_file_fd(const struct elf_file *elf);
uint64_t elf_file_size(const struct elf_file *elf);

/* Copies the build id and returns its length in bytes, or -ENOENT. */
int elf_file_build_id(const struct elf_file *elf, uint8_t id[ELF_BUILD_ID_MAX]);

#endif
