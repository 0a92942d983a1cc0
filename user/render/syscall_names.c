/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of system calls. The generated list holds names only, one SYSCALL_NAME(x) a line; their numbers come from
 * the header, since some machines define a number by way of another macro. A search over all of them will do: names
 * are asked for when something is printed.
 */
#include "render/syscall_names.h"

#include <stddef.h>
#include <sys/syscall.h>

static const struct {
	int nr;
	const char *name;
} names[] = {
#define SYSCALL_NAME(name) {__NR_##name, #name},
#include <syscall_names.gen.h>
#undef SYSCALL_NAME
};

const char *syscall_name(int nr)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].nr == nr)
			return names[i].name;
	return NULL;
}
