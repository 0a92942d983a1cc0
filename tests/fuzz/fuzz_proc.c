/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of /proc/PID/maps and /proc/PID/stat, and the names in them: any line is tried as either. */
#include "fuzz.h"
#include "target/maps.h"
#include "target/proc.h"
#include "target/runtime.h"

static void map_check(char *line)
{
	const char *end = line + strlen(line);
	struct map map;

	if (map_parse(&map, line))
		return;
	FUZZ_CHECK(map.start < map.end);
	FUZZ_CHECK(map.path >= line && map.path + strlen(map.path) <= end);
	runtime_python_version(proc_basename(map.path));
	runtime_of_name(proc_basename(map.path));
}

static void stat_check(const char *line)
{
	struct proc_stat stat;

	if (proc_stat_parse(line, &stat))
		return;
	FUZZ_CHECK(stat.id > 0 && memchr(stat.comm, 0, sizeof(stat.comm)));
	runtime_of_name(stat.comm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	while (size) {
		size_t len = fuzz_line(data, size);
		char *line = fuzz_string(data, len);

		stat_check(line);
		map_check(line);
		free(line);
		len += len < size;
		data += len;
		size -= len;
	}
	return 0;
}
