/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the logic cases (logic*.bpf.c) and their runner (logic.c) share, as global variables of the programs.
 * A case is one `syscall` program named case_*: it calls functions of the real headers in the kernel, compares in
 * place, and lays down the records that it expects in the ring buffer.
 */
#ifndef LG_TEST_LOGIC_H
#define LG_TEST_LOGIC_H

#include "lg_types.h"

#define LOGIC_VALUES 1024
#define LOGIC_WANTS  8 /* a power of two */

/* From the runner: what a case cannot make up itself. */
struct logic_input {
	__s32 outer_fd; /* two epoll sets */
	__s32 inner_fd;
	__u64 text;      /* address of LOGIC_TEXT in the runner's memory, NUL-terminated */
	__u64 page;      /* address of a page of zeros in the runner's memory */
	__u64 iov;       /* address of a vector of the two parts of LOGIC_TEXT */
	__u64 msg;       /* address of a struct msghdr with that vector */
	__u64 short_iov; /* address of a vector of the request and of 3 bytes */
	__u64 socket_ino;
	__s32 socket_fd; /* an end of an unnamed Unix socket pair */
	__u32 nr_values;
	__u64 values[LOGIC_VALUES];  /* times in ns */
	__u32 buckets[LOGIC_VALUES]; /* what user space counts them under */
};

#define LOGIC_TEXT "GET /a HTTP/1.1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
/* Offset of the response in LOGIC_TEXT, and the length of each part. */
#define LOGIC_RESPONSE     19
#define LOGIC_REQUEST_LEN  19
#define LOGIC_RESPONSE_LEN 19

struct logic_result {
	__u32 line;      /* of the first comparison that failed; 0: none did */
	__u32 disturbed; /* the kernel's figures of the task changed meanwhile: run it again */
	__u64 got;
	__u64 want;
	__u32 nr_checks; /* comparisons made */
	__u32 nr_wants;  /* records expected */
};

/* A record that the case expects next. head.time_ns 0: any time. */
struct logic_want {
	__u64 len;
	__u8 bytes[512];
};

#endif
