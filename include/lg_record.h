/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event stream: what BPF tells user space, and what a recording holds.
 *
 * Every record begins with struct lg_head and is `len` bytes long; readers skip kinds they do
 * not know. Records of one thread come in the order in which they happened. Structs only ever
 * grow at their end. All integers are in host byte order; times are CLOCK_MONOTONIC in ns.
 *
 * An edge is a point of a loop's turn where the owner of the running code may change: bytes
 * read or written, an accept, a connect, the turn's end. The time between two edges of a thread
 * is told by their times; how much of it the thread was not on the CPU stands in an OFF record
 * that comes right before the second edge. No OFF record means: on the CPU all the time.
 */
#ifndef LG_RECORD_H
#define LG_RECORD_H

#include "lg_lists.h"
#include "lg_types.h"

/* The longest record. Heads of requests are captured up to LG_CAPTURE_MAX bytes a read. */
#define LG_CAPTURE_MAX 4096
#define LG_COMM_LEN    16 /* TASK_COMM_LEN: the kernel's own size, NUL included */

struct lg_head {
	__u16 kind;    /* enum lg_kind */
	__u16 len;     /* bytes of the whole record, this head included; a multiple of 8 */
	__u32 cpu;     /* the CPU that made it */
	__u64 time_ns; /* when it happened */
};
LG_SIZE(struct lg_head, 16);

enum lg_thread_event {
	LG_THREAD_NEW = 1,  /* begins to be traced: present at attach, or born of a traced thread */
	LG_THREAD_EXIT = 2, /* is gone; its slot may be reused after this record */
	LG_THREAD_EXEC = 3, /* the process runs another program now; `tid` is the process's */
	LG_THREAD_LOOP = 4, /* was found to be an event loop */
};

struct lg_rec_thread {
	struct lg_head head;
	__u32 pid; /* process (kernel: tgid), in the initial namespace, as all pids here */
	__u32 tid;
	__u32 event;      /* enum lg_thread_event */
	__u32 slot;       /* index into the slots (lg_slot.h) */
	__u32 parent_tid; /* NEW: the thread that made it, 0 when present at attach */
	__u32 pad;
	char comm[LG_COMM_LEN]; /* NUL-terminated, untrusted bytes */
};
LG_SIZE(struct lg_rec_thread, 56);

enum lg_target_kind {
	LG_TARGET_NONE = 0,
	LG_TARGET_INET = 1,   /* addr[0..3], port: the peer */
	LG_TARGET_INET6 = 2,  /* addr[0..15], port: the peer */
	LG_TARGET_UNIX = 3,   /* name: path of the socket at either end, '@' first when abstract; may be empty */
	LG_TARGET_FILE = 4,   /* name: last component of its path; ino and dev. Or as a call was given it, see PATH */
	LG_TARGET_PIPE = 5,   /* pipe or FIFO; name: last component for a named one */
	LG_TARGET_OTHER = 6,  /* eventfd, timerfd, epoll, device, ...; name as the kernel gives it */
	LG_TARGET_SOCKET = 7, /* a socket of another family */
	LG_TARGET_HOLDER = 8, /* of a lock: the thread that holds it; ino: its id, name: its comm */
};

/* What a file descriptor leads to. */
struct lg_target {
	__u8 kind;     /* enum lg_target_kind */
	__u8 name_len; /* bytes used of name */
	__u16 port;    /* host byte order */
	__u32 dev;     /* FILE: device number as in stat(2)'s kernel form (major << 20 | minor) */
	__u64 ino;     /* inode number; of a socket too: unique on the host while it is open */
	__u8 addr[16]; /* network byte order */
	char name[64]; /* untrusted bytes, not NUL-terminated */
};
LG_SIZE(struct lg_target, 96);

enum lg_conn_origin {
	LG_CONN_SEEN = 0,     /* first seen when it was used: open before the attach, or passed on */
	LG_CONN_ACCEPTED = 1, /* came from accept(2) */
	LG_CONN_CONNECTED = 2 /* came from connect(2) */
};

struct lg_rec_conn {
	struct lg_head head;
	__u32 pid;
	__u32 tid;
	__u32 fd;
	__u8 origin; /* enum lg_conn_origin */
	__u8 pad[3];
	struct lg_target peer; /* .ino is the connection's key in every record */
};
LG_SIZE(struct lg_rec_conn, 128);

enum lg_io_op {
	LG_IO_READ = 1,    /* read, readv, recvfrom, recvmsg or SSL_read returned bytes, or 0 at the end */
	LG_IO_WRITE = 2,   /* write, writev, sendto, sendmsg, sendfile or SSL_write took bytes */
	LG_IO_ACCEPT = 3,  /* accept returned `fd` */
	LG_IO_CONNECT = 4, /* connect was called (it may go on in the background) */
	LG_IO_CLOSE = 5    /* `fd` was closed; ino is what it was */
};

enum lg_io_flag {
	LG_IO_TLS = 1,      /* plaintext of a TLS connection, from SSL_read or SSL_write */
	LG_IO_CIPHER = 2,   /* bytes of a connection whose plaintext is told by other records */
	LG_IO_NOT_SOCK = 4, /* eventfd, pipe, ...: its bytes say nothing, only that a callback began */
	LG_IO_GAP = 8,      /* edges between the one told before and this one were not told */
	LG_IO_BLOCKED = 16, /* the call slept: code waited for these bytes, the loop did not dispatch them */
};

/* An edge with the bytes that passed. `data` holds the first `captured` of `bytes`. */
struct lg_rec_io {
	struct lg_head head;
	__u32 pid;
	__u32 tid;
	__u32 fd;
	__u8 op;        /* enum lg_io_op */
	__u8 flags;     /* enum lg_io_flag */
	__u16 captured; /* bytes in data */
	__u64 ino;      /* the connection: inode of the socket; 0 unknown */
	__u64 bytes;    /* bytes that passed; READ with 0: the peer closed its side */
	/*
	 * READ of a request's head over TCP, after a long turn: how long the bytes that came last had been there, to
	 * a tick of the kernel's (4 ms at 250 Hz). Else 0.
	 */
	__u64 waited_ns;
	/*
	 * WRITE on a connection that speaks HTTP, bytes > captured: the last 8 bytes that passed, at the end
	 * of the array, after zeros when fewer than 8 passed. Else 0.
	 */
	__u8 tail[8];
	__u8 data[]; /* untrusted; padded with any bytes to a record length of a multiple of 8 */
};
LG_SIZE(struct lg_rec_io, 64);

/* A stretch off the CPU: the longest one of an interval. */
struct lg_block {
	__u64 start_ns;
	__u64 sleep_ns; /* blocked time; run-queue wait and throttling are not in it */
	__s32 nr;       /* system call, in the numbers of the traced thread's ABI; -1 none (fault, stop) */
	__s32 fd;       /* the descriptor it waited on, -1 none */
	__u64 args[3];  /* its first arguments */
	__u8 sleep;     /* enum lg_sleep */
	__u8 pad[7];
	struct lg_target target; /* what fd leads to, or who holds the lock */
};
LG_SIZE(struct lg_block, 152);

/* How the time between the thread's last two edges was spent off the CPU. Times in ns. */
struct lg_rec_off {
	struct lg_head head; /* time_ns: of the edge that follows */
	__u32 pid;
	__u32 tid;
	__u64 sleep_ns[8];  /* by enum lg_sleep; the unused ones are 0 */
	__u64 runqueue_ns;  /* ready, but another task ran; without throttled_ns */
	__u64 throttled_ns; /* ready, but the CPU quota was used up */
	/*
	 * The kernel's own user and system time, sampled at the clock tick: use them as
	 * a ratio for the on-CPU part, which is exact.
	 */
	__u64 user_ns;
	__u64 system_ns;
	__u32 nr_sleeps;   /* voluntary switches */
	__u32 nr_preempts; /* involuntary ones */
	__s32 last_nr;     /* system call that returned last before the edge after a long time on the CPU, -1 none */
	__u32 pad;
	struct lg_block longest;
	__u64 gc_ns; /* on the CPU while the runtime collected garbage, as far as it was asked */
};
LG_SIZE(struct lg_rec_off, 296);

/* A turn ended. The time from start_ns to end_ns holds all of its edges. */
struct lg_rec_turn {
	struct lg_head head; /* time_ns == end_ns */
	__u32 pid;
	__u32 tid;
	__u64 start_ns; /* the loop had something to do: its wait was woken, or returned at once */
	__u64 end_ns;   /* it went to sleep in the next wait, or that wait returned at once */
	__u64 late_ns;  /* from start_ns until it got a CPU (also in the first OFF record of the turn) */
	__u64 edges;    /* IO records told in this turn */
};
LG_SIZE(struct lg_rec_turn, 56);

#define LG_NAMES_MAX 12 /* deeper paths are told from there on */

/* Where an open file lies; user space makes a PATH record of it. */
struct lg_rec_names {
	struct lg_head head;
	__u32 pid;
	__u32 nr;                     /* names in use */
	__u64 ino;                    /* of the file */
	char names[LG_NAMES_MAX][64]; /* NUL-terminated, the file's own first; untrusted */
};
LG_SIZE(struct lg_rec_names, 800);

enum lg_answer {
	LG_ANSWER_NOBODY = 0,  /* the runtime's memory was read, and what runs belongs to no request */
	LG_ANSWER_CONN = 1,    /* it works for a request of the connection `ino`, or of the client at `port` */
	LG_ANSWER_SHARED = 2,  /* it works for several at once */
	LG_ANSWER_UNKNOWN = 3, /* this runtime has told before, but not now: memory made no sense */
	/* Of a native server it is only known what kind of code it is. */
	LG_ANSWER_CALLBACK = 4, /* a callback, which the loop called for what a descriptor had */
	LG_ANSWER_LEFT = 5,     /* no such one: a timer's, or what is done between two rounds */
};

/* How far the server is with the request of a CONN answer. */
enum lg_stage {
	LG_STAGE_UNKNOWN = 0,
	LG_STAGE_WAITING = 1, /* nothing was sent */
	LG_STAGE_STARTED = 2, /* the response began; to the client it may look complete */
	LG_STAGE_DONE = 3,    /* it was answered, its code goes on */
	/* Code that holds on to the request, but that nothing of the server's leads to: it may have outlived it. */
	LG_STAGE_DETACHED = 4,
	LG_STAGE_SENT = 5, /* as DONE, and all that it wrote has passed: an unanswered request is a later one */
};

/*
 * An edge that the runtime itself told: the code that ran up to here, since the edge before or since the runtime
 * was last asked, worked for this owner. is_gil: the thread waited for the interpreter lock instead, and the owner is
 * the one that the thread works for which held it.
 */
struct lg_rec_owner {
	struct lg_head head;
	__u32 pid;
	__u32 tid;
	__u64 ino;        /* the connection, 0: see port */
	__u64 key;        /* address that names the request in the runtime, 0 none; reused after its end */
	__u16 port;       /* the client's, host byte order; 0 unknown */
	__u8 answer;      /* enum lg_answer */
	__u8 sure;        /* enum lg_confidence: of a CONN answer */
	__u8 is_gc;       /* 1: the runtime was collecting garbage */
	__u8 is_gil;      /* 1: it waited for the interpreter lock */
	__u8 stage;       /* enum lg_stage */
	__u8 is_behind;   /* 1: the server has read a later request of the connection */
	__u32 holder_tid; /* is_gil: the thread that held it; 0 unknown */
	__u32 path_sum;   /* of the request's path (lg_path.h); 0 unknown */
};
LG_SIZE(struct lg_rec_owner, 56);

/*
 * What the thread of a turn that does not end sleeps in: looked up while it sleeps, so it is no edge, and it may come
 * again and again.
 */
struct lg_rec_asleep {
	struct lg_head head;
	__u32 pid;
	__u32 tid;
	struct lg_block call;      /* sleep_ns: until now; start_ns 0: it does not sleep of its own will */
	struct lg_rec_owner owner; /* whom its code works for; answer UNKNOWN: it was not asked */
};
LG_SIZE(struct lg_rec_asleep, 232);

#define LG_STACK_MAX        64 /* frames of a kind: what a walk may take; deeper stacks are told from the inside */
#define LG_STACK_KERNEL_MAX 32
#define LG_STACK_RUNS_MAX   32 /* runs of Python code: each takes two native frames at least */
#define LG_STACK_COPY       8192 /* bytes of the stack itself: servers' are seldom deeper, and a walk ends where it ends */

/* What a call must leave as it was, on x86-64; on arm64 the first three, and where the innermost call may return to. */
enum lg_stack_reg {
	LG_REG_IP,
	LG_REG_SP,
	LG_REG_FP,
	LG_REG_BX,
	LG_REG_LINK = LG_REG_BX,
	LG_REG_R12,
	LG_REG_R13,
	LG_REG_R14,
	LG_REG_R15,
	LG_NR_STACK_REGS
};

/* When a stack was taken. */
enum lg_stack_moment {
	LG_STACK_SAMPLE = 1,  /* by the clock, on the CPU */
	LG_STACK_BLOCKED = 2, /* at the return of the call that blocked since block_ns */
	LG_STACK_ASLEEP = 3,  /* while it sleeps: of a turn that does not end */
};

/* A frame of native code, or of JavaScript. */
struct lg_native_frame {
	__u64 ip;       /* the innermost one's: where it is; the others': where it returns to */
	__u64 function; /* of JavaScript: tagged address of what V8 shares between its closures; 0: it is none */
};

/* A frame of Python code. */
struct lg_code_frame {
	__u64 code;     /* address of the code object; bit 0 set: native code called it */
	__u64 position; /* of the instruction: its address from 3.11 on, else its number as the frame has it */
};

/*
 * Where a loop's thread was, a turn being long: addresses, which user space makes a FRAMES record of at once. Frames
 * are told from the innermost one on; those beyond the counts are garbage.
 */
struct lg_rec_stack {
	struct lg_head head;
	__u32 pid;
	__u32 tid;
	__u64 block_ns; /* BLOCKED: when the call began to block; as lg_block.start_ns. Else 0 */
	__u8 moment;    /* enum lg_stack_moment */
	__u8 nr_native;
	__u8 nr_code;
	__u8 nr_kernel;
	__u8 nr_runs;
	__u8 pad[3];
	__u64 regs[LG_NR_STACK_REGS]; /* by enum lg_stack_reg; where a walk by unwinding tables begins */
	__u64 thread; /* ASLEEP: what names the thread in its process: the thread pointer on x86-64, elsewhere its inner
			 id */
	struct lg_native_frame native[LG_STACK_MAX];
	struct lg_code_frame code[LG_STACK_MAX];
	__u64 kernel[LG_STACK_KERNEL_MAX];
	__u64 runs[LG_STACK_RUNS_MAX]; /* addresses in the native frames that run the code up to each one with bit 0
					  set; told from 3.12 on */
	__u32 copied;                  /* bytes of copy that are told */
	__u32 pad2;
	__u8 copy[LG_STACK_COPY]; /* memory from regs[LG_REG_SP] on; ASLEEP: none */
};
LG_SIZE(struct lg_rec_stack, 10872);

enum lg_frame_kind {
	LG_FRAME_NATIVE = 0,
	LG_FRAME_PYTHON = 1,
	LG_FRAME_JS = 2,
	LG_FRAME_KERNEL = 3,
};

/* The head of a frame; its function's name and its file's follow without NUL, then the next frame, not padded. */
struct lg_frame {
	__u32 line;  /* 0 unknown */
	__u8 kind;   /* enum lg_frame_kind */
	__u8 is_own; /* 1: the user's own code, by where it lies: no library's, no runtime's */
	__u16 function_len;
	__u16 file_len;
	__u16 pad;
};
LG_SIZE(struct lg_frame, 12);

/* User space: a STACK record with names. */
struct lg_rec_frames {
	struct lg_head head; /* time_ns: when the stack was taken */
	__u32 pid;
	__u32 tid;
	__u64 block_ns;
	__u8 moment;
	__u8 pad;
	__u16 nr;         /* frames, from the innermost one on */
	__u32 frames_len; /* bytes of them */
	char frames[];    /* untrusted names; padded to 8 */
};
LG_SIZE(struct lg_rec_frames, 40);

/* User space: facts about a traced process. `exe` is the path, not NUL-terminated. */
struct lg_rec_target {
	struct lg_head head;
	__u32 pid;
	__u16 runtime; /* enum lg_runtime */
	__u16 version; /* of the runtime: major << 8 | minor (3.11 is 0x030b), 0 unknown */
	char comm[LG_COMM_LEN];
	__u16 exe_len;
	__u8 pad[6];
	char exe[]; /* padded to 8 */
};
LG_SIZE(struct lg_rec_target, 48);

/*
 * User space: the full path behind a target of a later OFF record of the same process. BPF: the path that a call was
 * given, not made absolute, and cut to 255 bytes; an ino with its highest bit set stands for it.
 */
struct lg_rec_path {
	struct lg_head head;
	__u32 pid;
	__u16 path_len;
	__u16 pad;
	__u64 ino;
	char path[]; /* not NUL-terminated; padded to 8 */
};
LG_SIZE(struct lg_rec_path, 32);

#define LG_WAITING_MAX 1024

/* User space: who waits for a turn that does not end. Of sockets of the process's network, its own or not. */
struct lg_rec_waiting {
	struct lg_head head;
	__u32 pid;
	__u32 tid;
	__u32 nr_queued; /* connections that wait in the process's listeners */
	__u32 nr;        /* sockets with unread bytes that are told, at most LG_WAITING_MAX */
	__u64 inodes[];  /* of these */
};
LG_SIZE(struct lg_rec_waiting, 32);

/* User space: no record older than head.time_ns will follow, some tens of ms aside. */
struct lg_rec_tick {
	struct lg_head head;
};
LG_SIZE(struct lg_rec_tick, 16);

/* User space: at every beat of a second, since the time of day may be set. */
struct lg_rec_clock {
	struct lg_head head;
	__s64 realtime_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
};
LG_SIZE(struct lg_rec_clock, 24);

/* User space: what is left out has changed, as of head.time_ns, and the costs that led to it. */
struct lg_rec_budget {
	struct lg_head head;
	__u32 level;     /* enum lg_level from now on */
	__u32 before;    /* enum lg_level until now */
	__u64 limit_ppm; /* the budget: millionths of target_ns, or of window_ns where that is more */
	__u64 window_ns; /* of time in which these costs were measured */
	__u64 target_ns; /* CPU time of the traced processes */
	__u64 bpf_ns;    /* CPU time that the probes took of it, estimated */
	__u64 own_ns;    /* CPU time of lgtrace */
};
LG_SIZE(struct lg_rec_budget, 64);

/* User space: counters by enum lg_counter, summed over CPUs, since the start. */
struct lg_rec_lost {
	struct lg_head head;
	__u64 counters[16];
};
LG_SIZE(struct lg_rec_lost, 144);

#endif
