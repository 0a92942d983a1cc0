/* SPDX-License-Identifier: BSD-2-Clause */
/* An ELF file, read by all that look into a target's files: as a C library, OpenSSL, a Python, a Node. */
#include "fuzz_path.h"
#include "target/cpython.h"
#include "target/elf.h"
#include "target/runtime.h"
#include "target/sites.h"
#include "target/tls.h"
#include "target/v8.h"

static struct fuzz_file file;

static void end(void)
{
	fuzz_proc_remove(&file);
}

static void begin(void)
{
	static const char *const libraries[] = {"/libc.so.6", "/libssl.so.3", "/libpython3.11.so.1.0", NULL};

	fuzz_file_open(&file);
	fuzz_proc_make(&file, libraries);
	atexit(end);
}

static int on_symbol(void *arg, const struct elf_symbol *symbol)
{
	const struct elf_file *elf = arg;
	char code[16];

	elf_file_read(elf, symbol->addr, code, sizeof(code));
	elf_file_read(elf, symbol->addr + symbol->size, code, 1);
	return 0;
}

static void file_check(void)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf_file *elf;
	int64_t tls;
	int len;

	if (elf_file_open(&elf, file.path))
		return;
	elf_file_symbols(elf, ELF_TABLE_DYNAMIC, on_symbol, elf);
	elf_file_symbols(elf, ELF_TABLE_FULL, on_symbol, elf);
	elf_file_tls(elf, &tls);
	len = elf_file_build_id(elf, id);
	FUZZ_CHECK(len <= ELF_BUILD_ID_MAX);
	elf_file_close(elf);
}

static void process_check(void)
{
	struct tls_files files = {};
	struct sites sites = {};
	struct lg_python python;
	struct runtime runtime;
	struct lg_v8 v8;

	sites_add(&sites, FUZZ_PID, NULL);
	sites_fini(&sites);
	tls_files_add(&files, FUZZ_PID);
	tls_files_fini(&files);
	runtime_detect(&runtime, FUZZ_PID);
	cpython_find(&python, FUZZ_PID, 0x030b);
	v8_find(&v8, FUZZ_PID);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!file.root[0])
		begin();
	fuzz_file_write(&file, data, size);
	file_check();
	process_check();
	return 0;
}
