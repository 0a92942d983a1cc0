/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of a CPython process: the first byte chooses the version, the rest is all the memory there is. A dict is
 * its beginning, and so are the offsets that the interpreter and asyncio publish.
 */
#include "fuzz_memory.h"
#include "target/cpython_layout.h"

static void dict_check(const struct lg_python *py, const uint8_t *data, size_t size)
{
	static const char *const keys[] = {"zero", "asyncio.tasks", ""};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct fuzz_memory m = {data, size, 0};
		struct cpython_memory memory = {fuzz_memory_read, &m};

		cpython_dict_get(py, &memory, FUZZ_BASE, keys[i]);
		FUZZ_CHECK(m.nr_reads < 500000);
	}
}

static void published_check(struct cpython_layout *layout, const uint8_t *data, size_t size)
{
	uint64_t words[CPYTHON_WORDS] = {};

	memcpy(words, data, size < sizeof(words) ? size : sizeof(words));
	if (layout->py.version >= CPYTHON_PUBLISHES)
		cpython_layout_publish(layout, words);
	if (layout->py.version >= CPYTHON_ASYNCIO_PUBLISHES)
		cpython_layout_publish_asyncio(layout, words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpython_layout layout;

	if (!size || !cpython_layout_init(&layout, 0x0309 + data[0] % 8))
		return 0;
	dict_check(&layout.py, data + 1, size - 1);
	published_check(&layout, data + 1, size - 1);
	dict_check(&layout.py, data + 1, size - 1);
	return 0;
}
