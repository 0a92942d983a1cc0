/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small ELF files and /proc trees for tests: functions with given bytes, one symbol table, a build id.
 * The layout is fixed, so that code which calls other code can be written down in bytes.
 */
#ifndef LG_TEST_ELF_IMAGE_H
#define LG_TEST_ELF_IMAGE_H

#include <elf.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_BASE 0x400000 /* address of the file's first byte */
#define IMAGE_CODE 0x1000   /* where symbol 0 is in the file; symbol i is 0x100 bytes further each */
#define IMAGE_SIZE 0x4000
#define IMAGE_MAX  32 /* symbols */

struct image_symbol {
	const char *name;
	const char *bytes;
	size_t len;
	unsigned char type; /* STT_FUNC or STT_OBJECT */
};

static inline uint64_t image_offset(unsigned symbol)
{
	return IMAGE_CODE + symbol * 0x100;
}

static inline void image_build(uint8_t image[IMAGE_SIZE], const struct image_symbol *symbols, size_t nr, uint32_t table,
			       uint16_t machine)
{
	static const char note[] = "\4\0\0\0\4\0\0\0\3\0\0\0GNU\0\xde\xad\xbe\xef";
	Elf64_Ehdr *head = (void *)image;
	Elf64_Phdr *load = (void *)(image + 0x40), *notes = load + 1;
	Elf64_Shdr *sections = (void *)(image + 0x3000);
	Elf64_Sym *sym = (void *)(image + 0x200);
	char *strings = (char *)image + 0x800;
	size_t at = 1;

	memset(image, 0, IMAGE_SIZE);
	memcpy(head->e_ident, ELFMAG "\2\1\1", 7);
	head->e_machine = machine;
	head->e_phoff = 0x40;
	head->e_phnum = 2;
	head->e_phentsize = sizeof(*load);
	head->e_shoff = 0x3000;
	head->e_shnum = 3;
	head->e_shentsize = sizeof(*sections);
	*load = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = IMAGE_BASE, .p_filesz = 0x3000};
	*notes = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = 0x180, .p_filesz = sizeof(note) - 1};
	memcpy(image + 0x180, note, sizeof(note) - 1);
	for (size_t i = 0; i < nr; i++) {
		sym[i + 1] = (Elf64_Sym){.st_name = at, .st_shndx = 1, .st_size = symbols[i].len};
		sym[i + 1].st_info = ELF64_ST_INFO(STB_GLOBAL, symbols[i].type);
		sym[i + 1].st_value = IMAGE_BASE + image_offset(i);
		memcpy(image + image_offset(i), symbols[i].bytes, symbols[i].len);
		at += sprintf(strings + at, "%s", symbols[i].name) + 1;
	}
	sections[1] = (Elf64_Shdr){.sh_type = table, .sh_offset = 0x200, .sh_link = 2};
	sections[1].sh_size = (nr + 1) * sizeof(*sym);
	sections[1].sh_entsize = sizeof(*sym);
	sections[2] = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = 0x800, .sh_size = at};
}

/* Writes a file below `dir`, making the folders on its way. Aborts the test program when it cannot. */
static inline void tree_write(const char *dir, const char *path, const void *bytes, size_t len)
{
	char full[512];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", dir, path);
	for (char *p = strchr(full + strlen(dir) + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		mkdir(full, 0755);
		*p = '/';
	}
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || close(fd))
		abort();
}

static inline void tree_text(const char *dir, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static inline void tree_text(const char *dir, const char *path, const char *format, ...)
{
	char text[2048];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tree_write(dir, path, text, len);
}

/* A stat file: only the fields that are read have a sense. */
static inline void tree_stat(const char *dir, const char *path, int id, const char *comm, char state, int parent,
			     unsigned flags)
{
	tree_text(dir, path, "%d (%s) %c %d 1 1 0 -1 %u 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0 0\n", id, comm, state, parent,
		  flags);
}

static inline unsigned long long tree_ino(const char *dir, const char *path)
{
	char full[512];
	struct stat st;

	snprintf(full, sizeof(full), "%s/%s", dir, path);
	return stat(full, &st) ? 0 : st.st_ino;
}

static inline void tree_remove(const char *dir)
{
	char command[512];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	if (system(command))
		abort();
}

#endif
