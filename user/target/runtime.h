/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which runtime a process is, from what its files export and how they are named. It is a guess for people to read
 * and for later stages to check: nothing that could harm a process may depend on it.
 *
 * Stripped programs are told by their dynamic symbols, which cannot be stripped. No file is searched through; the
 * most that is read is one dynamic symbol table.
 */
#ifndef LG_RUNTIME_H
#define LG_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "lg_lists.h"

struct runtime {
	enum lg_runtime kind;
	uint16_t version; /* major << 8 | minor, 0 unknown: told for cpython and node */
};

/* LG_RT_NATIVE when nothing else is known. A negative error when the process cannot be looked at. */
int runtime_detect(struct runtime *out, int pid);

/* "libpython3.11.so.1.0", "libpython3.13t.so", "python3.9", "cpython-310-x86_64-linux-gnu.so": 0 when it is none. */
uint16_t runtime_python_version(const char *name);

/* "libnode.so.108": the library that Node is where its executable is small, as in Debian 12. */
bool runtime_is_libnode(const char *name);

/* The server that an executable's or a process's name stands for: nginx, redis, haproxy, else native. */
enum lg_runtime runtime_of_name(const char *name);

#endif
