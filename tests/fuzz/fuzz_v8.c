/* SPDX-License-Identifier: BSD-2-Clause */
/* The constants of V8 in a program file: what is taken for true must be what the walk in BPF can bear. */
#include "fuzz_path.h"
#include "target/elf.h"
#include "target/v8.h"

static void v8_check(const struct lg_v8 *v8)
{
	FUZZ_CHECK(v8->type_context < v8->type_context_end);
	FUZZ_CHECK(v8->map_type < 48 && v8->map_bits < 48 && v8->map_constructor < 48 && v8->map_descriptors < 48);
	FUZZ_CHECK(v8->function_shared <= 120 && v8->string_chars <= 120 && v8->descriptors_first <= 120);
	FUZZ_CHECK(v8->dictionary_shift < 32 && v8->nr_fields_shift < 32 && v8->index_shift < 32);
	FUZZ_CHECK(v8->fp_function >= -64 && v8->fp_function < 0 && v8->fp_context >= -64 && v8->fp_context < 0);
	FUZZ_CHECK(v8->fp_args >= 16 && v8->fp_args <= 64);
	FUZZ_CHECK(v8->exit_frame < 8192);
	FUZZ_CHECK(v8->stores < 8192);
	FUZZ_CHECK(v8->vm_state < 4096);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_file file = {.fd = -1};
	struct elf_file *elf;
	struct lg_v8 v8;

	if (file.fd < 0)
		fuzz_file_open(&file);
	fuzz_file_write(&file, data, size);
	if (elf_file_open(&elf, file.path))
		return 0;
	if (!v8_read(&v8, elf))
		v8_check(&v8);
	elf_file_close(elf);
	return 0;
}
