/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a process that does not wait for events is still likely to be an event loop: one that hangs when it is looked
 * at first shows nothing of how it behaves. It is a guess by what it has open; when in doubt it says no.
 */
#ifndef LG_HANGING_H
#define LG_HANGING_H

#include <stdbool.h>

#include "lg_lists.h"

/*
 * Whether its first thread is a loop, should it be busy. `kind` is the process's runtime; `is_in_loop`: its code is
 * seen to be in one. False where a set of events is only inherited, as by the workers that a server forks, and where
 * another thread may be the one that waits on it.
 */
bool hanging_is_likely(int pid, enum lg_runtime kind, bool is_in_loop);

#endif
