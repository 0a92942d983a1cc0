/* SPDX-License-Identifier: BSD-2-Clause */
/* The time at which the call began stands for the inode, as where BPF takes the path. */
#include "source/path_given.h"

#include <string.h>

#include "base/calls.h"
#include "target/memory.h"

#define PAGE 4096         /* of the smallest pages: what lies behind one may not be mapped */
#define INO  (1ULL << 63) /* no inode has such a number */

/* The text at `addr`, without its end. Returns its length; 0: there is none. */
static size_t text_read(int pid, uint64_t addr, char *text, size_t size)
{
	size_t len = 0;

	while (len < size) {
		size_t part = PAGE - (addr + len) % PAGE;

		if (part > size - len)
			part = size - len;
		if (memory_read(&pid, addr + len, text + len, part))
			return 0;
		if (memchr(text + len, '\0', part))
			return strlen(text);
		len += part;
	}
	return len;
}

bool path_given_read(union path_given *path, struct lg_rec_asleep *asleep)
{
	int arg = asleep->call.start_ns ? call_path_arg(asleep->call.nr) : -1;
	struct lg_target *target = &asleep->call.target;
	struct lg_rec_path *rec = &path->rec;
	size_t len;

	if (arg < 0 || target->kind != LG_TARGET_NONE)
		return false;
	memset(path, 0, sizeof(*path));
	len = text_read((int)asleep->pid, asleep->call.args[arg], rec->path, PATH_GIVEN_MAX);
	if (!len)
		return false;
	*target = (struct lg_target){.kind = LG_TARGET_FILE, .ino = asleep->call.start_ns | INO};
	target->name_len = len < sizeof(target->name) ? len : sizeof(target->name);
	memcpy(target->name, rec->path, target->name_len);
	rec->head = asleep->head;
	rec->head.kind = LG_REC_PATH;
	rec->head.len = (sizeof(*rec) + len + 7) / 8 * 8;
	rec->pid = asleep->pid;
	rec->path_len = len;
	rec->ino = target->ino;
	return true;
}
