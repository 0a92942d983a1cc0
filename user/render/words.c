/* SPDX-License-Identifier: BSD-2-Clause */
/* The stable words of the output, from the shared lists. */
#include "render/words.h"

#include <stdio.h>

#include "render/syscall_names.h"

#define UNKNOWN "unknown"

struct word {
	const char *word;
	const char *help;
};

static const struct word causes[LG_NR_CAUSES] = {
#define X(sym, nr, word, help) [nr] = {word, help},
	LG_CAUSES(X)
#undef X
};

static const struct {
	const char *word;
	bool is_own;
} details[MODEL_NR_DETAILS] = {
#define X(sym, word, names_itself, name) [MODEL_DETAIL_##sym] = {word, names_itself},
	MODEL_DETAILS(X)
#undef X
};

static const struct word confidences[LG_NR_CONFIDENCES] = {
#define X(sym, nr, word, help) [nr] = {word, help},
	LG_CONFIDENCES(X)
#undef X
};

static const struct {
	const char *word;
	const char *what;
	const char *so;
	enum lg_counter counter;
} levels[LG_NR_LEVELS] = {
#define X(sym, nr, word, what, so, counter) [nr] = {word, what, so, LG_CNT_##counter},
	LG_LEVELS(X)
#undef X
};

static const enum lg_cause sleeps[LG_NR_SLEEPS] = {
#define X(sym, nr, cause) [nr] = LG_CAUSE_##cause,
	LG_SLEEPS(X)
#undef X
};

const char *words_cause(enum lg_cause cause)
{
	return (unsigned)cause < LG_NR_CAUSES ? causes[cause].word : UNKNOWN;
}

const char *words_cause_help(enum lg_cause cause)
{
	return (unsigned)cause < LG_NR_CAUSES ? causes[cause].help : UNKNOWN;
}

const char *words_detail(enum model_detail_kind kind)
{
	return kind && (unsigned)kind < MODEL_NR_DETAILS ? details[kind].word : NULL;
}

bool words_detail_is_own(enum model_detail_kind kind)
{
	return (unsigned)kind < MODEL_NR_DETAILS && details[kind].is_own;
}

const char *words_confidence(enum lg_confidence confidence)
{
	return (unsigned)confidence < LG_NR_CONFIDENCES ? confidences[confidence].word : UNKNOWN;
}

const char *words_confidence_help(enum lg_confidence confidence)
{
	return (unsigned)confidence < LG_NR_CONFIDENCES ? confidences[confidence].help : UNKNOWN;
}

const char *words_level(enum lg_level level)
{
	return (unsigned)level < LG_NR_LEVELS ? levels[level].word : UNKNOWN;
}

const char *words_level_what(enum lg_level level)
{
	return (unsigned)level < LG_NR_LEVELS ? levels[level].what : UNKNOWN;
}

const char *words_level_so(enum lg_level level)
{
	return (unsigned)level < LG_NR_LEVELS ? levels[level].so : UNKNOWN;
}

enum lg_counter words_level_counter(enum lg_level level)
{
	return (unsigned)level < LG_NR_LEVELS ? levels[level].counter : LG_CNT_RECORDS;
}

enum lg_cause words_sleep_cause(enum lg_sleep sleep)
{
	return (unsigned)sleep < LG_NR_SLEEPS ? sleeps[sleep] : LG_CAUSE_CPU;
}

const char *words_sleep(enum lg_sleep sleep)
{
	return (unsigned)sleep < LG_NR_SLEEPS ? words_cause(sleeps[sleep]) : UNKNOWN;
}

const char *words_syscall(char *buf, size_t size, int nr)
{
	const char *name = syscall_name(nr);

	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "syscall_%d", nr);
	return buf;
}
