/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The BPF side as user space handles it: load the programs, attach them to the kernel and to the targets,
 * read what they tell. The only place that knows the skeleton. Closing takes everything out of the kernel, and
 * so does the end of this process, however it ends.
 */
#ifndef LG_PROBE_H
#define LG_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lg_config.h"
#include "lg_record.h"
#include "lg_runtime.h"
#include "lg_slot.h"

/* Where the edges come from; see `enum lg_edges`. */
enum probe_edges {
	PROBE_EDGES_AUTO, /* whatever costs less here and now, measured */
	PROBE_EDGES_SYSCALL,
	PROBE_EDGES_LIBC,
};

struct probe_opts {
	uint64_t turn_ns; /* turns at least this long are told in any case */
	enum probe_edges edges;
	uint32_t ask;       /* enum lg_ask, or-ed: runtimes among the targets */
	uint32_t stack;     /* enum lg_stack_part, or-ed: what stacks are told of; 0: none are taken */
	uint32_t sample_hz; /* samples in a second of CPU time; 0: as many as turns of that length need */
	bool follow;        /* trace the threads and children that the targets make */
};

struct probe;

/* Loads every program; nothing is attached yet. *out is freed with probe_close(). */
int probe_open(struct probe **out, const struct probe_opts *opts, struct err *err);
/* Detaches and unloads everything. */
void probe_close(struct probe *p);

/* Names a process with all its threads, or one thread, to be traced from probe_attach() on. */
int probe_add_process(struct probe *p, int pid, struct err *err);
int probe_add_thread(struct probe *p, int tid, struct err *err);

/*
 * Attaches to the kernel, takes in the threads that are there, then begins with the edges. `pids` are the processes
 * for which libc mode would need probes: those that were added.
 */
int probe_attach(struct probe *p, const int *pids, size_t nr_pids, struct err *err);

/* Takes in what was added since then. */
int probe_take_in(struct probe *p, struct err *err);

/*
 * After the attach: the first thread of a process that was added is a loop, in a turn, if it does not sleep in its
 * wait. For one that hangs, and may not wait again to show itself.
 */
int probe_presume_loop(struct probe *p, int pid, struct err *err);

/*
 * Puts the uprobes that a process needs (libc mode, TLS) into it, as far as they are not in yet: a program that
 * has just begun maps its libraries little by little. Without a usable libc in libc mode it is an error; a process
 * that is gone is none.
 */
int probe_attach_process(struct probe *p, int pid, struct err *err);
/* The same for every process known, without a word about what fails. */
void probe_refresh(struct probe *p);
bool probe_has_process(const struct probe *p, int pid);
/* Takes the uprobes of a process that ended, or runs another program now. */
void probe_detach_process(struct probe *p, int pid);

/* How to ask the runtime of a process whose code runs; replaces what was said before. */
int probe_set_runtime(struct probe *p, int pid, const struct lg_runtime_info *info);
/* How to find the frames of its runtime, whether it is asked or not. */
int probe_set_stack_runtime(struct probe *p, int pid, const struct lg_runtime_info *info);
/*
 * Looks at a thread, if it sleeps in a turn: what it sleeps in, and its stack where stacks are taken, are in the ring
 * buffer afterwards. 0 or -errno.
 */
int probe_look(struct probe *p, int tid);
/*
 * Samples one thread of a process, to ask its runtime and to take its stack, until probe_detach_process(). Where the
 * kernel's tick is often enough, every loop is sampled anyway.
 */
int probe_sample_thread(struct probe *p, int pid, int tid);

/* Where the edges come from, once attached. */
enum lg_edges probe_edges(const struct probe *p);
/* Whether a traced process uses OpenSSL and is probed for it. */
bool probe_has_tls(const struct probe *p);

/* The reader of the ring buffer. Becomes readable for what is urgent; read at a timer's beat as well. */
int probe_fd(const struct probe *p);
/* Takes raw records from the ring buffer, one after another: not checked. 0 to go on; a negative value ends
 * probe_consume(). */
typedef int (*probe_record_fn)(void *arg, const void *data, size_t size);
void probe_on_record(struct probe *p, probe_record_fn fn, void *arg);
/*
 * Hands on the records that wait, a ring buffer full at most: 0, or the negative error of a record. After it,
 * probe_is_behind() tells whether some were left because more came meanwhile; before it, whether to read at once.
 */
int probe_consume(struct probe *p);
bool probe_is_behind(const struct probe *p);

/* LG_MAX_SLOTS slots, changing under the reader's eyes. */
const struct lg_slot *probe_slots(const struct probe *p);
/* Gives back the slot of a thread that ended. */
void probe_slot_free(struct probe *p, uint32_t slot);

/* What the programs are to leave out from now on. */
void probe_set_level(struct probe *p, enum lg_level level);
/* Whether the programs measure their own time, which costs some 50 ns a run. */
void probe_measure(struct probe *p, bool is_measured);
/*
 * CPU time that traced threads spent on the probes while they were measured, so far: what the programs took, and by
 * fixed prices what the kernel does around them. 0 or -errno.
 */
int probe_cost(const struct probe *p, uint64_t *ns);

/* counters[16] by enum lg_counter, summed over all CPUs. 0 or -errno. */
int probe_counters(const struct probe *p, uint64_t *counters);

#endif
