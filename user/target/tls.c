/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding OpenSSL in a process: see tls.h. */
#include "target/tls.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/elf.h"

static const char *const function_names[TLS_NR_FUNCTIONS] = {
	[TLS_READ] = "SSL_read",
	[TLS_WRITE] = "SSL_write",
	[TLS_READ_EX] = "SSL_read_ex",
	[TLS_WRITE_EX] = "SSL_write_ex",
};

/* libssl.so.3, and libssl-1a2b3c4d.so.3 of Python wheels. */
static bool is_libssl(const char *name)
{
	return !strncmp(name, "libssl", 6) && (name[6] == '.' || name[6] == '-') && strstr(name, ".so");
}

/* Where in a function with this beginning a probe is cheap: push of one register is emulated, endbr64 is not. */
static uint64_t probe_skip(const struct elf_file *elf, const struct elf_symbol *symbol)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	uint8_t code[6];
	size_t at = sizeof(endbr64);

	if (elf_file_machine(elf) != EM_X86_64 || symbol->size < sizeof(code) ||
	    elf_file_read(elf, symbol->addr, code, sizeof(code)) || memcmp(code, endbr64, sizeof(endbr64)))
		return 0;
	if (code[at] == 0x41)
		at++;
	return (code[at] & 0xf8) == 0x50 ? sizeof(endbr64) : 0;
}

/* 1 when the file has the functions, 0 when it has not, or a negative error. */
static int file_scan(struct tls_file *file)
{
	struct elf_symbol found[TLS_NR_FUNCTIONS];
	struct elf_file *elf;
	int ret;

	ret = elf_file_open(&elf, file->file.path);
	if (ret)
		return ret;
	ret = elf_file_find(elf, function_names, TLS_NR_FUNCTIONS, found, false);
	for (size_t i = 0; ret > 0 && i < TLS_NR_FUNCTIONS; i++) {
		if (!found[i].name || !found[i].is_function)
			continue;
		file->entry[i] = found[i].offset;
		file->probe[i] = found[i].offset + probe_skip(elf, &found[i]);
	}
	elf_file_close(elf);
	return ret < 0 ? ret : file->entry[TLS_READ] || file->entry[TLS_WRITE];
}

static int file_add(struct tls_files *files, const struct map_file *map_file)
{
	struct tls_file *more;
	int ret;

	for (size_t i = 0; i < files->nr; i++)
		if (files->v[i].file.dev == map_file->dev && files->v[i].file.ino == map_file->ino)
			return 0;
	more = realloc(files->v, (files->nr + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	files->v = more;
	more += files->nr;
	memset(more, 0, sizeof(*more));
	more->file = *map_file;
	ret = file_scan(more);
	if (ret > 0)
		files->nr++;
	return ret == -ENOMEM ? ret : 0;
}

int tls_files_add(struct tls_files *files, int pid)
{
	struct map_file file;
	uint64_t last = 0;
	struct maps maps;
	int ret;

	ret = maps_read(&maps, pid);
	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < maps.nr; i++) {
		if (!maps.v[i].ino || maps.v[i].ino == last || !is_libssl(proc_basename(maps.v[i].path)))
			continue;
		last = maps.v[i].ino;
		if (!map_file_init(&file, pid, &maps.v[i]))
			ret = file_add(files, &file);
	}
	if (!ret && !map_file_init_exe(&file, pid))
		ret = file_add(files, &file);
	maps_fini(&maps);
	return ret;
}

void tls_files_fini(struct tls_files *files)
{
	free(files->v);
	memset(files, 0, sizeof(*files));
}
