/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of `ps`. */
#include "render/found.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "render/clock.h"
#include "render/target.h"
#include "render/words.h"
#include "render/writer.h"

/* Of what was watched: 0 to 1000000. */
static uint64_t busy_millionths(const struct found_loop *l)
{
	uint64_t idle_ns = l->idle_ns < l->elapsed_ns ? l->idle_ns : l->elapsed_ns;

	return l->elapsed_ns ? (uint64_t)((l->elapsed_ns - idle_ns) * 1e6 / l->elapsed_ns) : 0;
}

static uint64_t switches_per_s(const struct found_loop *l)
{
	return l->elapsed_ns ? (uint64_t)((double)l->nr_switches * NS_PER_S / l->elapsed_ns + 0.5) : 0;
}

static int busy_compare(const void *a, const void *b)
{
	const struct found_loop *x = a, *y = b;
	uint64_t busy_x = busy_millionths(x), busy_y = busy_millionths(y);

	if (busy_x != busy_y)
		return busy_x < busy_y ? 1 : -1;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

void found_sort(struct found_loop *loops, size_t nr)
{
	if (nr)
		qsort(loops, nr, sizeof(*loops), busy_compare);
}

static void row_print(FILE *out, const struct text_style *style, const struct found_loop *l)
{
	char comm[4 * LG_COMM_LEN + 1], runtime[TARGET_RUNTIME_LEN], rate[UNITS_LEN], busy[UNITS_LEN];
	char call[WORDS_SYSCALL_LEN];

	text_escape(comm, sizeof(comm), l->comm, strnlen(l->comm, sizeof(l->comm)), style->utf8);
	fprintf(out, "%7u  %7u  ", l->pid, l->tid);
	text_put(out, style, TEXT_BOLD, comm, 16);
	fprintf(out, "  %-12s  %10s  %6s  %s\n",
		target_format_runtime(runtime, sizeof(runtime), l->runtime, l->version),
		units_format_count(rate, sizeof(rate), switches_per_s(l)),
		units_format_percent(busy, sizeof(busy), busy_millionths(l), 1000000),
		words_syscall(call, sizeof(call), l->wait_nr));
}

void found_print(FILE *out, const struct text_style *style, const struct found_loop *loops, size_t nr)
{
	text_put(out, style, TEXT_DIM,
		 "    PID      TID  COMM              RUNTIME       SWITCHES/s   UTIL%  WAIT-CALL", 0);
	fputc('\n', out);
	for (size_t i = 0; i < nr; i++)
		row_print(out, style, &loops[i]);
}

void found_print_json(FILE *out, uint64_t time_ns, const struct found_loop *loops, size_t nr)
{
	char time[CLOCK_LEN], runtime[TARGET_RUNTIME_LEN], call[WORDS_SYSCALL_LEN], comm[LG_COMM_LEN + 1] = "";

	for (size_t i = 0; i < nr; i++) {
		const struct found_loop *l = &loops[i];
		struct writer w = {.out = out};

		memcpy(comm, l->comm, LG_COMM_LEN);
		writer_object(&w, NULL);
		writer_string(&w, "type", "loop");
		writer_string(&w, "time", clock_format_utc(time, sizeof(time), time_ns, 0));
		writer_u64(&w, "pid", l->pid);
		writer_u64(&w, "tid", l->tid);
		writer_string(&w, "comm", comm);
		writer_string(&w, "runtime", target_format_runtime(runtime, sizeof(runtime), l->runtime, l->version));
		writer_u64(&w, "elapsed_ns", l->elapsed_ns);
		writer_u64(&w, "idle_ns", l->idle_ns);
		writer_share(&w, "utilisation", busy_millionths(l), 1000000);
		writer_u64(&w, "switches_per_s", switches_per_s(l));
		writer_string(&w, "wait_call", words_syscall(call, sizeof(call), l->wait_nr));
		writer_line_end(&w);
	}
}
