/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling runtimes apart: see runtime.h.
 *
 * Order: CPython and Node by the symbols that make them what they are (in the executable, or in the library that an
 * almost empty executable loads), then servers by name.
 */
#include "target/runtime.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "target/elf.h"
#include "target/maps.h"

/*
 * Py_Version came with 3.11. napi_get_node_version() is part of Node's stable ABI; V8 alone (as in Chromium or Deno)
 * does not make a Node.
 */
enum { SYM_PY_RUNTIME, SYM_PY_VERSION, SYM_NODE_VERSION, NR_SYMS };

static const char *const symbol_names[NR_SYMS] = {
	[SYM_PY_RUNTIME] = "_PyRuntime",
	[SYM_PY_VERSION] = "Py_Version",
	[SYM_NODE_VERSION] = "napi_get_node_version",
};

uint16_t runtime_python_version(const char *name)
{
	unsigned major, minor;

	if (sscanf(name, "libpython%1u.%2u", &major, &minor) == 2 && strstr(name, ".so"))
		return major << 8 | minor;
	if (sscanf(name, "python%1u.%2u", &major, &minor) == 2)
		return major << 8 | minor;
	if (sscanf(name, "cpython-%1u%2u", &major, &minor) == 2)
		return major << 8 | minor;
	return 0;
}

enum lg_runtime runtime_of_name(const char *name)
{
	/* Debian's redis-server is a link to redis-check-rdb: all of Redis's programs are one. */
	static const struct {
		const char *prefix;
		enum lg_runtime kind;
	} servers[] = {
		{"nginx", LG_RT_NGINX},          {"redis-server", LG_RT_REDIS},  {"redis-check-", LG_RT_REDIS},
		{"redis-sentinel", LG_RT_REDIS}, {"valkey-server", LG_RT_REDIS}, {"valkey-check-", LG_RT_REDIS},
		{"haproxy", LG_RT_HAPROXY},
	};

	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		if (!strncmp(name, servers[i].prefix, strlen(servers[i].prefix)))
			return servers[i].kind;
	return LG_RT_NATIVE;
}

static bool is_libpython(const char *name)
{
	/* Not libpython3.so, which only forwards to the real one. */
	return !strncmp(name, "libpython", 9) && runtime_python_version(name);
}

bool runtime_is_libnode(const char *name)
{
	return !strncmp(name, "libnode.so", 10);
}

/* An extension module of the standard library: its name tells the version of the interpreter that loaded it. */
static uint16_t maps_python_version(const struct maps *maps)
{
	for (size_t i = 0; i < maps->nr; i++) {
		const char *tag = strstr(proc_basename(maps->v[i].path), ".cpython-");
		uint16_t version = tag ? runtime_python_version(tag + 1) : 0;

		if (version)
			return version;
	}
	return 0;
}

/* PY_VERSION_HEX, which Py_Version holds: 0x030b02f0 for 3.11.2. */
static uint16_t elf_python_version(const struct elf_file *elf, const struct elf_symbol *symbol)
{
	uint64_t hex;

	if (!symbol->name || elf_file_read(elf, symbol->addr, &hex, sizeof(hex)))
		return 0;
	return hex >> 32 ? 0 : hex >> 16;
}

/* What napi_get_node_version() returns a pointer to: a constant inside the program. */
static uint16_t node_version_at(const struct elf_file *elf, uint64_t addr)
{
	uint32_t v[3]; /* major, minor, patch */
	uint64_t offset;
	bool is_exec;

	if (elf_file_offset(elf, addr, &offset, &is_exec) || is_exec || elf_file_read(elf, addr, v, sizeof(v)))
		return 0;
	return v[0] >= 8 && v[0] < 200 && v[1] < 100 && v[2] < 100 ? v[0] << 8 | v[1] : 0;
}

/*
 * The function stores the address of that constant: movq $imm32,(%reg) in a program at a fixed address, lea
 * disp32(%rip),%reg in one that can be moved; on arm64 it takes adrp and add, which are not read here.
 */
static uint16_t elf_node_version(const struct elf_file *elf, const struct elf_symbol *symbol)
{
	uint16_t version = 0;
	uint8_t code[256];
	size_t len = symbol->size < sizeof(code) ? symbol->size : sizeof(code);
	int32_t imm;

	if (elf_file_read(elf, symbol->addr, code, len))
		return 0;
	for (size_t i = 0; !version && i + 7 <= len; i++) {
		memcpy(&imm, code + i + 3, sizeof(imm));
		if (code[i] == 0x48 && code[i + 1] == 0xc7 && code[i + 2] < 0x08)
			version = node_version_at(elf, (uint64_t)imm);
		else if ((code[i] & 0xfb) == 0x48 && code[i + 1] == 0x8d && (code[i + 2] & 0xc7) == 0x05)
			version = node_version_at(elf, symbol->addr + i + 7 + imm);
	}
	return version;
}

/* True when the file is a runtime by what it exports. */
static bool file_detect(struct runtime *out, const char *path)
{
	struct elf_symbol found[NR_SYMS];
	struct elf_file *elf;

	if (elf_file_open(&elf, path))
		return false;
	elf_file_find(elf, symbol_names, NR_SYMS, found, false);
	if (found[SYM_PY_RUNTIME].name || found[SYM_PY_VERSION].name) {
		out->kind = LG_RT_CPYTHON;
		out->version = elf_python_version(elf, &found[SYM_PY_VERSION]);
	} else if (found[SYM_NODE_VERSION].name) {
		out->kind = LG_RT_NODE;
		out->version = elf_node_version(elf, &found[SYM_NODE_VERSION]);
	}
	elf_file_close(elf);
	return out->kind != LG_RT_NATIVE;
}

static void detect(struct runtime *out, int pid, const struct maps *maps, const char *exe, const char *comm)
{
	const struct map *map = maps_find(maps, is_libpython);
	struct map_file file;

	if (map) {
		out->kind = LG_RT_CPYTHON;
		out->version = runtime_python_version(proc_basename(map->path));
		return;
	}
	map = maps_find(maps, runtime_is_libnode);
	if (map && !map_file_init(&file, pid, map) && file_detect(out, file.path))
		return;
	/* A server needs no reading of its symbols. */
	out->kind = runtime_of_name(exe);
	if (out->kind == LG_RT_NATIVE && !map_file_init_exe(&file, pid))
		file_detect(out, file.path);
	if (out->kind == LG_RT_CPYTHON && !out->version)
		out->version = runtime_python_version(exe);
	if (out->kind == LG_RT_CPYTHON && !out->version)
		out->version = maps_python_version(maps);
	if (out->kind == LG_RT_NATIVE)
		out->kind = runtime_of_name(comm);
}

int runtime_detect(struct runtime *out, int pid)
{
	char exe[PROC_PATH_LEN];
	struct proc_stat stat;
	struct maps maps;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = proc_stat(pid, 0, &stat);
	if (!ret)
		ret = proc_exe(pid, exe, sizeof(exe), NULL);
	if (ret)
		return ret;
	ret = maps_read(&maps, pid);
	if (ret)
		return ret;
	detect(out, pid, &maps, proc_basename(exe), stat.comm);
	maps_fini(&maps);
	return 0;
}
