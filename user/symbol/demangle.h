/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names that C++ and Rust compilers make up, as a programmer wrote them. The name comes from the target's file: a
 * short one can stand for a text without end, so the text is cut, and what makes it is stopped there.
 */
#ifndef LG_DEMANGLE_H
#define LG_DEMANGLE_H

#include <stddef.h>

/*
 * Writes the readable form of a symbol's name, or the name itself when it is none of theirs: at most `size` bytes, NUL
 * included. Without arguments and the hash that Rust adds; a version (name@VERSION) is left off.
 */
void demangle(char *out, size_t size, const char *symbol);

#endif
