/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading ELF files: a small one of our own, this program, and thousands of damaged ones. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "elf_image.h"
#include "target/elf.h"

#define NR_DAMAGED 4000

static const struct image_symbol symbols[] = {
	{"alpha", "\x01\x02\x03\x04", 4, STT_FUNC},
	{"beta", "\x05\x06", 2, STT_FUNC},
	{"alpha", "\x07", 1, STT_FUNC},
	{"data", "\x08\x00\x00\x00\x00\x00\x00\x00", 8, STT_OBJECT},
};

static char dir[] = "/tmp/lgtrace-test-XXXXXX";
static char path[64];
static uint8_t image[IMAGE_SIZE];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/elf", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(dir);
	return 0;
}

static int count_alpha(void *arg, const struct elf_symbol *symbol)
{
	*(int *)arg += !strcmp(symbol->name, "alpha");
	return 0;
}

static void reads_symbols(void **state)
{
	static const char *const names[] = {"beta", "missing", "data"};
	struct elf_symbol found[3];
	struct elf_file *elf;
	uint8_t bytes[32];
	uint64_t offset;
	int count = 0;
	bool is_exec;

	(void)state;
	image_build(image, symbols, 4, SHT_DYNSYM, EM_X86_64);
	tree_write(dir, "elf", image, sizeof(image));
	assert_int_equal(elf_file_open(&elf, path), 0);
	assert_int_equal(elf_file_machine(elf), EM_X86_64);
	assert_int_equal(elf_file_find(elf, names, 3, found, true), 2);
	assert_ptr_equal(found[0].name, names[0]);
	assert_int_equal(found[0].addr, IMAGE_BASE + image_offset(1));
	assert_int_equal(found[0].offset, image_offset(1));
	assert_int_equal(found[0].size, 2);
	assert_true(found[0].is_function);
	assert_null(found[1].name);
	assert_false(found[2].is_function);
	assert_int_equal(elf_file_read(elf, found[0].addr, bytes, 2), 0);
	assert_memory_equal(bytes, "\x05\x06", 2);
	assert_int_equal(elf_file_symbols(elf, ELF_TABLE_DYNAMIC, count_alpha, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(elf_file_symbols(elf, ELF_TABLE_FULL, count_alpha, &count), -ENOENT);
	assert_int_equal(elf_file_offset(elf, IMAGE_BASE + 0x2fff, &offset, &is_exec), 0);
	assert_true(is_exec);
	assert_int_equal(elf_file_offset(elf, IMAGE_BASE + 0x3000, &offset, NULL), -EFAULT);
	assert_int_equal(elf_file_read(elf, IMAGE_BASE + 0x2fff, bytes, 2), -EFAULT);
	assert_int_equal(elf_file_read(elf, IMAGE_BASE - 1, bytes, 1), -EFAULT);
	assert_int_equal(elf_file_build_id(elf, bytes), 4);
	assert_memory_equal(bytes, "\xde\xad\xbe\xef", 4);
	elf_file_close(elf);
	elf_file_close(NULL);
}

static void reads_the_full_table(void **state)
{
	static const char *const names[] = {"beta"};
	struct elf_symbol found[1];
	struct elf_file *elf;

	(void)state;
	image_build(image, symbols, 4, SHT_SYMTAB, EM_X86_64);
	tree_write(dir, "elf", image, sizeof(image));
	assert_int_equal(elf_file_open(&elf, path), 0);
	assert_int_equal(elf_file_find(elf, names, 1, found, false), 0);
	assert_int_equal(elf_file_find(elf, names, 1, found, true), 1);
	elf_file_close(elf);
}

/* The name's place is that of the symbol "beta" in the one table of strings. */
static void reads_a_section(void **state)
{
	Elf64_Ehdr *head = (void *)image;
	Elf64_Shdr *sections = (void *)(image + 0x3000);
	const Elf64_Sym *beta = (void *)(image + 0x200 + 2 * sizeof(*beta));
	struct elf_file *elf;
	uint8_t bytes[2];

	(void)state;
	image_build(image, symbols, 4, SHT_DYNSYM, EM_X86_64);
	head->e_shstrndx = 2;
	sections[0] = (Elf64_Shdr){.sh_type = SHT_PROGBITS, .sh_name = beta->st_name, .sh_size = 2};
	sections[0].sh_offset = image_offset(1);
	tree_write(dir, "elf", image, sizeof(image));
	assert_int_equal(elf_file_open(&elf, path), 0);
	assert_int_equal(elf_file_section(elf, "beta", bytes, 2), 0);
	assert_memory_equal(bytes, "\x05\x06", 2);
	assert_int_equal(elf_file_section(elf, "beta", bytes, 3), -ENOENT);
	assert_int_equal(elf_file_section(elf, "bet", bytes, 1), -ENOENT);
	elf_file_close(elf);
}

/* Data that begins as zeros has an address but no bytes in the file; code always has some. */
static void finds_zero_data(void **state)
{
	static const char *const names[] = {"beta", "data"};
	Elf64_Phdr *load = (void *)(image + 0x40);
	Elf64_Sym *sym = (void *)(image + 0x200);
	struct elf_symbol found[2];
	struct elf_file *elf;

	(void)state;
	image_build(image, symbols, 4, SHT_DYNSYM, EM_X86_64);
	load->p_memsz = 0x5000;
	for (int i = 1; i <= 4; i++)
		sym[i].st_value = IMAGE_BASE + 0x4000;
	tree_write(dir, "elf", image, sizeof(image));
	assert_int_equal(elf_file_open(&elf, path), 0);
	assert_int_equal(elf_file_find(elf, names, 2, found, true), 1);
	assert_null(found[0].name);
	assert_int_equal(found[1].addr, IMAGE_BASE + 0x4000);
	assert_int_equal(found[1].offset, 0);
	elf_file_close(elf);
}

static void refuses_what_is_no_elf(void **state)
{
	struct elf_file *elf;

	(void)state;
	assert_int_equal(elf_file_open(&elf, "/nonexistent"), -ENOENT);
	assert_int_equal(elf_file_open(&elf, dir), -ENOEXEC);
	tree_write(dir, "elf",
		   "\x7f"
		   "ELF",
		   4);
	assert_int_equal(elf_file_open(&elf, path), -ENOEXEC);
	image_build(image, symbols, 4, SHT_DYNSYM, EM_X86_64);
	image[EI_CLASS] = ELFCLASS32;
	tree_write(dir, "elf", image, sizeof(image));
	assert_int_equal(elf_file_open(&elf, path), -ENOEXEC);
	/* A FIFO must not hang us. */
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(elf_file_open(&elf, path), -ENOEXEC);
	unlink(path);
}

static void uses_everything(void)
{
	static const char *const names[] = {"alpha", "data", "missing"};
	struct elf_symbol found[3];
	struct elf_file *elf;
	uint8_t bytes[64];
	int count = 0;

	if (elf_file_open(&elf, path))
		return;
	elf_file_find(elf, names, 3, found, true);
	elf_file_symbols(elf, ELF_TABLE_DYNAMIC, count_alpha, &count);
	elf_file_read(elf, IMAGE_BASE + 0x2ff0, bytes, sizeof(bytes));
	elf_file_read(elf, UINT64_MAX - 3, bytes, sizeof(bytes));
	elf_file_build_id(elf, bytes);
	elf_file_close(elf);
}

/* Bytes of headers and tables changed at random, and the file cut short: nothing may be read out of bounds (ASan). */
static void survives_damage(void **state)
{
	static const uint8_t evil[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < NR_DAMAGED; i++) {
		size_t len = i % 8 ? sizeof(image) : (size_t)rand_r(&seed) % sizeof(image);

		image_build(image, symbols, 4, i & 1 ? SHT_SYMTAB : SHT_DYNSYM, EM_X86_64);
		for (int n = rand_r(&seed) % 6; n >= 0; n--) {
			size_t at = rand_r(&seed) % 0x300;

			/* ELF and program headers, notes, symbols; section headers. */
			at = rand_r(&seed) % 2 ? at : 0x3000 + at % 0xc0;
			image[at] = rand_r(&seed) % 2 ? evil[rand_r(&seed) % sizeof(evil)] : rand_r(&seed);
		}
		tree_write(dir, "elf", image, len);
		uses_everything();
	}
}

static void reads_this_program(void **state)
{
	static const char *const names[] = {"main"};
	struct elf_symbol found[1];
	struct elf_file *elf;
	uint8_t bytes[16];
	uint64_t offset;
	bool is_exec;

	(void)state;
	assert_int_equal(elf_file_open(&elf, "/proc/self/exe"), 0);
	assert_int_equal(elf_file_find(elf, names, 1, found, true), 1);
	assert_int_equal(elf_file_offset(elf, found[0].addr, &offset, &is_exec), 0);
	assert_true(is_exec);
	assert_int_equal(elf_file_read(elf, found[0].addr, bytes, sizeof(bytes)), 0);
	elf_file_close(elf);
}

/* Names that have an address in the table; versions of one name may have several. */
struct exported {
	const char *name;
	uint64_t addr;
	bool is_there;
};

static int on_exported(void *arg, const struct elf_symbol *symbol)
{
	struct exported *e = arg;

	e->is_there |= !symbol->is_thread_local && symbol->addr == e->addr && !strcmp(symbol->name, e->name);
	return 0;
}

/* Each 16th symbol of the C library, which has a table by hash, is found there as in the whole table. */
static int finds_exported(void *arg, const struct elf_symbol *symbol)
{
	const struct elf_file *elf = arg;
	static int nr;
	struct elf_symbol found;
	struct exported e;

	if (symbol->is_thread_local || nr++ % 16)
		return 0;
	assert_int_equal(elf_file_find(elf, &symbol->name, 1, &found, false), 1);
	e = (struct exported){.name = symbol->name, .addr = found.addr};
	assert_int_equal(elf_file_symbols(elf, ELF_TABLE_DYNAMIC, on_exported, &e), 0);
	assert_true(e.is_there);
	return 0;
}

static const char *const exported[] = {"accept4", "no_such_function", "epoll_wait"};

static void finds_by_hash(void **state)
{
	struct elf_symbol found[3];
	struct elf_file *elf;
	Dl_info libc;

	(void)state;
	assert_true(dladdr(gnu_get_libc_version, &libc));
	assert_int_equal(elf_file_open(&elf, libc.dli_fname), 0);
	assert_int_equal(elf_file_symbols(elf, ELF_TABLE_DYNAMIC, finds_exported, elf), 0);
	assert_int_equal(elf_file_find(elf, exported, 3, found, false), 2);
	assert_null(found[1].name);
	elf_file_close(elf);
}

/* A copy of the C library; where its table by hash is. */
static Elf64_Shdr libc_copy(void)
{
	const Elf64_Shdr *sec;
	Elf64_Shdr hash = {};
	size_t size;
	char *data;
	Dl_info libc;
	FILE *f;

	assert_true(dladdr(gnu_get_libc_version, &libc));
	f = fopen(libc.dli_fname, "r");
	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	data = malloc(size);
	assert_int_equal(fread(data, 1, size, f), size);
	fclose(f);
	tree_write(dir, "elf", data, size);
	sec = (void *)(data + ((Elf64_Ehdr *)data)->e_shoff);
	for (int i = 0; i < ((Elf64_Ehdr *)data)->e_shnum; i++)
		if (sec[i].sh_type == SHT_GNU_HASH)
			hash = sec[i];
	free(data);
	return hash;
}

/* A table by hash that lies costs at most a symbol. */
static void survives_a_damaged_hash(void **state)
{
	Elf64_Shdr hash = libc_copy();
	struct elf_symbol found[3];
	struct elf_file *elf;
	unsigned seed = 2;
	uint32_t word;
	int fd = open(path, O_RDWR);

	(void)state;
	assert_true(fd >= 0 && hash.sh_size);
	assert_int_equal(elf_file_open(&elf, path), 0);
	for (int i = 0; i < NR_DAMAGED / 4; i++) {
		size_t at = i % 4 ? rand_r(&seed) % (hash.sh_size / 4) : (size_t)rand_r(&seed) % 4;

		word = rand_r(&seed) % 2 ? 0xffffffffu << rand_r(&seed) % 32 : (uint32_t)rand_r(&seed) % 4096;
		assert_int_equal(pwrite(fd, &word, 4, hash.sh_offset + 4 * at), 4);
		assert_in_range(elf_file_find(elf, exported, 3, found, false), 0, 2);
	}
	elf_file_close(elf);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_symbols),           cmocka_unit_test(reads_the_full_table),
		cmocka_unit_test(reads_a_section),         cmocka_unit_test(finds_zero_data),
		cmocka_unit_test(refuses_what_is_no_elf),  cmocka_unit_test(survives_damage),
		cmocka_unit_test(reads_this_program),      cmocka_unit_test(finds_by_hash),
		cmocka_unit_test(survives_a_damaged_hash),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
