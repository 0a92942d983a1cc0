/* SPDX-License-Identifier: BSD-2-Clause */
/* Where package managers and distributions put what is not the user's. */
#include "symbol/frame.h"

#include <stddef.h>
#include <string.h>

static const char *const library_parts[] = {
	"/site-packages/", "/dist-packages/",   "/node_modules/", "/lib/python",
	"/lib64/python",   "/.cargo/registry/", "/rustc/",
};

static const char *const library_starts[] = {
	"<",           "node:",  "internal/",   "evalmachine.",    "/usr/lib/",     "/usr/lib32/",
	"/usr/lib64/", "/lib/",  "/lib64/",     "/usr/local/lib/", "/usr/include/", "/usr/share/",
	"[",           "/snap/", "/nix/store/",
};

bool frame_file_is_own(const char *file)
{
	if (!*file)
		return false;
	for (size_t i = 0; i < sizeof(library_starts) / sizeof(library_starts[0]); i++)
		if (!strncmp(file, library_starts[i], strlen(library_starts[i])))
			return false;
	for (size_t i = 0; i < sizeof(library_parts) / sizeof(library_parts[0]); i++)
		if (strstr(file, library_parts[i]))
			return false;
	return true;
}
