/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One table. The first row that fits is taken: rows of a detail stand before those of a cause, and those of a runtime
 * before those of any. "{}" in a sentence is what was loaded, run or asked; "{client}" is what asks it without
 * blocking.
 */
#include "render/hint.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "render/service.h"

#define ANY (-1)

static const struct row {
	int cause;   /* enum lg_cause */
	int detail;  /* enum model_detail_kind */
	int runtime; /* enum lg_runtime */
	const char *text;
	const char *unnamed; /* what stands for "{}" where that is not known */
} rows[] = {
	{ANY, MODEL_DETAIL_IMPORT, LG_RT_CPYTHON,
	 "{} was imported inside the event loop: import it before requests come", "a module"},
	{ANY, MODEL_DETAIL_IMPORT, ANY, "{} was loaded inside the event loop: load it before requests come",
	 "a module"},
	{ANY, MODEL_DETAIL_SLEEP, LG_RT_CPYTHON, "the whole loop slept: await asyncio.sleep() instead", NULL},
	{ANY, MODEL_DETAIL_SLEEP, ANY, "the whole loop slept: set a timer instead", NULL},
	{ANY, MODEL_DETAIL_DNS, LG_RT_CPYTHON,
	 "a host name was looked up inside the event loop: await loop.getaddrinfo(), or use an async client", NULL},
	{ANY, MODEL_DETAIL_DNS, ANY,
	 "a host name was looked up inside the event loop: do it in a thread, or with an asynchronous resolver", NULL},
	{ANY, MODEL_DETAIL_TLS, LG_RT_CPYTHON,
	 "blocking TLS handshake inside an event loop: use an async client, or asyncio.to_thread()", NULL},
	{ANY, MODEL_DETAIL_TLS, ANY,
	 "blocking TLS handshake inside an event loop: use a non-blocking socket, or a thread", NULL},
	{ANY, MODEL_DETAIL_COMMAND, LG_RT_CPYTHON,
	 "the loop waited for {} to end: await asyncio.create_subprocess_exec(), or asyncio.to_thread()",
	 "a child process"},
	{ANY, MODEL_DETAIL_COMMAND, LG_RT_NODE,
	 "the loop waited for {} to end: use child_process.spawn() or exec(), not their Sync forms", "a child process"},
	{ANY, MODEL_DETAIL_COMMAND, ANY, "the loop waited for {} to end: watch for its end instead", "a child process"},
	{ANY, MODEL_DETAIL_SYNC, LG_RT_CPYTHON, "syncing a file waits for the disk: do it in asyncio.to_thread()",
	 NULL},
	{ANY, MODEL_DETAIL_SYNC, LG_RT_NODE, "syncing a file waits for the disk: use fs.promises, not fsyncSync()",
	 NULL},
	{ANY, MODEL_DETAIL_SYNC, LG_RT_REDIS,
	 "syncing a file waits for the disk: appendfsync everysec, or a faster disk", NULL},
	{ANY, MODEL_DETAIL_SYNC, ANY, "syncing a file waits for the disk: do it in a thread, or more seldom", NULL},
	{ANY, MODEL_DETAIL_FILE, LG_RT_CPYTHON,
	 "blocking file access inside an event loop: do it in asyncio.to_thread()", NULL},
	{ANY, MODEL_DETAIL_FILE, LG_RT_NODE,
	 "blocking file access inside an event loop: use fs.promises, not ...Sync()", NULL},
	{ANY, MODEL_DETAIL_FILE, LG_RT_NGINX, "a slow disk kept the worker: aio threads, or more worker processes",
	 NULL},
	{ANY, MODEL_DETAIL_FILE, ANY,
	 "blocking file access inside an event loop: do it in a thread, or keep the file in memory", NULL},
	{ANY, MODEL_DETAIL_PEER, LG_RT_CPYTHON,
	 "blocking call to {} inside an event loop: use an async client{client}, or asyncio.to_thread()",
	 "another program"},
	{ANY, MODEL_DETAIL_PEER, LG_RT_NODE,
	 "blocking call to {} inside an event loop: use an asynchronous client, or worker_threads", "another program"},
	{ANY, MODEL_DETAIL_PEER, ANY,
	 "blocking call to {} inside an event loop: use a non-blocking socket, or a thread", "another program"},
	{ANY, MODEL_DETAIL_PIPE, ANY, "a pipe was read or written with blocking calls: let the loop wait for it", NULL},
	{LG_CAUSE_LOCK, ANY, LG_RT_CPYTHON,
	 "another thread held the lock: hold it for less time, or take it in asyncio.to_thread()", NULL},
	{LG_CAUSE_LOCK, ANY, LG_RT_NODE, "another thread was waited for: Atomics.waitAsync() does not block the loop",
	 NULL},
	{LG_CAUSE_LOCK, ANY, ANY, "another thread held the lock: hold it for less time, or take it in another thread",
	 NULL},
	{LG_CAUSE_GIL, ANY, ANY,
	 "another thread computed and kept the interpreter lock: give that work to a process pool", NULL},
	{LG_CAUSE_GC, ANY, LG_RT_CPYTHON,
	 "collecting a large heap takes long: gc.freeze() after start-up, or collect more seldom (gc.set_threshold())",
	 NULL},
	{LG_CAUSE_GC, ANY, ANY, "collecting a large heap takes long: keep less alive, and make less garbage", NULL},
	{LG_CAUSE_CPU, ANY, LG_RT_CPYTHON,
	 "computing stops all other requests: use a process pool, or await asyncio.sleep(0) in between", NULL},
	{LG_CAUSE_CPU, ANY, LG_RT_NODE,
	 "computing stops all other requests: use worker_threads, or setImmediate() in between", NULL},
	{LG_CAUSE_CPU, ANY, LG_RT_REDIS, "a command or script took long: SLOWLOG GET tells which", NULL},
	{LG_CAUSE_CPU, ANY, ANY, "computing stops all other requests: give it to a thread, or do it in parts", NULL},
	{LG_CAUSE_SYSCALL, ANY, ANY, "a blocking call inside an event loop: use a non-blocking one, or a thread", NULL},
	{LG_CAUSE_FAULT, ANY, ANY,
	 "memory had to be read in first: give it more memory, or touch mapped files in a thread", NULL},
	{LG_CAUSE_IO, ANY, ANY, "the disk was waited for: do it in a thread", NULL},
	{LG_CAUSE_RUNQUEUE, ANY, ANY,
	 "too little CPU for what runs on this host: fewer busy tasks, more CPUs, or one kept free for it", NULL},
	{LG_CAUSE_THROTTLED, ANY, ANY, "its CPU limit was reached: raise it (cpu.max of its control group)", NULL},
	{LG_CAUSE_STOPPED, ANY, ANY, "a signal or a debugger stopped it: the code is not to blame", NULL},
};

static const struct row *row_find(enum lg_cause cause, enum model_detail_kind detail, enum lg_runtime runtime)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		if ((row->cause == ANY || row->cause == (int)cause) &&
		    (row->detail == ANY || row->detail == (int)detail) &&
		    (row->runtime == ANY || row->runtime == (int)runtime))
			return row;
	}
	return NULL;
}

static size_t part_put(char *buf, size_t size, size_t at, const char *text, size_t len)
{
	int n = at < size ? snprintf(buf + at, size - at, "%.*s", (int)len, text) : 0;

	return at + (size_t)n;
}

const char *hint_format(char *buf, size_t size, enum lg_cause cause, const struct model_detail *detail,
			enum lg_runtime runtime, const char *service)
{
	const struct row *row = row_find(cause, detail->kind, runtime);
	const char *name = detail->kind == MODEL_DETAIL_PEER ? service : detail->name;
	const char *client = service_python_client(service), *text = row ? row->text : "";
	size_t at = 0;

	*buf = '\0';
	if (!name || !*name)
		name = row ? row->unnamed : NULL;
	while (*text) {
		size_t len = strcspn(text, "{");

		at = part_put(buf, size, at, text, len);
		text += len;
		if (!strncmp(text, "{}", 2) && name) {
			at = part_put(buf, size, at, name, strlen(name));
		} else if (!strncmp(text, "{client}", 8) && client) {
			at = part_put(buf, size, at, " (", 2);
			at = part_put(buf, size, at, client, strlen(client));
			at = part_put(buf, size, at, ")", 1);
		}
		text += strcspn(text, "}");
		text += *text != '\0';
	}
	return buf;
}

const char *hint_of_stall(char *buf, size_t size, const struct model_stall *stall)
{
	char service[SERVICE_LEN];

	return hint_format(buf, size, stall->cause, &stall->detail, stall->runtime,
			   stall->block ? service_name(service, sizeof(service), &stall->block->target) : NULL);
}

const char *hint_of_stuck(char *buf, size_t size, const struct model_stuck *stuck)
{
	struct model_stall stall;
	struct lg_block block;

	model_stuck_stall(stuck, &stall, &block);
	return hint_of_stall(buf, size, &stall);
}

/* Whether the sentence was told; from now on it was. */
static bool is_told(struct render *r, const char *hint)
{
	uint64_t hash = hash_add(HASH_NONE, hint, strlen(hint));

	for (unsigned i = 0; i < r->nr_hints_told; i++)
		if (r->hints_told[i] == hash)
			return true;
	if (r->nr_hints_told == RENDER_MAX_HINTS)
		return true;
	r->hints_told[r->nr_hints_told++] = hash;
	return false;
}

/* How much of the text goes into a line: up to the last blank that fits. */
static size_t line_length(const char *text, size_t cols)
{
	size_t len = strlen(text), last;

	if (len <= cols)
		return len;
	for (last = cols; last && text[last] != ' ';)
		last--;
	return last ? last : cols;
}

void hint_print(struct render *r, int indent, const char *hint)
{
	char text[4 * HINT_LEN];
	size_t cols = sizeof(text), len;

	if (r->no_hints || !*hint || is_told(r, hint))
		return;
	text_escape(text, sizeof(text), hint, strlen(hint), r->style.utf8);
	if (r->style.width > (unsigned)indent + 20)
		cols = r->style.width - (unsigned)indent - 6;
	for (const char *at = text; *at; at += len + (at[len] == ' ')) {
		len = line_length(at, cols);
		fprintf(r->out, "%*s%s%.*s\n", indent, "", at == text ? "hint: " : "      ", (int)len, at);
	}
}
