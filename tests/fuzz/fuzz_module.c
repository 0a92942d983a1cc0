/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program file as all that names its code: functions, source lines, unwinding tables, and its debugging file, which
 * is the same file here, where its build id or its debug link may lead. The first byte says where to look in it, the
 * rest is the file. The stack that is unwound is the file's bytes, too.
 */
#include <errno.h>

#include "fuzz_path.h"
#include "symbol/module.h"

#define NR_PLACES 24
#define MAX_STEPS 64 /* as many as an unwinder takes */
#define STACK     0x7ff000000000ull

static struct fuzz_file file;

struct stack {
	const uint8_t *data;
	size_t size;
};

/* What libdw leaves behind when debugging data are damaged in the middle of a function is not ours to free. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libdw.so";
}

static void end(void)
{
	fuzz_proc_remove(&file);
}

/* The names that the seeds have, below the root in which debugging files are looked for. */
static void begin(void)
{
	static const char *const names[] = {"/split.debug", "/usr/lib/debug/.build-id/de/adbeefdeadbeef.debug"};
	char command[128], path[128];

	fuzz_file_open(&file);
	strcpy(file.root, "/tmp/lgtrace-fuzz.XXXXXX");
	if (!mkdtemp(file.root))
		abort();
	atexit(end);
	snprintf(command, sizeof(command), "mkdir -p %s/usr/lib/debug/.build-id/de", file.root);
	if (system(command))
		abort();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s%s", file.root, names[i]);
		if (symlink(file.path, path))
			abort();
	}
}

static int word_read(void *arg, uint64_t addr, uint64_t *word)
{
	const struct stack *s = arg;

	if (addr < STACK || addr - STACK > s->size || s->size - (addr - STACK) < sizeof(*word))
		return -EFAULT;
	memcpy(word, s->data + (addr - STACK), sizeof(*word));
	return 0;
}

static void place_check(struct module *m, uint64_t offset, const struct cfi_memory *memory)
{
	uint64_t regs[CFI_NR_REGS] = {[CFI_FP] = STACK + 64, [CFI_SP] = STACK, [CFI_IP] = offset};
	char name[256], source[64];
	uint32_t line = 0;

	if (!module_function(m, offset, name, sizeof(name)))
		FUZZ_CHECK(memchr(name, 0, sizeof(name)));
	if (!module_line(m, offset, source, sizeof(source), &line))
		FUZZ_CHECK(memchr(source, 0, sizeof(source)) && line && line <= INT32_MAX);
	for (uint64_t i = 0, sp = STACK; i < MAX_STEPS && !module_step(m, offset, regs, memory); i++) {
		FUZZ_CHECK(regs[CFI_SP] > sp);
		sp = regs[CFI_SP];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *const roots[] = {file.root, NULL};
	struct stack stack = {data, size};
	const struct cfi_memory memory = {word_read, &stack};
	struct module *m;

	if (!size)
		return 0;
	if (!file.root[0])
		begin();
	fuzz_file_write(&file, data + 1, size - 1);
	if (module_open(&m, file.path, "", roots))
		return 0;
	for (uint64_t i = 0; i < NR_PLACES; i++)
		place_check(m, (uint64_t)data[0] * 16 + i * 5, &memory);
	FUZZ_CHECK(module_bytes(m) > 0);
	module_free(m);
	return 0;
}
