/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache: processes with their maps, files with their functions, names by address. */
#include "symbol/symbols.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/table.h"
#include "symbol/kernel.h"
#include "symbol/module.h"
#include "symbol/names.h"
#include "symbol/perfmap.h"
#include "symbol/regions.h"
#include "target/proc.h"

#define LARGE         (8u << 20)  /* bytes of code whose symbols take some tens of ms to read */
#define MAX_BYTES     (40u << 20) /* of modules and perf maps; what was used last stays even if it is larger */
#define MAX_FILES     128         /* each module keeps one or two files open */
#define MAX_PROCESSES 256
#define NR_NAMES      8192      /* names by address, some 150 bytes each */
#define REREAD_NS     500000000 /* a map that does not know an address is read again, but not more often */
#define MAX_VDSO      65536

struct file {
	struct list by_use;
	uint64_t key;
	uint64_t dev;
	uint64_t ino;
	struct module *module; /* NULL: it could not be read */
};

struct process {
	struct list by_use;
	int pid;
	uint64_t number; /* another one for each snapshot of a map: what names are remembered under */
	struct regions regions;
	struct perfmap *compiled; /* NULL: none */
	uint64_t compiled_ns;     /* when it was looked for */
};

struct symbols {
	struct table files;
	struct list files_by_use; /* the last one was used last */
	struct table processes;   /* pid -> struct process */
	struct list processes_by_use;
	uint64_t last_number;
	struct names *names;
	struct module *vdso; /* the kernel gives every process the same; NULL: none */
	struct kernel_symbols *kernel;
	bool has_kernel; /* it was looked for */
};

/* As a file, from this process's own memory. */
static void vdso_open(struct symbols *s)
{
	static const char *const roots[] = {NULL};
	const char *vdso = (const char *)getauxval(AT_SYSINFO_EHDR);
	char path[PROC_PATH_LEN];
	struct regions own = {};
	const struct region *region;
	int fd;

	if (!vdso || regions_read(&own, getpid()))
		return;
	region = regions_find(&own, (uintptr_t)vdso);
	fd = region ? memfd_create("vdso", MFD_CLOEXEC) : -1;
	if (fd >= 0 && region->end - region->start <= MAX_VDSO &&
	    write(fd, vdso, region->end - region->start) == (ssize_t)(region->end - region->start) &&
	    !proc_path(path, sizeof(path), getpid(), "fd/%d", fd))
		module_open(&s->vdso, path, NULL, roots);
	if (fd >= 0)
		close(fd);
	regions_fini(&own);
}

int symbols_new(struct symbols **out)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (!s || names_new(&s->names, NR_NAMES)) {
		free(s);
		return -ENOMEM;
	}
	table_init(&s->files, clock_ns(CLOCK_MONOTONIC));
	table_init(&s->processes, 0);
	list_init(&s->files_by_use);
	list_init(&s->processes_by_use);
	vdso_open(s);
	*out = s;
	return 0;
}

static void file_free(struct symbols *s, struct file *f)
{
	table_del(&s->files, f->key);
	list_del(&f->by_use);
	module_free(f->module);
	free(f);
}

static void process_free(struct symbols *s, struct process *p)
{
	table_del(&s->processes, p->pid);
	list_del(&p->by_use);
	regions_fini(&p->regions);
	perfmap_free(p->compiled);
	free(p);
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	list_for_each (file, &s->files_by_use)
		file_free(s, list_entry(file, struct file, by_use));
	list_for_each (process, &s->processes_by_use)
		process_free(s, list_entry(process, struct process, by_use));
	table_fini(&s->files);
	table_fini(&s->processes);
	kernel_symbols_free(s->kernel);
	module_free(s->vdso);
	names_free(s->names);
	free(s);
}

void symbols_forget(struct symbols *s, int pid)
{
	struct process *p = table_get(&s->processes, pid);

	if (p)
		process_free(s, p);
}

static size_t file_bytes(const struct file *f)
{
	return sizeof(*f) + (f->module ? module_bytes(f->module) : 0);
}

static size_t cache_bytes(const struct symbols *s)
{
	size_t sum = 0;

	list_for_each (file, &s->files_by_use)
		sum += file_bytes(list_entry(file, struct file, by_use));
	list_for_each (process, &s->processes_by_use) {
		const struct process *p = list_entry(process, struct process, by_use);

		sum += sizeof(*p) + p->regions.nr * sizeof(*p->regions.v);
		sum += p->compiled ? perfmap_bytes(p->compiled) : 0;
	}
	return sum;
}

size_t symbols_bytes(const struct symbols *s)
{
	return cache_bytes(s) + names_bytes(s->names) + kernel_symbols_bytes(s->kernel) +
	       (s->vdso ? module_bytes(s->vdso) : 0);
}

/* Drops what was not used for the longest time; the newest file and process stay. */
static void cache_trim(struct symbols *s)
{
	while (s->files_by_use.next->next != &s->files_by_use &&
	       (s->files.count > MAX_FILES || cache_bytes(s) > MAX_BYTES))
		file_free(s, list_entry(s->files_by_use.next, struct file, by_use));
	while (s->processes_by_use.next->next != &s->processes_by_use &&
	       (s->processes.count > MAX_PROCESSES || cache_bytes(s) > MAX_BYTES))
		process_free(s, list_entry(s->processes_by_use.next, struct process, by_use));
}

/* Processes. */

static void process_read(struct symbols *s, struct process *p)
{
	regions_read(&p->regions, p->pid);
	p->number = ++s->last_number;
}

static struct process *process_get(struct symbols *s, int pid)
{
	struct process *p = table_get(&s->processes, pid);

	if (p) {
		list_del(&p->by_use);
		list_add_tail(&s->processes_by_use, &p->by_use);
		return p;
	}
	p = calloc(1, sizeof(*p));
	if (!p || table_put(&s->processes, pid, p)) {
		free(p);
		return NULL;
	}
	p->pid = pid;
	list_add_tail(&s->processes_by_use, &p->by_use);
	process_read(s, p);
	cache_trim(s);
	return p;
}

/* An address that is in no mapping of code may be in a library that was loaded since. */
static const struct region *region_get(struct symbols *s, struct process *p, uint64_t addr)
{
	const struct region *region = regions_find(&p->regions, addr);

	if (region || clock_ns(CLOCK_MONOTONIC) - p->regions.read_ns < REREAD_NS)
		return region;
	process_read(s, p);
	return regions_find(&p->regions, addr);
}

/* Files. */

static void module_load(struct file *f, int pid, const struct region *region)
{
	char root[64], dir[PROC_PATH_LEN];
	const char *const roots[] = {root, "", NULL};
	struct map_file file;

	snprintf(root, sizeof(root), "/proc/%d/root", pid);
	snprintf(dir, sizeof(dir), "%.*s", (int)(proc_basename(region->path) - region->path), region->path);
	if (*dir)
		dir[strlen(dir) - 1] = 0;
	if (!region_file(region, pid, &file))
		module_open(&f->module, file.path, dir, roots);
}

static struct module *module_get(struct symbols *s, const struct process *p, const struct region *region)
{
	uint64_t key = region->ino ^ region->dev << 40;
	struct file *f = table_get(&s->files, key);

	if (f && f->dev == region->dev && f->ino == region->ino) {
		list_del(&f->by_use);
		list_add_tail(&s->files_by_use, &f->by_use);
		return f->module;
	}
	if (f)
		file_free(s, f);
	f = calloc(1, sizeof(*f));
	if (!f || table_put(&s->files, key, f)) {
		free(f);
		return NULL;
	}
	f->key = key;
	f->dev = region->dev;
	f->ino = region->ino;
	list_add_tail(&s->files_by_use, &f->by_use);
	module_load(f, p->pid, region);
	cache_trim(s);
	return f->module;
}

/* Names. */

/* Parts of a language's own library, which are linked into the program. */
static bool function_is_own(const char *function)
{
	static const char *const starts[] = {
		"std::",       "<std::",  "core::", "<core::", "alloc::",     "<alloc::", "tokio::", "<tokio::",
		"__gnu_cxx::", "boost::", "uv__",   "uv_",     "event_base_", "_start",   "__libc_"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (!strncmp(function, starts[i], strlen(starts[i])))
			return false;
	return true;
}

static void place_name(struct frame *out, const struct region *region, uint64_t addr)
{
	const char *name = region ? proc_basename(region->path) : "";

	if (*name)
		snprintf(out->function, sizeof(out->function), "%.200s+0x%llx", name,
			 (unsigned long long)(addr - region->start + region->offset));
	else
		snprintf(out->function, sizeof(out->function), "0x%llx", (unsigned long long)addr);
}

static void module_name(struct symbols *s, const struct process *p, const struct region *region, uint64_t addr,
			struct frame *out)
{
	uint64_t offset = addr - region->start + region->offset;
	bool is_vdso = !strcmp(region->path, "[vdso]");
	struct module *m = is_vdso ? s->vdso : region->ino ? module_get(s, p, region) : NULL;

	snprintf(out->file, sizeof(out->file), "%s", region->path);
	out->module = region->ino;
	out->is_own = region->ino && (region->ino == p->regions.exe_ino || frame_file_is_own(region->path));
	if (!m || module_function(m, offset, out->function, sizeof(out->function))) {
		place_name(out, region, addr);
		return;
	}
	/* Lines of a library that is not his own tell the user nothing, and take long to find. */
	if (out->is_own && !module_line(m, offset, out->file, sizeof(out->file), &out->line))
		out->is_own = frame_file_is_own(out->file);
	out->is_own = out->is_own && function_is_own(out->function);
}

/* The file that an address of a process lies in, and where there; NULL: in none. */
static struct module *module_at(struct symbols *s, int pid, uint64_t addr, uint64_t *offset)
{
	struct process *p = process_get(s, pid);
	const struct region *region = p ? region_get(s, p, addr) : NULL;

	if (!region)
		return NULL;
	*offset = addr - region->start + region->offset;
	return !strcmp(region->path, "[vdso]") ? s->vdso : region->ino ? module_get(s, p, region) : NULL;
}

int symbols_step(struct symbols *s, int pid, uint64_t regs[CFI_NR_REGS], bool is_return,
		 const struct cfi_memory *memory)
{
	uint64_t offset;
	struct module *m = module_at(s, pid, regs[CFI_IP] - is_return, &offset);

	return m ? module_step(m, offset, regs, memory) : -ENOENT;
}

bool symbols_is_frameless(struct symbols *s, int pid, uint64_t ip)
{
	uint64_t offset;
	struct module *m = module_at(s, pid, ip, &offset);

	return m && module_is_frameless(m, offset);
}

void symbols_find(struct symbols *s, int pid, uint64_t addr, bool is_return, struct frame *out)
{
	struct process *p = process_get(s, pid);
	const struct region *region;
	struct names_key key;

	addr -= is_return;
	*out = (struct frame){.kind = LG_FRAME_NATIVE};
	region = p ? region_get(s, p, addr) : NULL;
	if (!region || (!region->ino && region->path[0] != '[')) {
		if (!symbols_find_compiled(s, pid, addr, out->function, sizeof(out->function)))
			place_name(out, region, addr);
		return;
	}
	key = (struct names_key){.process = p->number, .addr = addr};
	if (names_get(s->names, &key, out))
		return;
	module_name(s, p, region, addr, out);
	names_put(s->names, &key, out);
}

void symbols_prepare(struct symbols *s, int pid)
{
	struct process *p = process_get(s, pid);

	for (size_t i = 0; p && i < p->regions.nr; i++)
		if (p->regions.v[i].ino && p->regions.v[i].end - p->regions.v[i].start >= LARGE)
			module_get(s, p, &p->regions.v[i]);
}

bool symbols_find_compiled(struct symbols *s, int pid, uint64_t addr, char *name, size_t size)
{
	struct process *p = process_get(s, pid);
	const char *found;

	if (!p)
		return false;
	if (clock_ns(CLOCK_MONOTONIC) - p->compiled_ns >= REREAD_NS &&
	    (!p->compiled || perfmap_is_stale(p->compiled, pid))) {
		perfmap_free(p->compiled);
		p->compiled = NULL;
		p->compiled_ns = clock_ns(CLOCK_MONOTONIC);
		perfmap_open(&p->compiled, pid);
		cache_trim(s);
	}
	found = p->compiled ? perfmap_find(p->compiled, addr) : NULL;
	if (found)
		snprintf(name, size, "%s", found);
	return found;
}

void symbols_find_kernel(struct symbols *s, uint64_t addr, struct frame *out)
{
	const char *name = NULL;

	if (!s->has_kernel) {
		s->has_kernel = true;
		kernel_symbols_open(&s->kernel);
	}
	*out = (struct frame){.kind = LG_FRAME_KERNEL};
	if (s->kernel)
		name = kernel_symbols_find(s->kernel, addr);
	if (name)
		snprintf(out->function, sizeof(out->function), "%s", name);
	else
		place_name(out, NULL, addr);
}
