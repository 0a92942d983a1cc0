/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding one's way in a CPython process: see cpython.h.
 *
 * Types of the core are exported symbols. Those of _asyncio are not; but its module object holds them, and
 * asyncio.tasks the dict of running tasks: they are looked up as `import` would, from sys.modules.
 */
#include "target/cpython.h"

#include <errno.h>
#include <string.h>

#include "target/cpython_layout.h"
#include "target/elf.h"
#include "target/maps.h"
#include "target/memory.h"
#include "target/runtime.h"

#define MAX_ENTRIES 65536 /* of a dict: sys.modules of a large application holds some thousands */

enum {
	SYM_RUNTIME,
	SYM_TYPE,
	SYM_DICT,
	SYM_TUPLE,
	SYM_LONG,
	SYM_CFUNCTION,
	SYM_FUNCTION,
	SYM_METHOD,
	SYM_CELL,
	SYM_CORO,
	SYM_GEN,
	SYM_TRUE,
	SYM_NONE,
	NR_SYMS
};

static const char *const symbol_names[NR_SYMS] = {
	[SYM_RUNTIME] = "_PyRuntime",       [SYM_TYPE] = "PyType_Type",     [SYM_DICT] = "PyDict_Type",
	[SYM_TUPLE] = "PyTuple_Type",       [SYM_LONG] = "PyLong_Type",     [SYM_CFUNCTION] = "PyCFunction_Type",
	[SYM_FUNCTION] = "PyFunction_Type", [SYM_METHOD] = "PyMethod_Type", [SYM_CELL] = "PyCell_Type",
	[SYM_CORO] = "PyCoro_Type",         [SYM_GEN] = "PyGen_Type",       [SYM_TRUE] = "_Py_TrueStruct",
	[SYM_NONE] = "_Py_NoneStruct",
};

/* Memory. */

static uint64_t peek(const struct cpython_memory *memory, uint64_t addr)
{
	uint64_t v;

	return memory->read(memory->arg, addr, &v, sizeof(v)) ? 0 : v;
}

static bool str_is(const struct lg_python *py, const struct cpython_memory *memory, uint64_t str, const char *want)
{
	size_t len = strlen(want);
	char text[64];

	if (len > sizeof(text) || peek(memory, str + 16) != len)
		return false;
	return !memory->read(memory->arg, str + py->str_data, text, len) && !memcmp(text, want, len);
}

/* Bytes of the table of indices before the entries, 0 for nonsense. */
static uint64_t keys_index_bytes(const struct lg_python *py, const struct cpython_memory *memory, uint64_t keys)
{
	uint64_t size = peek(memory, keys + 8);
	uint8_t log2;

	if (!py->keys_log2)
		return size > MAX_ENTRIES * 4 ? 0 : size * (size <= 0xff ? 1 : size <= 0xffff ? 2 : 4);
	if (memory->read(memory->arg, keys + py->keys_log2, &log2, 1) || log2 > 24)
		return 0;
	return 1ULL << log2;
}

uint64_t cpython_dict_get(const struct lg_python *py, const struct cpython_memory *memory, uint64_t dict,
			  const char *key)
{
	uint64_t keys = peek(memory, dict + 32), values = peek(memory, dict + 40);
	uint64_t nr = peek(memory, keys + py->keys_nentries), bytes = keys_index_bytes(py, memory, keys), at;
	uint8_t kind = 0;

	if (!keys || !bytes || values || nr > MAX_ENTRIES)
		return 0;
	if (py->keys_kind && memory->read(memory->arg, keys + py->keys_kind, &kind, 1))
		return 0;
	for (uint64_t i = 0; i < nr; i++) {
		at = keys + py->keys_indices + bytes + i * (kind ? 16 : 24) + (kind ? 0 : 8);
		if (str_is(py, memory, peek(memory, at), key))
			return peek(memory, at + 8);
	}
	return 0;
}

/* The process. */

static bool is_libpython(const char *name)
{
	return !strncmp(name, "libpython", 9) && runtime_python_version(name);
}

/*
 * Where the file is loaded, against its linked addresses: of the mappings that hold PyDict_Type's bytes (pages where
 * two segments meet are mapped twice), the one where it is a type.
 */
static int bias_find(const struct maps *maps, uint64_t ino, const struct elf_symbol *found,
		     const struct cpython_memory *memory, uint64_t *bias)
{
	const struct elf_symbol *dict = &found[SYM_DICT];

	for (size_t i = 0; i < maps->nr; i++) {
		const struct map *map = &maps->v[i];

		if (map->ino != ino || dict->offset < map->offset ||
		    dict->offset - map->offset >= map->end - map->start)
			continue;
		*bias = map->start + (dict->offset - map->offset) - dict->addr;
		if (peek(memory, *bias + dict->addr + 8) == *bias + found[SYM_TYPE].addr)
			return 0;
	}
	return -ENOEXEC;
}

static int symbols_find(struct lg_python *py, const struct maps *maps, int pid, const struct cpython_memory *memory,
			uint64_t *runtime)
{
	const struct map *map = maps_find(maps, is_libpython);
	struct elf_symbol found[NR_SYMS];
	struct elf_file *elf = NULL;
	struct map_file file;
	uint64_t bias = 0;
	int ret;

	ret = map ? map_file_init(&file, pid, map) : map_file_init_exe(&file, pid);
	if (!ret)
		ret = elf_file_open(&elf, file.path);
	if (ret)
		return ret;
	ret = elf_file_find(elf, symbol_names, NR_SYMS, found, false);
	elf_file_close(elf);
	if (ret < 0)
		return ret;
	if (ret != NR_SYMS)
		return -ENOTSUP;
	ret = bias_find(maps, map ? map->ino : file.ino, found, memory, &bias);
	if (ret)
		return ret;
	*runtime = bias + found[SYM_RUNTIME].addr;
	py->type_dict = bias + found[SYM_DICT].addr;
	py->type_tuple = bias + found[SYM_TUPLE].addr;
	py->type_long = bias + found[SYM_LONG].addr;
	py->type_cfunction = bias + found[SYM_CFUNCTION].addr;
	py->type_function = bias + found[SYM_FUNCTION].addr;
	py->type_method = bias + found[SYM_METHOD].addr;
	py->type_cell = bias + found[SYM_CELL].addr;
	py->type_coro = bias + found[SYM_CORO].addr;
	py->type_gen = bias + found[SYM_GEN].addr;
	py->true_object = bias + found[SYM_TRUE].addr;
	py->none_object = bias + found[SYM_NONE].addr;
	return 0;
}

/* An attribute of an imported module: module objects have their dict right behind their head. */
static uint64_t module_get(const struct lg_python *py, const struct cpython_memory *memory, uint64_t modules,
			   const char *module, const char *name)
{
	uint64_t at = cpython_dict_get(py, memory, modules, module);

	return at ? cpython_dict_get(py, memory, peek(memory, at + 16), name) : 0;
}

static int objects_find(struct cpython_layout *layout, const struct cpython_memory *memory, uint64_t runtime)
{
	struct lg_python *py = &layout->py;
	uint64_t modules;

	py->interp = peek(memory, runtime + layout->main);
	modules = peek(memory, py->interp + layout->modules);
	if (!py->interp || peek(memory, modules + 8) != py->type_dict)
		return -ENOTSUP;
	py->gil = layout->gil_at_interpreter ? peek(memory, py->interp + layout->gil) : runtime + layout->gil;
	py->type_task = module_get(py, memory, modules, "_asyncio", "Task");
	py->type_future = module_get(py, memory, modules, "_asyncio", "Future");
	py->type_partial = module_get(py, memory, modules, "functools", "partial");
	py->tasks = module_get(py, memory, modules, "asyncio.tasks", "_current_tasks");
	if (!py->type_task || !py->type_future || (!py->tasks && !py->tstate_task))
		return -ENOENT;
	return 0;
}

static bool is_asyncio(const char *name)
{
	return !strncmp(name, "_asyncio.", 9);
}

/* _asyncio is a library of its own, or a part of the interpreter. */
static int asyncio_publish(struct cpython_layout *layout, const struct maps *maps, int pid)
{
	const struct map *map = maps_find(maps, is_asyncio);
	uint64_t words[CPYTHON_ASYNCIO_WORDS];
	struct elf_file *elf = NULL;
	struct map_file file;
	int ret;

	if (!map)
		map = maps_find(maps, is_libpython);
	ret = map ? map_file_init(&file, pid, map) : map_file_init_exe(&file, pid);
	if (!ret)
		ret = elf_file_open(&elf, file.path);
	if (ret)
		return ret;
	ret = elf_file_section(elf, CPYTHON_ASYNCIO_SECTION, words, sizeof(words));
	elf_file_close(elf);
	return ret ? ret : cpython_layout_publish_asyncio(layout, words);
}

/* What the process itself says goes before the tables. */
static int layout_publish(struct cpython_layout *layout, const struct maps *maps, int pid,
			  const struct cpython_memory *memory, uint64_t runtime)
{
	uint64_t words[CPYTHON_WORDS];
	int ret = 0;

	if (layout->py.version >= CPYTHON_PUBLISHES)
		ret = memory->read(memory->arg, runtime, words, sizeof(words));
	if (!ret && layout->py.version >= CPYTHON_PUBLISHES)
		ret = cpython_layout_publish(layout, words);
	if (!ret && layout->py.version >= CPYTHON_ASYNCIO_PUBLISHES)
		ret = asyncio_publish(layout, maps, pid);
	return ret;
}

int cpython_find(struct lg_python *out, int pid, uint16_t version)
{
	struct cpython_memory memory = {.read = memory_read, .arg = &pid};
	struct cpython_layout layout;
	uint64_t runtime = 0;
	struct maps maps;
	int ret;

	if (!cpython_layout_init(&layout, version))
		return -ENOTSUP;
	ret = maps_read(&maps, pid);
	if (ret)
		return ret;
	ret = symbols_find(&layout.py, &maps, pid, &memory, &runtime);
	if (!ret)
		ret = layout_publish(&layout, &maps, pid, &memory, runtime);
	maps_fini(&maps);
	if (!ret)
		ret = objects_find(&layout, &memory, runtime);
	*out = layout.py;
	return ret;
}
