/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules, the one that explains most first: loading a module explains whatever it does meanwhile. Functions are only
 * looked at up to the loop's own: below them lies how the program was started.
 */
#include "model/detail.h"

#include <stdio.h>
#include <string.h>

#include "base/calls.h"
#include "model/model.h"

/* What the stack tells; the outermost of each counts. */
struct seen {
	bool is_import;
	bool is_tls;
	bool is_command;
	const char *resolver;             /* NULL: none */
	const struct model_frame *module; /* code that the outermost import runs; NULL: not seen */
};

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && !strcmp(text + len - end_len, end);
}

static bool is_any(const char *text, const char *const *words, bool (*matches)(const char *, const char *))
{
	for (; *words; words++)
		if (matches(text, *words))
			return true;
	return false;
}

static bool is_loop(const struct model_frame *f)
{
	static const char *const ends[] = {"/asyncio/events.py", "/asyncio/base_events.py", "/asyncio/runners.py",
					   NULL};

	return f->kind == LG_FRAME_PYTHON && is_any(f->file, ends, ends_with);
}

/* What runs the program's main file, by way of the loader. */
static bool is_start(const struct model_frame *f)
{
	return f->kind == LG_FRAME_JS && starts_with(f->file, "node:internal/modules/run_main");
}

static bool is_loader(const struct model_frame *f)
{
	static const char *const python[] = {"<frozen importlib._bootstrap", "<frozen zipimport", NULL};
	static const char *const node[] = {"node:internal/modules/cjs/", "node:internal/modules/esm/", NULL};

	return (f->kind == LG_FRAME_PYTHON && is_any(f->file, python, starts_with)) ||
	       (f->kind == LG_FRAME_JS && is_any(f->file, node, starts_with));
}

static bool is_resolver(const struct model_frame *f)
{
	static const char *const starts[] = {"getaddrinfo", "gethostby",  "getnameinfo", "res_query",
					     "res_search",  "res_nquery", "res_nsearch", NULL};

	return (f->kind == LG_FRAME_NATIVE || f->kind == LG_FRAME_PYTHON) && is_any(f->function, starts, starts_with);
}

static bool is_handshake(const struct model_frame *f)
{
	static const char *const ends[] = {"SSL_do_handshake", "SSL_connect", "SSL_accept", "gnutls_handshake", NULL};

	return (f->kind == LG_FRAME_NATIVE && is_any(f->function, ends, ends_with)) ||
	       (f->kind == LG_FRAME_PYTHON && ends_with(f->function, "do_handshake"));
}

/* Code that starts another program and waits for it; asyncio's does not wait. */
static bool is_command(const struct model_frame *f)
{
	if (f->kind == LG_FRAME_PYTHON)
		return ends_with(f->file, "/subprocess.py") && !ends_with(f->file, "/asyncio/subprocess.py");
	if (f->kind == LG_FRAME_JS)
		return ends_with(f->function, "spawnSync") && starts_with(f->file, "node:");
	return f->kind == LG_FRAME_NATIVE && (!strcmp(f->function, "system") || !strcmp(f->function, "pclose"));
}

/* What a module is run by, seen from the loader's first frame around it. */
static bool is_module(const struct model_frame *f)
{
	if (f->kind == LG_FRAME_PYTHON)
		return !strcmp(f->function, "<module>");
	return f->kind == LG_FRAME_JS && !starts_with(f->file, "node:");
}

static void frames_look(struct seen *seen, const struct model_frame *frames, size_t nr)
{
	for (size_t i = 0; i < nr && !is_loop(&frames[i]); i++) {
		const struct model_frame *f = &frames[i];

		if (is_start(f)) {
			seen->is_import = false;
			return;
		}
		if (is_loader(f)) {
			seen->is_import = true;
			if (i && is_module(&frames[i - 1]))
				seen->module = &frames[i - 1];
		}
		if (is_resolver(f))
			seen->resolver = f->function;
		seen->is_tls |= is_handshake(f);
		seen->is_command |= is_command(f);
	}
}

/* "orders" of /srv/shop/orders.py and /srv/orders/__init__.py, "left-pad" of /srv/node_modules/left-pad/lib/index.js */
static void module_name(char *out, size_t size, const char *file)
{
	static const char *const packages = "/node_modules/";
	const char *from = file, *end = file + strlen(file), *next;

	while ((next = strstr(from, packages)))
		from = next + strlen(packages);
	if (from != file) {
		end = strchrnul(from, '/');
		if (*from == '@' && *end)
			end = strchrnul(end + 1, '/');
		snprintf(out, size, "%.*s", (int)(end - from), from);
		return;
	}
	if (ends_with(file, "/__init__.py") || ends_with(file, "/index.js"))
		end = strrchr(file, '/');
	from = memrchr(file, '/', (size_t)(end - file));
	from = from ? from + 1 : file;
	next = memrchr(from, '.', (size_t)(end - from));
	snprintf(out, size, "%.*s", (int)((next && next > from ? next : end) - from), from);
}

#define PORT_DNS  53
#define PORT_MDNS 5353

/* A socket to what looks up names for the host's programs. */
static bool is_name_server(const struct lg_target *t, const char *path)
{
	char name[sizeof(t->name) + 1] = "";

	if (t->kind == LG_TARGET_INET || t->kind == LG_TARGET_INET6)
		return t->port == PORT_DNS || t->port == PORT_MDNS;
	if (t->kind != LG_TARGET_UNIX)
		return false;
	memcpy(name, t->name, t->name_len < sizeof(t->name) ? t->name_len : sizeof(t->name));
	path = path ? path : name;
	return strstr(path, "/nscd/socket") || strstr(path, "/io.systemd.Resolve") || strstr(path, "/avahi-daemon/");
}

static enum model_detail_kind kind_of_target(const struct lg_target *t)
{
	switch (t->kind) {
	case LG_TARGET_INET:
	case LG_TARGET_INET6:
	case LG_TARGET_UNIX:
		return MODEL_DETAIL_PEER;
	case LG_TARGET_FILE:
		return MODEL_DETAIL_FILE;
	case LG_TARGET_PIPE:
		return MODEL_DETAIL_PIPE;
	default:
		return MODEL_DETAIL_NONE;
	}
}

static enum model_detail_kind kind_of_call(const struct lg_block *block)
{
	const uint64_t args[] = {block->args[0], block->args[1]};

	if (block->nr < 0)
		return MODEL_DETAIL_NONE;
	switch (call_kind(block->nr, args)) {
	case CALL_KIND_SLEEP:
		return block->fd < 0 ? MODEL_DETAIL_SLEEP : kind_of_target(&block->target);
	case CALL_KIND_CHILD:
		return MODEL_DETAIL_COMMAND;
	case CALL_KIND_SYNC:
		return MODEL_DETAIL_SYNC;
	case CALL_KIND_PATH:
		return MODEL_DETAIL_FILE;
	default:
		return kind_of_target(&block->target);
	}
}

/* Was the block what made the cause? What was long may have been something else. */
static bool is_of_cause(const struct lg_block *block, enum lg_cause cause)
{
	return (cause == LG_CAUSE_SYSCALL && block->sleep == LG_SLEEP_SYSCALL) ||
	       (cause == LG_CAUSE_IO && block->sleep == LG_SLEEP_IO);
}

static enum model_detail_kind kind_of(const struct detail_facts *facts, const struct seen *seen)
{
	const struct lg_block *block = facts->block;
	enum model_detail_kind call = MODEL_DETAIL_NONE;

	if (block && is_of_cause(block, facts->cause))
		call = kind_of_call(block);
	if (call == MODEL_DETAIL_SLEEP)
		return call;
	if (seen->resolver || (call == MODEL_DETAIL_PEER && is_name_server(&block->target, facts->block_path)))
		return MODEL_DETAIL_DNS;
	if (seen->is_tls)
		return MODEL_DETAIL_TLS;
	if (seen->is_command)
		return MODEL_DETAIL_COMMAND;
	return facts->cause == LG_CAUSE_LOCK ? MODEL_DETAIL_FUTEX : call;
}

static void name_put(struct model_detail *d, const struct detail_facts *facts, const struct seen *seen)
{
	const char *text = "";

	switch (d->kind) {
	case MODEL_DETAIL_IMPORT:
		if (seen->module)
			module_name(d->name, sizeof(d->name), seen->module->file);
		return;
	case MODEL_DETAIL_DNS:
		text = seen->resolver ? seen->resolver : "";
		break;
	case MODEL_DETAIL_TLS:
		text = "handshake";
		break;
	case MODEL_DETAIL_COMMAND:
		text = facts->command;
		break;
	case MODEL_DETAIL_FUTEX:
		if (facts->block && facts->block->sleep == LG_SLEEP_LOCK && facts->block->args[0])
			snprintf(d->name, sizeof(d->name), "0x%llx", (unsigned long long)facts->block->args[0]);
		return;
	default:
		return;
	}
	snprintf(d->name, sizeof(d->name), "%s", text);
}

/* Causes that come from around the code say nothing of what it did, nor does its place. */
static bool is_from_outside(enum lg_cause cause)
{
	return cause == LG_CAUSE_GIL || cause == LG_CAUSE_GC || cause == LG_CAUSE_RUNQUEUE ||
	       cause == LG_CAUSE_THROTTLED || cause == LG_CAUSE_STOPPED;
}

void detail_find(struct model_detail *out, const struct detail_facts *facts)
{
	struct seen seen = {0};

	*out = (struct model_detail){.kind = MODEL_DETAIL_NONE};
	if (is_from_outside(facts->cause))
		return;
	frames_look(&seen, facts->frames, facts->nr_frames);
	out->kind = seen.is_import ? MODEL_DETAIL_IMPORT : kind_of(facts, &seen);
	name_put(out, facts, &seen);
}
