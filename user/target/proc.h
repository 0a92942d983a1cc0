/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What /proc tells about processes and threads. It only reads: nothing here stops, traces or writes to a process.
 *
 * A process may end between any two reads: every function then returns -ENOENT or -ESRCH, never half a result.
 * Names are bytes that the process chose (newlines, brackets and escapes included): show them through base/text.h.
 */
#ifndef LG_PROC_H
#define LG_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lg_record.h"

#define PROC_PATH_LEN 4096 /* PATH_MAX: no path of the kernel's is longer */

struct proc_stat {
	int id; /* of the process or thread */
	char comm[LG_COMM_LEN];
	char state; /* as in ps(1): R S D T t Z X I */
	int parent; /* process id of the parent */
	bool is_kthread;
};

struct proc_thread {
	int tid;
	char comm[LG_COMM_LEN];
	char state;
};

/* Where /proc is, for tests with a tree of their own; NULL: "/proc". The string is not copied. */
void proc_set_root(const char *root);

/*
 * Writes "<root>/<pid>/<what>", or "<root>/<what>" for pid 0. `what` is a format. -ENAMETOOLONG when it does not fit.
 */
int proc_path(char *buf, size_t size, int pid, const char *what, ...) __attribute__((format(printf, 4, 5)));

/*
 * Reads a whole file below the process's directory into a new NUL-terminated string, freed with free(). At most
 * `max` bytes: -EFBIG when there are more. *len may be NULL.
 */
int proc_read(int pid, const char *what, size_t max, char **text, size_t *len);

/* Of a process (tid 0) or of one of its threads. -EINVAL when the kernel's line makes no sense. */
int proc_stat(int pid, int tid, struct proc_stat *out);

/* Whether a process is no more, or has ended and its parent has not yet taken note. */
bool proc_has_ended(int pid);

/* Takes apart the line of a stat file. The name in brackets may hold brackets itself: the last ')' ends it. */
int proc_stat_parse(const char *line, struct proc_stat *out);

/* The process that thread `tid` belongs to (its own id for a process), or a negative error. */
int proc_tgid(int tid);

/* The process's id in its innermost pid namespace (the same id outside of containers), or a negative error. */
int proc_ns_pid(int pid);

/* How many threads a process has, or a negative error. */
int proc_nr_threads(int pid);

/*
 * Path of the executable as the process sees it, without the kernel's " (deleted)"; *is_deleted may be NULL.
 * -EACCES without the right to look.
 */
int proc_exe(int pid, char *buf, size_t size, bool *is_deleted);

/* Does it run a 32-bit program? Its system calls have other numbers. False where its executable cannot be read. */
bool proc_is_32bit(int pid);

/* The text of the link of a file descriptor: a path, "socket:[123]", "anon_inode:[eventpoll]", ... */
int proc_fd_link(int pid, int fd, char *buf, size_t size);

/* The threads of a process, by id. *out is freed with free(). A thread that ends meanwhile is left out. */
int proc_threads(int pid, struct proc_thread **out, size_t *nr);

/* All live descendants of a process, parents before children, without itself. *out is freed with free(). */
int proc_descendants(int pid, int **out, size_t *nr);

/* The last part of a path: never NULL, empty for a path that ends in a slash. */
const char *proc_basename(const char *path);

/*
 * Whether a process can be traced. If not: says why and what to do instead, and returns a negative error; that is no
 * such process, a thread's id, a zombie, a kernel thread, a 32-bit program, or the tracer itself.
 */
int proc_check_target(int pid, struct err *err);

#endif
