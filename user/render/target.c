/* SPDX-License-Identifier: BSD-2-Clause */
/* What a file descriptor leads to, and what a loop is made of, in words. */
#include "render/target.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const runtimes[LG_NR_RUNTIMES] = {
#define X(sym, nr, name) [nr] = name,
	LG_RUNTIMES(X)
#undef X
};

static bool is_zero(const __u8 *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

static const char *format_inet(char *buf, size_t size, const struct lg_target *t, const __u8 *addr)
{
	char text[INET_ADDRSTRLEN] = "";

	if (!t->port && is_zero(addr, 4))
		return NULL;
	inet_ntop(AF_INET, addr, text, sizeof(text));
	snprintf(buf, size, "%s:%u", text, t->port);
	return buf;
}

static const char *format_inet6(char *buf, size_t size, const struct lg_target *t)
{
	static const __u8 v4_mapped[12] = {[10] = 0xff, [11] = 0xff};
	char text[INET6_ADDRSTRLEN] = "";

	if (!memcmp(t->addr, v4_mapped, sizeof(v4_mapped)))
		return format_inet(buf, size, t, t->addr + 12);
	if (!t->port && is_zero(t->addr, 16))
		return NULL;
	inet_ntop(AF_INET6, t->addr, text, sizeof(text));
	snprintf(buf, size, "[%s]:%u", text, t->port);
	return buf;
}

/* The name, with '@' for a NUL inside it (abstract sockets may have some). */
static const char *format_name(char *buf, size_t size, const char *prefix, const struct lg_target *t)
{
	size_t len = t->name_len < sizeof(t->name) ? t->name_len : sizeof(t->name);
	char name[sizeof(t->name) + 1];

	for (size_t i = 0; i < len; i++)
		name[i] = t->name[i] ? t->name[i] : '@';
	name[len] = '\0';
	snprintf(buf, size, "%s%s", prefix, name);
	return *buf ? buf : NULL;
}

static const char *format_ino(char *buf, size_t size, const char *what, const struct lg_target *t)
{
	snprintf(buf, size, "%s:[%llu]", what, (unsigned long long)t->ino);
	return buf;
}

static const char *format_holder(char *buf, size_t size, const struct lg_target *t)
{
	snprintf(buf, size, "thread %llu %.*s", (unsigned long long)t->ino, LG_COMM_LEN, t->name);
	return buf;
}

const char *target_format(char *buf, size_t size, const struct lg_target *target, const char *path)
{
	if (path && *path && (target->kind == LG_TARGET_FILE || target->kind == LG_TARGET_PIPE)) {
		snprintf(buf, size, "%s", path);
		return buf;
	}
	switch (target->kind) {
	case LG_TARGET_INET:
		return format_inet(buf, size, target, target->addr);
	case LG_TARGET_INET6:
		return format_inet6(buf, size, target);
	case LG_TARGET_UNIX:
		return format_name(buf, size, "unix:", target);
	case LG_TARGET_PIPE:
		if (!target->name_len)
			return format_ino(buf, size, "pipe", target);
		return format_name(buf, size, "", target);
	case LG_TARGET_SOCKET:
		return format_ino(buf, size, "socket", target);
	case LG_TARGET_FILE:
	case LG_TARGET_OTHER:
		return format_name(buf, size, "", target);
	case LG_TARGET_HOLDER:
		return format_holder(buf, size, target);
	default:
		return NULL;
	}
}

const char *target_format_runtime(char *buf, size_t size, enum lg_runtime runtime, uint16_t version)
{
	const char *name = (unsigned)runtime < LG_NR_RUNTIMES ? runtimes[runtime] : runtimes[LG_RT_NATIVE];
	unsigned major = version >> 8, minor = version & 0xff;

	if (version && runtime == LG_RT_CPYTHON)
		snprintf(buf, size, "%s %u.%u", name, major, minor);
	else if (version && runtime == LG_RT_NODE)
		snprintf(buf, size, "%s %u", name, major);
	else
		snprintf(buf, size, "%s", name);
	return buf;
}
