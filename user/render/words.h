/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stable words of the output, from the shared lists: causes, details, confidences, kinds of sleep, system calls.
 * Numbers may come from a recording made elsewhere, so one that is out of range has a word too.
 */
#ifndef LG_RENDER_WORDS_H
#define LG_RENDER_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "lg_lists.h"
#include "model/detail.h"

#define WORDS_SYSCALL_LEN 48 /* longest name of a system call with its NUL, with room */

const char *words_cause(enum lg_cause cause);
/* What the cause means, for people. */
const char *words_cause_help(enum lg_cause cause);
/* "dns"; NULL for a number that is out of range, and where there is no detail. */
const char *words_detail(enum model_detail_kind kind);
/* Whether the detail is told by its own word, in place of the cause's. */
bool words_detail_is_own(enum model_detail_kind kind);
const char *words_confidence(enum lg_confidence confidence);
/* What it means, for people. */
const char *words_confidence_help(enum lg_confidence confidence);
const char *words_level(enum lg_level level);
/* "requests": what this level leaves out, and the ones before it do not. */
const char *words_level_what(enum lg_level level);
/* "stalls are told by connection": what follows from it. */
const char *words_level_so(enum lg_level level);
/* Counts how often this level left something out. */
enum lg_counter words_level_counter(enum lg_level level);
/* The word of the cause that this class of sleep makes. */
const char *words_sleep(enum lg_sleep sleep);
/* The cause that this class of sleep makes; CPU for one out of range. */
enum lg_cause words_sleep_cause(enum lg_sleep sleep);
/* "connect", or "syscall_451" where the header that we were built with has no name. Returns `buf`. */
const char *words_syscall(char *buf, size_t size, int nr);

#endif
