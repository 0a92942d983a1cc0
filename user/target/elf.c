/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading ELF files that may lie: see elf.h.
 *
 * Only the headers are kept; a symbol table and its strings are read for one pass and freed.
 */
#include "target/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Node, with 100 MB one of the largest programs there are, has 44 sections, 10 segments and 10 MB of symbols. */
#define MAX_SECTIONS 4096
#define MAX_SEGMENTS 256
#define MAX_TLS      (1 << 24) /* far beyond any real one */
#define TCB_LEN      16        /* arm64: the thread control block lies before the program's block */
#define MAX_TABLE    (256u << 20)
#define MAX_NOTES    (64 << 10)

struct elf_file {
	int fd;
	uint64_t size; /* of the file, when it was opened */
	int machine;
	Elf64_Phdr *segments;
	size_t nr_segments;
	Elf64_Shdr *sections;
	size_t nr_sections;
	size_t names; /* the section that holds the names of sections */
};

/* Exactly `len` bytes of the file, or -EFAULT. */
static int bytes_read(const struct elf_file *elf, uint64_t offset, void *buf, size_t len)
{
	char *to = buf;
	ssize_t got;

	if (offset > elf->size || len > elf->size - offset)
		return -EFAULT;
	while (len) {
		got = pread(elf->fd, to, len, offset);
		if (got <= 0)
			return got ? -errno : -EFAULT;
		to += got;
		offset += got;
		len -= got;
	}
	return 0;
}

/* As bytes_read(), into new memory with a NUL byte after it. */
static int bytes_load(const struct elf_file *elf, uint64_t offset, uint64_t len, uint64_t max, void *out)
{
	char *buf;
	int ret;

	if (len > max)
		return -EFBIG;
	if (offset > elf->size || len > elf->size - offset)
		return -EFAULT;
	buf = malloc(len + 1);
	if (!buf)
		return -ENOMEM;
	ret = bytes_read(elf, offset, buf, len);
	if (ret) {
		free(buf);
		return ret;
	}
	buf[len] = 0;
	*(char **)out = buf;
	return 0;
}

static int headers_load(struct elf_file *elf)
{
	Elf64_Ehdr head;
	int ret;

	ret = bytes_read(elf, 0, &head, sizeof(head));
	if (ret)
		return -ENOEXEC;
	if (memcmp(head.e_ident, ELFMAG, SELFMAG) || head.e_ident[EI_CLASS] != ELFCLASS64 ||
	    head.e_ident[EI_DATA] != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB))
		return -ENOEXEC;
	if (head.e_phentsize != sizeof(Elf64_Phdr) || head.e_phnum > MAX_SEGMENTS)
		return -ENOEXEC;
	elf->machine = head.e_machine;
	ret = bytes_load(elf, head.e_phoff, head.e_phnum * sizeof(Elf64_Phdr), UINT32_MAX, &elf->segments);
	if (ret)
		return ret == -ENOMEM ? ret : -ENOEXEC;
	elf->nr_segments = head.e_phnum;
	/* A file without section headers runs all the same; it only has no symbols for us. */
	if (head.e_shentsize != sizeof(Elf64_Shdr) || head.e_shnum > MAX_SECTIONS)
		return 0;
	ret = bytes_load(elf, head.e_shoff, head.e_shnum * sizeof(Elf64_Shdr), UINT32_MAX, &elf->sections);
	if (!ret)
		elf->nr_sections = head.e_shnum;
	elf->names = head.e_shstrndx;
	return ret == -ENOMEM ? ret : 0;
}

int elf_file_open(struct elf_file **out, const char *path)
{
	struct elf_file *elf;
	struct stat st;
	int ret;

	elf = calloc(1, sizeof(*elf));
	if (!elf)
		return -ENOMEM;
	/* Not to hang on a FIFO that has taken the file's place. */
	elf->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (elf->fd < 0) {
		ret = -errno;
		goto fail;
	}
	ret = fstat(elf->fd, &st) ? -errno : S_ISREG(st.st_mode) ? 0 : -ENOEXEC;
	if (ret)
		goto fail;
	elf->size = st.st_size;
	ret = headers_load(elf);
	if (ret)
		goto fail;
	*out = elf;
	return 0;
fail:
	elf_file_close(elf);
	return ret;
}

void elf_file_close(struct elf_file *elf)
{
	if (!elf)
		return;
	if (elf->fd >= 0)
		close(elf->fd);
	free(elf->segments);
	free(elf->sections);
	free(elf);
}

int elf_file_machine(const struct elf_file *elf)
{
	return elf->machine;
}

int elf_file_offset(const struct elf_file *elf, uint64_t addr, uint64_t *offset, bool *is_exec)
{
	for (size_t i = 0; i < elf->nr_segments; i++) {
		const Elf64_Phdr *seg = &elf->segments[i];

		if (seg->p_type != PT_LOAD || addr < seg->p_vaddr || addr - seg->p_vaddr >= seg->p_filesz)
			continue;
		*offset = seg->p_offset + (addr - seg->p_vaddr);
		if (*offset >= elf->size)
			return -EFAULT;
		if (is_exec)
			*is_exec = seg->p_flags & PF_X;
		return 0;
	}
	return -EFAULT;
}

int elf_file_tls(const struct elf_file *elf, int64_t *start)
{
	for (size_t i = 0; i < elf->nr_segments; i++) {
		const Elf64_Phdr *seg = &elf->segments[i];
		uint64_t align = seg->p_align ? seg->p_align : 1;

		if (seg->p_type != PT_TLS)
			continue;
		if (align & (align - 1) || align > MAX_TLS || seg->p_memsz > MAX_TLS)
			return -ENOEXEC;
		if (elf_file_machine(elf) == EM_X86_64)
			*start = -(int64_t)((seg->p_memsz + align - 1) & ~(align - 1));
		else
			*start = align > TCB_LEN ? align : TCB_LEN;
		return 0;
	}
	return -ENOENT;
}

int elf_file_read(const struct elf_file *elf, uint64_t addr, void *buf, size_t len)
{
	uint64_t offset, last;
	int ret;

	if (!len)
		return 0;
	ret = elf_file_offset(elf, addr, &offset, NULL);
	if (!ret)
		ret = elf_file_offset(elf, addr + len - 1, &last, NULL);
	if (ret)
		return ret;
	return last - offset == len - 1 ? bytes_read(elf, offset, buf, len) : -EFAULT;
}

/* The first section with this name and contents of at least `least` bytes. */
static const Elf64_Shdr *section_named(const struct elf_file *elf, const char *name, size_t least)
{
	const Elf64_Shdr *names = elf->names < elf->nr_sections ? &elf->sections[elf->names] : NULL;
	size_t name_len = strlen(name) + 1;
	char text[64];

	if (!names || name_len > sizeof(text))
		return NULL;
	for (size_t i = 0; i < elf->nr_sections; i++) {
		const Elf64_Shdr *sec = &elf->sections[i];

		if (sec->sh_type != SHT_PROGBITS || sec->sh_size < least || sec->sh_name > names->sh_size ||
		    bytes_read(elf, names->sh_offset + sec->sh_name, text, name_len) || memcmp(text, name, name_len))
			continue;
		return sec;
	}
	return NULL;
}

int elf_file_section(const struct elf_file *elf, const char *name, void *buf, size_t len)
{
	const Elf64_Shdr *sec = section_named(elf, name, len);

	return sec ? bytes_read(elf, sec->sh_offset, buf, len) : -ENOENT;
}

int elf_file_section_load(const struct elf_file *elf, const char *name, size_t max, char **data, size_t *len)
{
	const Elf64_Shdr *sec = section_named(elf, name, 0);

	if (!sec)
		return -ENOENT;
	*len = sec->sh_size;
	return bytes_load(elf, sec->sh_offset, sec->sh_size, max, data);
}

static const Elf64_Shdr *section_find(const struct elf_file *elf, uint32_t type)
{
	for (size_t i = 0; i < elf->nr_sections; i++)
		if (elf->sections[i].sh_type == type)
			return &elf->sections[i];
	return NULL;
}

/* Data that begins as zeros has a place in memory and none in the file. */
static bool is_zero_data(const struct elf_file *elf, const Elf64_Sym *sym)
{
	if (ELF64_ST_TYPE(sym->st_info) != STT_OBJECT)
		return false;
	for (size_t i = 0; i < elf->nr_segments; i++) {
		const Elf64_Phdr *seg = &elf->segments[i];

		if (seg->p_type == PT_LOAD && sym->st_value >= seg->p_vaddr &&
		    sym->st_value - seg->p_vaddr < seg->p_memsz)
			return true;
	}
	return false;
}

/* All of it but the name. False: it is not defined in the file, or of a kind that nobody asks for. */
static bool symbol_fill(const struct elf_file *elf, const Elf64_Sym *sym, struct elf_symbol *symbol)
{
	int type = ELF64_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF || !sym->st_name || (type > STT_FUNC && type != STT_TLS))
		return false;
	symbol->is_thread_local = type == STT_TLS;
	symbol->offset = 0;
	if (!symbol->is_thread_local && elf_file_offset(elf, sym->st_value, &symbol->offset, NULL) &&
	    !is_zero_data(elf, sym))
		return false;
	symbol->addr = sym->st_value;
	symbol->size = sym->st_size;
	symbol->is_function = type == STT_FUNC;
	return true;
}

static int table_walk(const struct elf_file *elf, const Elf64_Sym *table, size_t nr, const char *strings,
		      uint64_t strings_len, int (*fn)(void *arg, const struct elf_symbol *symbol), void *arg)
{
	struct elf_symbol symbol;
	int ret = 0;

	for (size_t i = 0; !ret && i < nr; i++) {
		if (table[i].st_name >= strings_len || !symbol_fill(elf, &table[i], &symbol))
			continue;
		symbol.name = strings + table[i].st_name;
		ret = fn(arg, &symbol);
	}
	return ret;
}

/* The section of a table and that of its strings. */
static int table_find(const struct elf_file *elf, enum elf_table table, const Elf64_Shdr **sec, const Elf64_Shdr **str)
{
	*sec = section_find(elf, table == ELF_TABLE_DYNAMIC ? SHT_DYNSYM : SHT_SYMTAB);
	if (!*sec || (*sec)->sh_entsize != sizeof(Elf64_Sym) || (*sec)->sh_link >= elf->nr_sections)
		return -ENOENT;
	*str = &elf->sections[(*sec)->sh_link];
	return (*str)->sh_type == SHT_STRTAB ? 0 : -ENOENT;
}

int elf_file_symbols(const struct elf_file *elf, enum elf_table table,
		     int (*fn)(void *arg, const struct elf_symbol *symbol), void *arg)
{
	const Elf64_Shdr *sec, *str;
	Elf64_Sym *symbols = NULL;
	char *strings = NULL;
	int ret = table_find(elf, table, &sec, &str);

	if (ret)
		return ret;
	ret = bytes_load(elf, sec->sh_offset, sec->sh_size, MAX_TABLE, &symbols);
	if (!ret)
		ret = bytes_load(elf, str->sh_offset, str->sh_size, MAX_TABLE, &strings);
	if (!ret)
		ret = table_walk(elf, symbols, sec->sh_size / sizeof(Elf64_Sym), strings, str->sh_size, fn, arg);
	free(strings);
	free(symbols);
	return ret;
}

struct find {
	const char *const *names;
	size_t nr;
	size_t nr_found;
	struct elf_symbol *found;
};

static int find_symbol(void *arg, const struct elf_symbol *symbol)
{
	struct find *find = arg;

	for (size_t i = 0; i < find->nr; i++) {
		if (find->found[i].name || symbol->is_thread_local || strcmp(find->names[i], symbol->name))
			continue;
		find->found[i] = *symbol;
		find->found[i].name = find->names[i];
		find->nr_found++;
	}
	return find->nr_found == find->nr;
}

/* The table that the dynamic linker finds symbols by: a few bytes of it tell what else takes all symbols. */
struct hash {
	const Elf64_Shdr *sec;
	const Elf64_Shdr *symbols;
	const Elf64_Shdr *strings;
	struct {
		uint32_t nr_buckets;
		uint32_t first; /* number of the first symbol in it */
		uint32_t nr_bloom;
		uint32_t shift;
	} head;
};

static int hash_open(const struct elf_file *elf, struct hash *h)
{
	int ret = table_find(elf, ELF_TABLE_DYNAMIC, &h->symbols, &h->strings);

	h->sec = section_find(elf, SHT_GNU_HASH);
	if (ret || !h->sec || bytes_read(elf, h->sec->sh_offset, &h->head, sizeof(h->head)) || !h->head.nr_buckets)
		return -ENOENT;
	return 0;
}

/* One of the numbers behind the filter: of all buckets, then of all symbols. */
static int hash_word(const struct elf_file *elf, const struct hash *h, uint64_t i, uint32_t *word)
{
	uint64_t at = sizeof(h->head) + 8ull * h->head.nr_bloom + 4 * i;

	if (at + sizeof(*word) > h->sec->sh_size)
		return -EFAULT;
	return bytes_read(elf, h->sec->sh_offset + at, word, sizeof(*word));
}

static bool hash_symbol_is(const struct elf_file *elf, const struct hash *h, uint32_t i, const char *name,
			   struct elf_symbol *symbol)
{
	size_t len = strlen(name) + 1;
	Elf64_Sym sym;
	char text[128];

	if (i >= h->symbols->sh_size / sizeof(sym) || len > sizeof(text) ||
	    bytes_read(elf, h->symbols->sh_offset + (uint64_t)i * sizeof(sym), &sym, sizeof(sym)) ||
	    sym.st_name >= h->strings->sh_size || bytes_read(elf, h->strings->sh_offset + sym.st_name, text, len) ||
	    memcmp(text, name, len))
		return false;
	return symbol_fill(elf, &sym, symbol) && !symbol->is_thread_local;
}

#define MAX_CHAIN 1024 /* symbols in one bucket: a few, where nobody lies */

static bool hash_find(const struct elf_file *elf, const struct hash *h, const char *name, struct elf_symbol *symbol)
{
	uint32_t hash = 5381, i, word = 0;

	for (const char *c = name; *c; c++)
		hash = hash * 33 + (uint8_t)*c;
	if (hash_word(elf, h, hash % h->head.nr_buckets, &i) || i < h->head.first)
		return false;
	for (int n = 0; n < MAX_CHAIN && !(word & 1); n++, i++) {
		if (hash_word(elf, h, (uint64_t)h->head.nr_buckets + i - h->head.first, &word))
			return false;
		if ((word | 1) == (hash | 1) && hash_symbol_is(elf, h, i, name, symbol))
			return true;
	}
	return false;
}

/* In the dynamic table. */
static int names_find(const struct elf_file *elf, struct find *find)
{
	struct elf_symbol symbol;
	struct hash hash;

	if (hash_open(elf, &hash))
		return elf_file_symbols(elf, ELF_TABLE_DYNAMIC, find_symbol, find);
	for (size_t i = 0; i < find->nr; i++) {
		if (!hash_find(elf, &hash, find->names[i], &symbol))
			continue;
		find->found[i] = symbol;
		find->found[i].name = find->names[i];
		find->nr_found++;
	}
	return 0;
}

int elf_file_find(const struct elf_file *elf, const char *const *names, size_t nr, struct elf_symbol *found,
		  bool is_deep)
{
	struct find find = {.names = names, .nr = nr, .found = found};
	int ret;

	memset(found, 0, nr * sizeof(*found));
	ret = names_find(elf, &find);
	if (is_deep && find.nr_found < nr)
		ret = elf_file_symbols(elf, ELF_TABLE_FULL, find_symbol, &find);
	return ret < 0 && ret != -ENOENT && !find.nr_found ? ret : (int)find.nr_found;
}

int elf_file_functions(const struct elf_file *elf, enum elf_table table,
		       int (*fn)(void *arg, const struct elf_function *function), void *arg)
{
	struct elf_function function;
	const Elf64_Shdr *sec, *str;
	Elf64_Sym *symbols = NULL;
	int ret = table_find(elf, table, &sec, &str);

	if (!ret)
		ret = bytes_load(elf, sec->sh_offset, sec->sh_size, MAX_TABLE, &symbols);
	for (size_t i = 0; !ret && i < sec->sh_size / sizeof(Elf64_Sym); i++) {
		const Elf64_Sym *sym = &symbols[i];
		int type = ELF64_ST_TYPE(sym->st_info);

		if (sym->st_shndx == SHN_UNDEF || !sym->st_name || sym->st_name >= str->sh_size ||
		    (type != STT_FUNC && type != STT_NOTYPE && type != STT_GNU_IFUNC))
			continue;
		function.addr = sym->st_value;
		function.size = sym->st_size;
		function.name_at = str->sh_offset + sym->st_name;
		function.is_typed = type != STT_NOTYPE;
		ret = fn(arg, &function);
	}
	free(symbols);
	return ret;
}

int elf_file_string(const struct elf_file *elf, uint64_t at, char *buf, size_t size)
{
	size_t len = size - 1;
	int ret;

	if (at >= elf->size)
		return -EFAULT;
	if (len > elf->size - at)
		len = elf->size - at;
	ret = bytes_read(elf, at, buf, len);
	buf[ret ? 0 : len] = 0;
	return ret;
}

int elf_file_addr(const struct elf_file *elf, uint64_t offset, uint64_t *addr)
{
	for (size_t i = 0; i < elf->nr_segments; i++) {
		const Elf64_Phdr *seg = &elf->segments[i];

		if (seg->p_type != PT_LOAD || !(seg->p_flags & PF_X) || offset < seg->p_offset ||
		    offset - seg->p_offset >= seg->p_filesz)
			continue;
		*addr = seg->p_vaddr + (offset - seg->p_offset);
		return 0;
	}
	return -EFAULT;
}

int elf_file_fd(const struct elf_file *elf)
{
	return elf->fd;
}

uint64_t elf_file_size(const struct elf_file *elf)
{
	return elf->size;
}

/* One note segment: the descriptor of NT_GNU_BUILD_ID of owner "GNU". */
static int notes_build_id(const uint8_t *notes, size_t len, uint8_t id[ELF_BUILD_ID_MAX])
{
	Elf64_Nhdr note;
	size_t name, desc;

	while (len >= sizeof(note)) {
		memcpy(&note, notes, sizeof(note));
		notes += sizeof(note);
		len -= sizeof(note);
		name = ((size_t)note.n_namesz + 3) & ~(size_t)3;
		desc = ((size_t)note.n_descsz + 3) & ~(size_t)3;
		if (name > len || desc > len - name)
			return -ENOENT;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && !memcmp(notes, "GNU", 4) && note.n_descsz &&
		    note.n_descsz <= ELF_BUILD_ID_MAX) {
			memcpy(id, notes + name, note.n_descsz);
			return note.n_descsz;
		}
		notes += name + desc;
		len -= name + desc;
	}
	return -ENOENT;
}

int elf_file_build_id(const struct elf_file *elf, uint8_t id[ELF_BUILD_ID_MAX])
{
	uint8_t *notes;
	int ret = -ENOENT;

	for (size_t i = 0; ret < 0 && i < elf->nr_segments; i++) {
		const Elf64_Phdr *seg = &elf->segments[i];

		if (seg->p_type != PT_NOTE || bytes_load(elf, seg->p_offset, seg->p_filesz, MAX_NOTES, &notes))
			continue;
		ret = notes_build_id(notes, seg->p_filesz, id);
		free(notes);
	}
	return ret;
}
