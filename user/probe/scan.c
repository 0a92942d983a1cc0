/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs of bpf/scan.bpf.c by themselves: of the skeleton nothing else is loaded. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "probe/private.h"
#include "probe/scan.h"

struct scan {
	struct lgtrace_bpf *skel;
	struct bpf_link *walk; /* of all tasks, as often as wanted */
};

/* Loads these two programs and their map, and not what they are linked with. */
static void scan_select(struct lgtrace_bpf *skel)
{
	struct bpf_program *program = NULL;
	struct bpf_map *map = NULL;

	while ((program = bpf_object__next_program(skel->obj, program)))
		bpf_program__set_autoload(program, false);
	bpf_program__set_autoload(skel->progs.on_scan_switch, true);
	bpf_program__set_autoload(skel->progs.on_scan_task, true);
	while ((map = bpf_object__next_map(skel->obj, map)))
		if (!bpf_map__is_internal(map))
			bpf_map__set_autocreate(map, false);
	bpf_map__set_autocreate(skel->maps.scans, true);
}

int scan_open(struct scan **out, struct err *err)
{
	struct scan *s = calloc(1, sizeof(*s));
	int error;

	if (!s)
		return err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
	probe_library_init();
	s->skel = lgtrace_bpf__open();
	error = s->skel ? 0 : -errno;
	if (!error) {
		scan_select(s->skel);
		error = lgtrace_bpf__load(s->skel);
	}
	if (error) {
		scan_close(s);
		return probe_load_error(error, err);
	}
	*out = s;
	return 0;
}

void scan_close(struct scan *s)
{
	if (!s)
		return;
	bpf_link__destroy(s->walk);
	lgtrace_bpf__destroy(s->skel);
	free(s);
}

static int id_compare(const void *a, const void *b)
{
	const struct lg_scan *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

/* Walks all tasks. With `into` what the program writes of them is added there. */
static int scan_walk(struct scan *s, struct buf *into, struct err *err)
{
	char bytes[128 * sizeof(struct lg_scan)];
	int fd = bpf_iter_create(bpf_link__fd(s->walk));
	ssize_t n = -1;

	if (fd >= 0)
		while ((n = read(fd, bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EAGAIN))
			if (n > 0 && into)
				buf_add(into, bytes, n);
	if (n < 0)
		err_set(err, EXIT_CODE_KERNEL, errno, "cannot walk the tasks: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return n < 0 ? -EIO : 0;
}

int scan_start(struct scan *s, struct err *err)
{
	int error = 0;

	if (!s->walk)
		error = probe_program_attach(s->skel->progs.on_scan_task, &s->walk, err);
	if (!error)
		error = probe_program_attach(s->skel->progs.on_scan_switch, &s->skel->links.on_scan_switch, err);
	return error ? error : scan_walk(s, NULL, err);
}

void scan_stop(struct scan *s)
{
	bpf_link__destroy(s->skel->links.on_scan_switch);
	s->skel->links.on_scan_switch = NULL;
}

int scan_read(struct scan *s, struct lg_scan **out, size_t *nr, struct err *err)
{
	struct buf found = {};
	int error = scan_walk(s, &found, err);
	size_t kept = 0;

	if (!error && found.failed)
		error = err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
	if (error) {
		buf_fini(&found);
		return error;
	}
	*out = (struct lg_scan *)found.data;
	for (size_t i = 0; i < found.len / sizeof(**out); i++)
		if ((int)(*out)[i].pid != getpid())
			(*out)[kept++] = (*out)[i];
	*nr = kept;
	if (kept)
		qsort(*out, kept, sizeof(**out), id_compare);
	return 0;
}

bool scan_is_loop(const struct lg_scan *now, const struct lg_scan *before)
{
	uint64_t waits = now->nr_waits - (before ? before->nr_waits : 0);
	uint64_t sleeps = now->nr_sleeps - (before ? before->nr_sleeps : 0);

	/* Code that blocks in each turn makes no less of a loop, rather the reverse. */
	if (now->flags & LG_SCAN_SET)
		return true;
	if (!waits && !sleeps)
		return now->flags & LG_SCAN_WAITING && now->nr_waits >= now->nr_sleeps;
	return waits >= sleeps;
}
