/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the plaintext of TLS passes in a process: the functions of OpenSSL, in its library, in copies that came with
 * Python wheels, or inside the executable (Node). Which connection they serve is not known here.
 */
#ifndef LG_TLS_H
#define LG_TLS_H

#include <stddef.h>
#include <stdint.h>

#include "target/maps.h"

enum tls_function { TLS_READ, TLS_WRITE, TLS_READ_EX, TLS_WRITE_EX, TLS_NR_FUNCTIONS };

struct tls_file {
	struct map_file file;
	/* First byte of each function in the file; 0: not there (the _ex ones came with OpenSSL 1.1.1). */
	uint64_t entry[TLS_NR_FUNCTIONS];
	/*
	 * Where to probe for its entry: behind an endbr64 when a push follows, which the kernel emulates; else the
	 * entry. The arguments are untouched there. 0: not there.
	 */
	uint64_t probe[TLS_NR_FUNCTIONS];
};

/* All zero is empty. A file stands in it once, however many processes map it. */
struct tls_files {
	struct tls_file *v;
	size_t nr;
};

/* Adds what a process maps; none is no error. A negative error when its map cannot be read. */
int tls_files_add(struct tls_files *files, int pid);
void tls_files_fini(struct tls_files *files);

#endif
