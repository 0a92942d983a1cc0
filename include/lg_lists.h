/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lists that kernel and user space share, each standing once as an X-macro:
 * enums, names, JSON words, help and documents all come from here.
 *
 * Numbers are given by hand and never reused: recordings keep them on disk.
 */
#ifndef LG_LISTS_H
#define LG_LISTS_H

/*
 * Records of the event stream. X(SYMBOL, number, "name", "what it tells")
 * Kinds below 64 are made by BPF, kinds from 64 by user space (facts that a
 * recording must carry so that it can be read on another machine), PATH by both.
 */
#define LG_RECORDS(X) \
	X(THREAD, 1, "thread", "a traced thread began, ended, called exec or turned out to be a loop") \
	X(CONN, 2, "conn", "the first sight of a connection, with its addresses") \
	X(IO, 3, "io", "bytes read or written, an accept, a connect or a close on a loop") \
	X(OFF, 4, "off", "where the time since the thread's last edge went while it was not running") \
	X(TURN, 5, "turn", "a turn of a loop ended") \
	X(OWNER, 6, "owner", "whose code a loop's runtime was running, read from its memory") \
	X(NAMES, 7, "names", "the names on the way from an open file up to the root") \
	X(STACK, 8, "stack", "where a loop's thread was in a long turn: addresses") \
	X(ASLEEP, 9, "asleep", "what the thread of a turn that does not end sleeps in, and for whom") \
	X(TARGET, 64, "target", "a traced process: command, executable, runtime") \
	X(PATH, 65, "path", "the full path of a file that a record named by inode") \
	X(LOOP, 66, "loop", "totals and turn histogram of one loop") \
	X(LOST, 67, "lost", "counters of what could not be observed") \
	X(TICK, 68, "tick", "time has passed") \
	X(FRAMES, 69, "frames", "where a loop's thread was in a long turn: functions, files and lines") \
	X(CLOCK, 70, "clock", "how far the time of day is from the time of records") \
	X(BUDGET, 71, "budget", "what is left out from now on, to stay within the budget, or no longer") \
	X(WAITING, 72, "waiting", "sockets with unread bytes, in a turn that does not end")

/*
 * What a thread did while it was off the CPU by its own will.
 * X(SYMBOL, number, CAUSE): the cause a stall gets when this class dominates.
 */
#define LG_SLEEPS(X) \
	X(SYSCALL, 0, SYSCALL) \
	X(LOCK, 1, LOCK) \
	X(FAULT, 2, FAULT) \
	X(IO, 3, IO) \
	X(STOPPED, 4, STOPPED) \
	X(GIL, 5, GIL) \
	X(GC, 6, GC)

/* Why a stall happened. X(SYMBOL, number, "word", "meaning"): the word is the one of --json. */
#define LG_CAUSES(X) \
	X(CPU, 0, "cpu", "the code computed") \
	X(SYSCALL, 1, "syscall", "a system call blocked, or took long inside the kernel") \
	X(LOCK, 2, "lock", "waited for a lock (futex)") \
	X(GIL, 3, "gil", "waited for the interpreter lock that another thread held") \
	X(GC, 4, "gc", "the runtime collected garbage") \
	X(FAULT, 5, "fault", "waited for a page to be read in") \
	X(IO, 6, "io", "waited for a disk") \
	X(RUNQUEUE, 7, "runqueue", "was ready to run, but other tasks had the CPU") \
	X(THROTTLED, 8, "throttled", "was ready to run, but its CPU quota was used up") \
	X(STOPPED, 9, "stopped", "was stopped by a signal or a debugger")

/*
 * What is left out to stay within the budget: each level leaves out what those before it do, and its own.
 * X(SYMBOL, number, "word", "what is left out", "what follows from it", COUNTER): the word is the one of --json; the
 * counter (without LG_CNT_) says how often it was left out. The first level leaves out nothing.
 */
#define LG_LEVELS(X) \
	X(FULL, 0, "full", "nothing", "all is told", RECORDS) \
	X(STACKS, 1, "stacks", "stacks", "short stalls are told without their place", SKIPPED_STACKS) \
	X(SAMPLES, 2, "samples", "samples of whose code runs", "owners may be less sure", SKIPPED_SAMPLES) \
	X(REQUESTS, 3, "requests", "requests", "stalls are told by connection", SKIPPED_EDGES) \
	X(CALLS, 4, "calls", "reads and writes", "stalls are told without an owner", SKIPPED_CALLS)

/* How sure the owner of a run is. X(SYMBOL, number, "word", "meaning") */
#define LG_CONFIDENCES(X) \
	X(NONE, 0, "none", "nothing outside the process tells whose it was") \
	X(LIKELY, 1, "likely", "the order of reads and writes suggests it") \
	X(CAUSAL, 2, "causal", "it asked for the reply whose arrival began the run") \
	X(EXACT, 3, "exact", "it cannot have been another")

/* What an event loop is made of. X(SYMBOL, number, "name") */
#define LG_RUNTIMES(X) \
	X(NATIVE, 0, "native") \
	X(CPYTHON, 1, "cpython") \
	X(NODE, 2, "node") \
	X(NGINX, 3, "nginx") \
	X(REDIS, 4, "redis") \
	X(HAPROXY, 5, "haproxy")

/*
 * Counters that BPF keeps, one per CPU. X(SYMBOL, number, "name", is_loss, "meaning")
 * is_loss: 1 where a count means that something was not seen.
 */
#define LG_COUNTERS(X) \
	X(RECORDS, 0, "records", 0, "records put into the ring buffer") \
	X(LOST_RECORDS, 1, "lost_records", 1, "records dropped because the ring buffer was full") \
	X(LOST_THREADS, 2, "lost_threads", 1, "threads not traced because every slot was taken") \
	X(LOST_CONNS, 3, "lost_conns", 1, "connections not followed because the table was full") \
	X(LATE_SWITCHES, 4, "late_switches", 0, "switch-ins the kernel did not report, mended at the next edge") \
	X(HOST_CALLS, 5, "host_calls", 0, "system calls of untraced threads, counted to choose the probes") \
	X(TARGET_CALLS, 6, "target_calls", 0, "system calls of traced threads, counted to choose the probes") \
	X(TARGET_EDGES, 7, "target_edges", 0, "those of target_calls that libc probes would see") \
	X(SKIPPED_STACKS, 8, "skipped_stacks", 0, "stacks not taken, to stay within the budget") \
	X(SKIPPED_SAMPLES, 9, "skipped_samples", 0, "samples of whose code runs not taken, to stay within the budget") \
	X(SKIPPED_EDGES, 10, "skipped_edges", 0, \
	  "reads and writes of HTTP not looked into, to stay within the budget") \
	X(SKIPPED_CALLS, 11, "skipped_calls", 0, "system calls not looked at, to stay within the budget")

#define LG_ENUM_2(prefix, sym, nr) prefix##sym = (nr),

enum lg_kind {
#define X(sym, nr, name, help) LG_ENUM_2(LG_REC_, sym, nr)
	LG_RECORDS(X)
#undef X
};

enum lg_sleep {
#define X(sym, nr, cause) LG_ENUM_2(LG_SLEEP_, sym, nr)
	LG_SLEEPS(X)
#undef X
		LG_NR_SLEEPS
};

enum lg_cause {
#define X(sym, nr, word, help) LG_ENUM_2(LG_CAUSE_, sym, nr)
	LG_CAUSES(X)
#undef X
		LG_NR_CAUSES
};

enum lg_level {
#define X(sym, nr, word, what, so, counter) LG_ENUM_2(LG_LEVEL_, sym, nr)
	LG_LEVELS(X)
#undef X
		LG_NR_LEVELS
};

enum lg_confidence {
#define X(sym, nr, word, help) LG_ENUM_2(LG_SURE_, sym, nr)
	LG_CONFIDENCES(X)
#undef X
		LG_NR_CONFIDENCES
};

enum lg_runtime {
#define X(sym, nr, name) LG_ENUM_2(LG_RT_, sym, nr)
	LG_RUNTIMES(X)
#undef X
		LG_NR_RUNTIMES
};

enum lg_counter {
#define X(sym, nr, name, is_loss, help) LG_ENUM_2(LG_CNT_, sym, nr)
	LG_COUNTERS(X)
#undef X
		LG_NR_COUNTERS
};

#endif
