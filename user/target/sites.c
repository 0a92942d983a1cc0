/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding probe sites in a C library: see sites.h.
 *
 * Instructions are matched as byte patterns inside one function, without decoding what lies between. That is sound
 * because a pattern is long: `syscall; cmp $-4096,%rax; ja` has nine fixed bytes, and no instruction has an immediate
 * that could hold them all. The number of the system call must be found too, and be one that the function may make.
 */
#include "target/sites.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/elf.h"

#define CODE_MAX   4096 /* bytes of a function that are looked at; select(), the longest, has 485 */
#define BACK_MAX   32   /* bytes before `syscall` in which its number is set: six moves of arguments may come between */
#define COMMON_MAX 64   /* bytes of the common function that are looked at; it has 56 */

/*
 * The functions and the system calls each may make (x86-64 numbers, -1 none). The checked ones (__read_chk, __poll_chk)
 * are not here: they jump to these.
 */
static const struct function {
	const char *name;
	int nr[2];
} functions[] = {
	{"read", {0, -1}},          {"readv", {19, -1}},        {"recv", {45, -1}},          {"recvfrom", {45, -1}},
	{"recvmsg", {47, -1}},      {"write", {1, -1}},         {"writev", {20, -1}},        {"send", {44, -1}},
	{"sendto", {44, -1}},       {"sendmsg", {46, -1}},      {"sendfile", {40, -1}},      {"sendfile64", {40, -1}},
	{"accept", {43, 288}},      {"accept4", {288, -1}},     {"connect", {42, -1}},       {"close", {3, -1}},
	{"epoll_wait", {232, 281}}, {"epoll_pwait", {281, -1}}, {"epoll_pwait2", {441, -1}}, {"poll", {7, 271}},
	{"ppoll", {271, -1}},       {"select", {23, 270}},      {"pselect", {270, -1}},
};

#define NR_FUNCTIONS (sizeof(functions) / sizeof(functions[0]))
_Static_assert(NR_FUNCTIONS <= SITES_MAX_MISSING, "every function may be missing");

struct scan {
	const struct elf_file *elf;
	struct site_file *out;
	uint64_t common; /* address of the common function of cancellable calls, 0 not yet known */
	bool is_exported[NR_FUNCTIONS];
	bool is_found[NR_FUNCTIONS];
	int error; /* -ENOMEM */
};

struct code {
	uint8_t bytes[CODE_MAX];
	size_t len;
	uint64_t addr;
};

static int site_add(struct scan *scan, enum site_kind kind, uint64_t addr, int nr, const char *function)
{
	struct site_file *out = scan->out;
	struct site *more;
	uint64_t offset;
	bool is_exec;

	if (elf_file_offset(scan->elf, addr, &offset, &is_exec) || !is_exec)
		return -EFAULT;
	for (size_t i = 0; i < out->nr; i++)
		if (out->v[i].offset == offset)
			return 0;
	more = realloc(out->v, (out->nr + 1) * sizeof(*more));
	if (!more) {
		scan->error = -ENOMEM;
		return -ENOMEM;
	}
	out->v = more;
	out->v[out->nr++] = (struct site){.kind = kind, .offset = offset, .nr = nr, .function = function};
	return 0;
}

/* `cmp $-4096,%rax` or `cmp $-4095,%rax`, then ja, jae, jb or jbe: where that jump is, relative to p. 0: no match. */
static size_t match_check(const uint8_t *p, size_t len)
{
	static const uint8_t cmp[] = {0x48, 0x3d};

	if (len < 8 || memcmp(p, cmp, sizeof(cmp)) || p[2] > 0x01 || p[3] != 0xf0 || p[4] != 0xff || p[5] != 0xff)
		return 0;
	if ((p[6] & 0xfa) == 0x72)
		return 6;
	return p[6] == 0x0f && (p[7] & 0xfa) == 0x82 ? 6 : 0;
}

static bool is_expected(const struct function *fn, int nr)
{
	return nr >= 0 && (nr == fn->nr[0] || nr == fn->nr[1]);
}

/*
 * The number in eax before the `syscall` at code[at]: the nearest `mov $nr,%eax` or `xor %eax,%eax` with a number that
 * the function may use, or -1. A REX prefix with B or R means
 * another register.
 */
static int number_before(const struct function *fn, const uint8_t *code, size_t at)
{
	int32_t imm;

	/* `test %eax,%eax; jne` that fell through leaves 0 (read() of glibc 2.31). */
	if (at >= 4 && code[at - 4] == 0x85 && code[at - 3] == 0xc0 && code[at - 2] == 0x75 && is_expected(fn, 0))
		return 0;
	for (size_t back = 2; back <= BACK_MAX && back <= at; back++) {
		const uint8_t *p = code + at - back;
		bool has_prefix = back < at && (p[-1] & 0xf0) == 0x40 && (p[-1] & 5);

		if (has_prefix)
			continue;
		if (p[0] == 0x31 && p[1] == 0xc0 && is_expected(fn, 0))
			return 0;
		if (p[0] != 0xb8 || back < 5)
			continue;
		memcpy(&imm, p + 1, sizeof(imm));
		if (is_expected(fn, imm))
			return imm;
	}
	return -1;
}

/* A call that the function makes itself. Returns whether every one it makes has its site. */
static bool scan_direct(struct scan *scan, const struct function *fn, const struct code *code)
{
	const size_t before = scan->out->nr;
	unsigned calls = 0, sites = 0;
	size_t jump;
	int nr;

	for (size_t i = 0; i + 2 <= code->len; i++) {
		if (code->bytes[i] != 0x0f || code->bytes[i + 1] != 0x05)
			continue;
		nr = number_before(fn, code->bytes, i);
		jump = match_check(code->bytes + i + 2, code->len - i - 2);
		/* Neither number nor check: two bytes of some other instruction. */
		if (nr < 0 && !jump)
			continue;
		calls++;
		if (nr >= 0 && jump && !site_add(scan, SITE_DONE, code->addr + i + 2 + jump, nr, fn->name))
			sites++;
	}
	if (calls != sites)
		scan->out->nr = before;
	return calls && calls == sites;
}

/* Whether the common function is at `addr`: within its first bytes it checks a result. Adds that site. */
static bool scan_common(struct scan *scan, uint64_t addr)
{
	uint8_t code[COMMON_MAX];
	size_t jump;

	if (scan->common)
		return scan->common == addr;
	if (elf_file_read(scan->elf, addr, code, sizeof(code)))
		return false;
	for (size_t i = 0; i < sizeof(code); i++) {
		jump = match_check(code + i, sizeof(code) - i);
		if (!jump || site_add(scan, SITE_RESULT, addr + i + jump, -1, ""))
			continue;
		scan->common = addr;
		return true;
	}
	return false;
}

/* `push $nr` at p: its length, or 0. */
static size_t match_push(const struct function *fn, const uint8_t *p, size_t len)
{
	int32_t imm;

	if (len >= 2 && p[0] == 0x6a && is_expected(fn, (int8_t)p[1]))
		return 2;
	if (len < 5 || p[0] != 0x68)
		return 0;
	memcpy(&imm, p + 1, sizeof(imm));
	return is_expected(fn, imm) ? 5 : 0;
}

/*
 * A call through the common function: `push $nr`, moves of arguments, `call common`. The same target in every function,
 * and a check of a result in that target, make the four bytes of its distance as good as a decoded instruction.
 */
static bool scan_common_call(struct scan *scan, const struct function *fn, const struct code *code)
{
	bool is_found = false;
	int32_t distance;
	uint64_t call;
	size_t push;
	int nr;

	for (size_t i = 0; i < code->len; i++) {
		push = match_push(fn, code->bytes + i, code->len - i);
		if (!push)
			continue;
		nr = push == 2 ? code->bytes[i + 1] : code->bytes[i + 1] | code->bytes[i + 2] << 8;
		for (size_t j = i + push; j < i + BACK_MAX && j + 5 <= code->len; j++) {
			if (code->bytes[j] != 0xe8)
				continue;
			memcpy(&distance, code->bytes + j + 1, sizeof(distance));
			call = code->addr + j;
			if (!scan_common(scan, call + 5 + distance))
				continue;
			is_found |= !site_add(scan, SITE_CALL, call, nr, fn->name);
			break;
		}
	}
	scan->out->has_pairs |= is_found;
	return is_found;
}

static int scan_symbol(void *arg, const struct elf_symbol *symbol)
{
	struct scan *scan = arg;
	struct code code;

	for (size_t i = 0; i < NR_FUNCTIONS; i++) {
		if (strcmp(symbol->name, functions[i].name) || !symbol->is_function)
			continue;
		scan->is_exported[i] = true;
		code.addr = symbol->addr;
		code.len = symbol->size < CODE_MAX ? symbol->size : CODE_MAX;
		if (!elf_file_read(scan->elf, code.addr, code.bytes, code.len) &&
		    (scan_direct(scan, &functions[i], &code) || scan_common_call(scan, &functions[i], &code)))
			scan->is_found[i] = true;
	}
	return scan->error;
}

int site_file_scan(struct site_file *out)
{
	struct scan scan = {.out = out};
	struct elf_file *elf;
	int ret;

	ret = elf_file_open(&elf, out->file.path);
	if (ret)
		return ret == -ENOEXEC ? -ENOTSUP : ret;
	scan.elf = elf;
	ret = elf_file_machine(elf) == EM_X86_64 ? 0 : -ENOTSUP;
	if (!ret)
		ret = elf_file_symbols(elf, ELF_TABLE_DYNAMIC, scan_symbol, &scan);
	if (ret == -ENOENT || ret == -EFAULT || ret == -EFBIG)
		ret = 0;
	for (size_t i = 0; i < NR_FUNCTIONS; i++)
		if (scan.is_exported[i] && !scan.is_found[i])
			out->missing[out->nr_missing++] = functions[i].name;
	elf_file_close(elf);
	return ret;
}

static bool is_libc(const char *name)
{
	return !strcmp(name, "libc.so.6") || !strncmp(name, "libc-2.", 7) || !strncmp(name, "ld-musl-", 8) ||
	       !strncmp(name, "libc.musl-", 10);
}

static bool is_libpthread(const char *name)
{
	return !strcmp(name, "libpthread.so.0") || !strncmp(name, "libpthread-2.", 13);
}

static int file_add(struct sites *sites, const struct map_file *file)
{
	struct site_file *more;
	int ret;

	for (size_t i = 0; i < sites->nr_files; i++)
		if (sites->files[i].file.dev == file->dev && sites->files[i].file.ino == file->ino)
			return 0;
	more = realloc(sites->files, (sites->nr_files + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	sites->files = more;
	more += sites->nr_files;
	memset(more, 0, sizeof(*more));
	more->file = *file;
	ret = site_file_scan(more);
	if (ret)
		free(more->v);
	else
		sites->nr_files++;
	return ret;
}

static int map_add(struct sites *sites, int pid, const struct map *map, struct err *err)
{
	struct map_file file;
	int ret = map_file_init(&file, pid, map);

	if (!ret)
		ret = file_add(sites, &file);
	if (ret == -ENOTSUP)
		err_set(err, EXIT_CODE_FAILED, ENOTSUP, "the C library of PID %d is not for x86-64", pid);
	else if (ret)
		err_set(err, EXIT_CODE_FAILED, -ret, "cannot read the C library of PID %d: %s", pid, strerror(-ret));
	return ret;
}

int sites_add(struct sites *sites, int pid, struct err *err)
{
	const struct map *map;
	struct maps maps;
	int ret;

	ret = maps_read(&maps, pid);
	if (ret)
		return err_set(err, ret == -EACCES ? EXIT_CODE_NOT_PERMITTED : EXIT_CODE_FAILED, -ret,
			       "cannot read the memory map of PID %d: %s", pid, strerror(-ret));
	map = maps_find(&maps, is_libc);
	if (!map) {
		ret = err_set(err, EXIT_CODE_FAILED, ENOENT, "PID %d maps no C library", pid);
		err_hint(err, "a static program can be traced with --probes syscall");
		goto out;
	}
	ret = map_add(sites, pid, map, err);
	map = maps_find(&maps, is_libpthread);
	if (!ret && map)
		ret = map_add(sites, pid, map, err);
out:
	maps_fini(&maps);
	return ret;
}

void sites_fini(struct sites *sites)
{
	for (size_t i = 0; i < sites->nr_files; i++)
		free(sites->files[i].v);
	free(sites->files);
	memset(sites, 0, sizeof(*sites));
}
