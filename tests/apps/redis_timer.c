/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A module for Redis whose timer blocks now and then: time that no client's command takes. Each block is a JSON line in
 * the file LAB_LOG: kind, start_ns and end_ns by CLOCK_MONOTONIC.
 *
 * Redis hands its functions out by name, so that a module needs none of its headers.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define API_VERSION 1
#define PAUSE_MS    400 /* and up to three times as much */
#define BLOCK_MS    22  /* and up to 18 more */

struct context {
	int (*get_api)(const char *name, void *function); /* its first member */
};

static int (*set_attributes)(struct context *c, const char *name, int version, int api_version);
static uint64_t (*create_timer)(struct context *c, int64_t ms, void (*fire)(struct context *c, void *data), void *data);
static FILE *log_file;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void on_timer(struct context *c, void *data)
{
	int ms = BLOCK_MS + rand() % 19;
	uint64_t start_ns = now_ns();
	int sleeps = rand() % 2;

	if (sleeps)
		usleep(ms * 1000);
	while (now_ns() < start_ns + ms * 1000000ull)
		;
	fprintf(log_file, "{\"kind\": \"%s\", \"start_ns\": %llu, \"end_ns\": %llu}\n", sleeps ? "sleep" : "cpu",
		(unsigned long long)start_ns, (unsigned long long)now_ns());
	create_timer(c, PAUSE_MS + rand() % (2 * PAUSE_MS), on_timer, data);
}

int RedisModule_OnLoad(struct context *c, void **words, int nr_words);

int RedisModule_OnLoad(struct context *c, void **words, int nr_words)
{
	const char *path = getenv("LAB_LOG");

	(void)words;
	(void)nr_words;
	log_file = path ? fopen(path, "a") : NULL;
	if (!log_file || c->get_api("RedisModule_SetModuleAttribs", &set_attributes) ||
	    c->get_api("RedisModule_CreateTimer", &create_timer))
		return 1;
	setvbuf(log_file, NULL, _IOLBF, 0);
	set_attributes(c, "timer", 1, API_VERSION);
	create_timer(c, PAUSE_MS, on_timer, NULL);
	return 0;
}
