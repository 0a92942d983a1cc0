/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A dict in the memory of a CPython process. The first byte chooses the version; the rest is all the memory there is,
 * and the dict is its beginning.
 */
#include <errno.h>

#include "fuzz.h"
#include "target/cpython.h"

#define BASE 0x7f0000000000ull

struct memory {
	const uint8_t *data;
	size_t size;
	size_t nr_reads;
};

static int memory_read(void *arg, uint64_t addr, void *buf, size_t len)
{
	struct memory *m = arg;

	m->nr_reads++;
	if (addr < BASE || addr - BASE > m->size || len > m->size - (addr - BASE))
		return -EFAULT;
	memcpy(buf, m->data + (addr - BASE), len);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = {"zero", "asyncio.tasks", ""};
	struct lg_python py;

	if (!size || !cpython_offsets(&py, 0x0309 + data[0] % 8))
		return 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct memory m = {data + 1, size - 1, 0};
		struct cpython_memory memory = {memory_read, &m};

		cpython_dict_get(&py, &memory, BASE, keys[i]);
		FUZZ_CHECK(m.nr_reads < 500000);
	}
	return 0;
}
