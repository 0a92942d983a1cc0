/* SPDX-License-Identifier: BSD-2-Clause */
/* Names that compilers and runtimes give to code: a perf map, and each of its lines as a mangled symbol and as
 * JavaScript. */
#include "fuzz.h"
#include "symbol/demangle.h"
#include "symbol/js.h"
#include "symbol/perfmap.h"

#define NAME_LEN 256

static void name_check(const char *name)
{
	char room[NAME_LEN];
	struct frame frame;

	for (size_t size = 1; size <= sizeof(room); size = size * 4) {
		memset(room, 'x', sizeof(room));
		demangle(room, size, name);
		FUZZ_CHECK(memchr(room, 0, size));
	}
	if (!js_parse_compiled(name, &frame))
		return;
	FUZZ_CHECK(memchr(frame.function, 0, sizeof(frame.function)) && memchr(frame.file, 0, sizeof(frame.file)));
	FUZZ_CHECK(frame.line <= INT32_MAX);
}

static void map_check(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	uint64_t *starts = calloc(size / 2 + 1, sizeof(*starts));
	struct perfmap *map;
	size_t nr = 0;

	if (!starts)
		abort();
	for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (nr <= size / 2)
			starts[nr++] = strtoull(line, NULL, 16);
	if (perfmap_parse(&map, text))
		abort();
	for (size_t i = 0; i < nr; i++) {
		const char *name = perfmap_find(map, starts[i]);

		FUZZ_CHECK(!name || (*name && !strchr(name, '\n')));
		perfmap_find(map, starts[i] - 1);
		perfmap_find(map, starts[i] + 16);
		if (name)
			name_check(name);
	}
	FUZZ_CHECK(perfmap_bytes(map) > 0);
	perfmap_free(map);
	free(starts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	map_check(data, size);
	while (size) {
		size_t len = fuzz_line(data, size);
		char *line = fuzz_string(data, len);

		name_check(line);
		free(line);
		len += len < size;
		data += len;
		size -= len;
	}
	return 0;
}
