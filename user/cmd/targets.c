/* SPDX-License-Identifier: BSD-2-Clause */
/* Targets: from words to checked numbers. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "cmd/targets.h"
#include "render/syscall_names.h"
#include "target/explain.h"
#include "target/proc.h"

static int id_parse(const char *word, const char *what, int *id, struct err *err)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(word, &end, 10);
	if (!errno && !*end && n > 0 && n <= INT_MAX) {
		*id = n;
		return 0;
	}
	err_hint(err, "pgrep -f NAME finds the id of a process");
	return err_set(err, EXIT_CODE_USAGE, EINVAL, "\"%s\" is no %s id", word, what);
}

static int ids_add(int **ids, size_t *nr, int id, struct err *err)
{
	int *more;

	for (size_t i = 0; i < *nr; i++)
		if ((*ids)[i] == id)
			return 0;
	more = realloc(*ids, (*nr + 1) * sizeof(*more));
	if (!more)
		return err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
	more[(*nr)++] = id;
	*ids = more;
	return 0;
}

int targets_add(struct targets *targets, int pid, struct err *err)
{
	int error = ids_add(&targets->pids, &targets->nr_pids, pid, err);

	return error ? error : ids_add(&targets->all, &targets->nr_all, pid, err);
}

static int process_add(struct targets *targets, const char *word, bool follow, struct err *err)
{
	int *children = NULL;
	size_t nr_children = 0;
	int pid, error = id_parse(word, "process", &pid, err);

	if (!error)
		error = proc_check_target(pid, err);
	if (!error)
		error = targets_add(targets, pid, err);
	if (!error && follow && proc_descendants(pid, &children, &nr_children) == 0)
		for (size_t i = 0; i < nr_children && !error; i++)
			error = targets_add(targets, children[i], err);
	free(children);
	return error;
}

static int thread_add(struct targets *targets, const char *word, struct err *err)
{
	int pid, tid, error = id_parse(word, "thread", &tid, err);

	if (error)
		return error;
	pid = proc_tgid(tid);
	if (pid < 0) {
		err_hint(err, "ps -L -p PID lists the threads of a process");
		return err_set(err, EXIT_CODE_NO_TARGET, ESRCH, "no thread with the id %d", tid);
	}
	error = proc_check_target(pid, err);
	if (!error)
		error = ids_add(&targets->tids, &targets->nr_tids, tid, err);
	return error ? error : ids_add(&targets->all, &targets->nr_all, pid, err);
}

int targets_init(struct targets *targets, const struct trace_opts *opts, struct err *err)
{
	int error = 0;

	for (size_t i = 0; i < opts->pids.count && !error; i++)
		error = process_add(targets, opts->pids.items[i], !opts->no_follow, err);
	for (size_t i = 0; i < opts->tids.count && !error; i++)
		error = thread_add(targets, opts->tids.items[i], err);
	return error;
}

void targets_fini(struct targets *targets)
{
	free(targets->pids);
	free(targets->tids);
	free(targets->all);
}

static void explain_one(struct buf *text, int pid)
{
	struct explain e;

	if (proc_has_ended(pid)) {
		buf_printf(text, "; process %d has ended", pid);
		return;
	}
	if (proc_is_32bit(pid)) {
		buf_printf(text, "; process %d runs a 32-bit program, whose system calls are not known", pid);
		return;
	}
	if (proc_explain_waits(pid, &e))
		return;
	buf_printf(text, "; the %u thread%s of process %d:", e.nr_threads, e.nr_threads == 1 ? "" : "s", pid);
	for (size_t i = 0; i < e.nr_waits; i++) {
		const char *name = e.waits[i].nr < 0 ? "no system call" : syscall_name(e.waits[i].nr);

		buf_printf(text, "%s %u in %s", i ? "," : "", e.waits[i].count, name ? name : "an unknown system call");
	}
	if (e.nr_running)
		buf_printf(text, "%s %u running", e.nr_waits ? "," : "", e.nr_running);
}

const char *targets_explain(const struct targets *targets, char *buf, size_t size)
{
	enum { TOLD = 4 };
	struct buf text = {};

	for (size_t i = 0; i < targets->nr_all && i < TOLD; i++)
		explain_one(&text, targets->all[i]);
	snprintf(buf, size, "no event loop found so far (no thread waits in epoll, poll, select or io_uring)%s",
		 text.data ? text.data : "");
	buf_fini(&text);
	return buf;
}
