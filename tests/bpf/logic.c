/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the logic cases in the kernel and prints a row for each: "ok NAME", or "failed NAME: WHY". A case has
 * passed when its comparisons held and the ring buffer holds exactly the records that it expects.
 * usage: logic          run all (as root); fails when one did
 *        logic --list   print their names
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/hist.h"
#include "lg_config.h"
#include "lg_record.h"
#include "lg_slot.h"
#include "logic.h"
#include "logic.skel.h"

#define QUIET_NS    1000000ull
#define TURN_NS     100000000ull
#define MAX_RECORDS 16

/* A tick falls into about one case in a hundred; so many in a row would be no accident. */
#define MAX_TRIES 20

static char text[] = LOGIC_TEXT;
static struct iovec iov[] = {{text, LOGIC_REQUEST_LEN}, {text + LOGIC_RESPONSE, LOGIC_RESPONSE_LEN}};
static struct iovec short_iov[] = {{text, LOGIC_REQUEST_LEN}, {text, 3}};
static struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
static char page[2 * LG_CAPTURE_MAX];

struct run {
	struct logic_bpf *skel;
	struct ring_buffer *ring;
	struct {
		size_t size;
		__u8 bytes[sizeof(struct lg_rec_io) + LG_CAPTURE_MAX];
	} records[MAX_RECORDS]; /* what the case put into the ring buffer */
	size_t nr_records;
};

static int log_print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, args) : 0;
}

static bool name_is_case(const char *name)
{
	return !strncmp(name, "case_", 5);
}

static void record_keep(struct run *run, const void *data, size_t size)
{
	if (run->nr_records < MAX_RECORDS && size <= sizeof(run->records[0].bytes)) {
		run->records[run->nr_records].size = size;
		memcpy(run->records[run->nr_records].bytes, data, size);
	}
	run->nr_records++;
}

/* One record, or a batch of them. */
static int on_records(void *arg, void *data, size_t size)
{
	while (size) {
		size_t len = ((const struct lg_head *)data)->len;

		if (len < sizeof(struct lg_head) || len > size)
			return -EBADMSG;
		record_keep(arg, data, len);
		data = (__u8 *)data + len;
		size -= len;
	}
	return 0;
}

/* The bucket by a walk over the edges: another way than the search that both sides share. */
static unsigned bucket_of(__u64 ns)
{
	unsigned bucket = 0;

	while (ns > hist_upper_ns(bucket))
		bucket++;
	return bucket;
}

static void value_add(struct logic_input *input, __u64 ns)
{
	input->values[input->nr_values] = ns;
	input->buckets[input->nr_values++] = bucket_of(ns);
}

static void values_init(struct logic_input *input)
{
	for (unsigned i = 0; i < LG_NR_EDGES; i++)
		for (int off = -1; off <= 1; off++)
			value_add(input, lg_hist_edges[i] + off);
	for (__u64 ns = 1; ns < 1ull << 62; ns *= 2)
		value_add(input, ns);
	value_add(input, 0);
}

static int socket_init(struct logic_input *input)
{
	struct stat st;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) || fstat(fds[0], &st))
		return -errno;
	input->socket_fd = fds[0];
	input->socket_ino = st.st_ino;
	return 0;
}

static int input_init(struct logic_input *input)
{
	input->outer_fd = epoll_create1(EPOLL_CLOEXEC);
	input->inner_fd = epoll_create1(EPOLL_CLOEXEC);
	if (input->outer_fd < 0 || input->inner_fd < 0)
		return -errno;
	input->text = (__u64)text;
	memset(page, 0, sizeof(page)); /* BPF reads no page that was never touched */
	input->page = (__u64)page;
	input->iov = (__u64)iov;
	input->msg = (__u64)&msg;
	input->short_iov = (__u64)short_iov;
	values_init(input);
	return socket_init(input);
}

static int run_open(struct run *run)
{
	struct bpf_program *prog;
	int error;

	memset(run, 0, sizeof(*run));
	run->skel = logic_bpf__open();
	if (!run->skel)
		return -errno;
	run->skel->rodata->config.quiet_ns = QUIET_NS;
	run->skel->rodata->config.turn_ns = TURN_NS;
	run->skel->rodata->config.capture = LG_CAPTURE_MAX;
	run->skel->rodata->config.stack = LG_STACK_USER;
	run->skel->rodata->config.batch = 1;
	bpf_object__for_each_program(prog, run->skel->obj)
		bpf_program__set_autoload(prog, name_is_case(bpf_program__name(prog)));
	error = logic_bpf__load(run->skel);
	if (!error)
		error = input_init(&run->skel->bss->input);
	if (error)
		return error;
	run->ring = ring_buffer__new(bpf_map__fd(run->skel->maps.events), on_records, run, NULL);
	return run->ring ? 0 : -errno;
}

static void run_close(struct run *run)
{
	ring_buffer__free(run->ring);
	logic_bpf__destroy(run->skel);
}

static int case_run_once(struct run *run, struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	static const struct lg_slot empty;
	__u32 slot = 0;
	int error;

	memset(&run->skel->bss->result, 0, sizeof(run->skel->bss->result));
	memset(run->skel->bss->wants, 0, sizeof(run->skel->bss->wants));
	error = bpf_map_update_elem(bpf_map__fd(run->skel->maps.slots), &slot, &empty, BPF_ANY);
	if (error)
		return error;
	error = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	run->nr_records = 0;
	ring_buffer__consume(run->ring);
	return error;
}

/* Bytes of a record that are told: behind what was captured, or the path, its room holds anything. */
static size_t record_bytes(const struct lg_head *head)
{
	const struct lg_rec_path *path = (const void *)head;
	const struct lg_rec_io *io = (const void *)head;

	if (head->kind == LG_REC_PATH)
		return sizeof(*path) + path->path_len;
	return head->kind == LG_REC_IO ? sizeof(*io) + io->captured : head->len;
}

static bool record_matches(const void *data, size_t size, const struct logic_want *want, char *why, size_t len)
{
	__u8 got[sizeof(want->bytes)];
	struct lg_head *head = (void *)got;
	const struct lg_head *want_head = (const void *)want->bytes;
	size_t n = record_bytes(data);

	if (size != want->len || ((const struct lg_head *)data)->len != size) {
		snprintf(why, len, "is %zu bytes long, not %llu", size, (unsigned long long)want->len);
		return false;
	}
	/* A long capture is of the page of zeros: what does not fit is not compared. */
	if (n > sizeof(got))
		n = sizeof(got);
	memcpy(got, data, n);
	head->cpu = 0;
	if (!want_head->time_ns)
		head->time_ns = 0;
	for (size_t i = 0; i < n; i++) {
		if (got[i] == want->bytes[i])
			continue;
		snprintf(why, len, "(kind %u) differs at byte %zu: %u, not %u", head->kind, i, got[i], want->bytes[i]);
		return false;
	}
	return true;
}

static bool records_match(const struct run *run, char *why, size_t len)
{
	const struct logic_result *result = &run->skel->bss->result;
	char detail[128];

	if (run->nr_records != result->nr_wants || run->nr_records > LOGIC_WANTS) {
		snprintf(why, len, "%zu records, not %u", run->nr_records, result->nr_wants);
		return false;
	}
	for (size_t i = 0; i < run->nr_records; i++) {
		if (record_matches(run->records[i].bytes, run->records[i].size, &run->skel->bss->wants[i], detail,
				   sizeof(detail)))
			continue;
		snprintf(why, len, "record %zu %s", i, detail);
		return false;
	}
	return true;
}

static bool case_passed(const struct run *run, char *why, size_t len)
{
	const struct logic_result *result = &run->skel->bss->result;

	if (result->line) {
		snprintf(why, len, "line %u: %llu (0x%llx), not %llu", result->line, (unsigned long long)result->got,
			 (unsigned long long)result->got, (unsigned long long)result->want);
		return false;
	}
	if (!result->nr_checks && !result->nr_wants) {
		snprintf(why, len, "it checked nothing");
		return false;
	}
	return records_match(run, why, len);
}

static bool case_run(struct run *run, struct bpf_program *prog)
{
	const char *name = bpf_program__name(prog) + strlen("case_");
	char why[256] = "the task's figures did not hold still";
	bool passed = false;
	int error = 0;

	for (int i = 0; i < MAX_TRIES; i++) {
		error = case_run_once(run, prog);
		if (error || !run->skel->bss->result.disturbed)
			break;
	}
	if (error)
		snprintf(why, sizeof(why), "%s", strerror(-error));
	else if (!run->skel->bss->result.disturbed)
		passed = case_passed(run, why, sizeof(why));
	if (passed)
		printf("ok %s\n", name);
	else
		printf("failed %s: %s\n", name, why);
	return passed;
}

static int cases_run(void)
{
	static struct run run;
	struct bpf_program *prog;
	int error = run_open(&run);
	int nr_failed = 0;

	if (error)
		goto out;
	bpf_object__for_each_program(prog, run.skel->obj) if (name_is_case(bpf_program__name(prog))) nr_failed +=
		!case_run(&run, prog);
out:
	if (error)
		fprintf(stderr, "logic: %s\n", strerror(-error));
	run_close(&run);
	return error ? error : nr_failed;
}

static int cases_list(void)
{
	struct logic_bpf *skel = logic_bpf__open();
	struct bpf_program *prog;

	if (!skel)
		return -errno;
	bpf_object__for_each_program(prog, skel->obj) printf("%s\n", bpf_program__name(prog) + strlen("case_"));
	logic_bpf__destroy(skel);
	return 0;
}

int main(int argc, char **argv)
{
	libbpf_set_print(log_print);
	if (argc == 2 && !strcmp(argv[1], "--list"))
		return cases_list() ? EXIT_FAILURE : EXIT_SUCCESS;
	if (argc != 1) {
		fprintf(stderr, "usage: logic [--list]\n");
		return 2;
	}
	return cases_run() ? EXIT_FAILURE : EXIT_SUCCESS;
}
