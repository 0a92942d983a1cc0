/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loops of the host as `ps` lists them: a table for people, or one JSON object a line. */
#ifndef LG_RENDER_FOUND_H
#define LG_RENDER_FOUND_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"
#include "lg_record.h"

struct found_loop {
	uint32_t pid;
	uint32_t tid;
	char comm[LG_COMM_LEN]; /* untrusted */
	enum lg_runtime runtime;
	uint16_t version;     /* as lg_rec_target.version */
	int wait_nr;          /* the system call it waits in */
	uint64_t elapsed_ns;  /* it was watched for, */
	uint64_t idle_ns;     /* and this of it, it waited for events */
	uint64_t nr_switches; /* it left the CPU so often meanwhile */
};

/* Sorts by utilisation, highest first. */
void found_sort(struct found_loop *loops, size_t nr);

void found_print(FILE *out, const struct text_style *style, const struct found_loop *loops, size_t nr);
/* `time_ns` is CLOCK_REALTIME. */
void found_print_json(FILE *out, uint64_t time_ns, const struct found_loop *loops, size_t nr);

#endif
