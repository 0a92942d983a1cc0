/* SPDX-License-Identifier: BSD-2-Clause */
/* One frame of a stack, as people read it. Strings are raw, untrusted bytes, NUL-terminated and cut to fit. */
#ifndef LG_FRAME_H
#define LG_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "lg_record.h"

#define FRAME_FUNCTION_LEN 256
#define FRAME_FILE_LEN     512

struct frame {
	enum lg_frame_kind kind;
	bool is_own;                       /* of the user's own code: no library's, no runtime's */
	uint32_t line;                     /* 0: unknown */
	uint64_t module;                   /* native: inode of the program or library, 0 none */
	char function[FRAME_FUNCTION_LEN]; /* "file+0x12ab" of code without a name */
	char file[FRAME_FILE_LEN];         /* source file or script; else the program or library; may be empty */
};

/* Whether code of this source file (or library) is a user's own, by where it lies. */
bool frame_file_is_own(const char *file);

#endif
