/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of records to what lgtrace would say of it: record_check(), model and render, driven as user/cmd/trace.c
 * drives them, with everything fixed that a live run takes from its host. It needs neither a kernel nor rights.
 *
 * With --prefixes it does the same for beginnings of the file, each in memory of exactly its length, so that a read
 * beyond it is an error. Behind each stands a line with RS (0x1e), which no view ever writes:
 * <RS>length bytes_read
 *
 * With --record it says nothing and makes a recording of the file instead, for `lgtrace report`.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "model/model.h"
#include "render/render.h"
#include "render/target.h"
#include "source/check.h"
#include "source/file_writer.h"

#define REALTIME_NS 1767225600000000000ll /* CLOCK_MONOTONIC 0 is 2026-01-01T00:00:00Z */
#define MAX_TARGETS 16                    /* as HEADER_MAX_TARGETS of user/cmd/header.h */
#define EXE_LEN     4096
#define EVERY_BYTE  4096 /* prefixes up to here differ by one byte, */
#define STRIDE      64   /* longer ones by this much */

struct opts {
	bool json;
	bool requests;
	bool prefixes;
	uint64_t threshold_ns;
	struct text_style style;
	const char *path;
	const char *recording; /* NULL: none is to be made */
};

struct replay {
	const struct opts *opts;
	struct model *model;
	struct render render;
	uint64_t end_ns; /* the newest record's time */
};

/* A file, or the first bytes of one. */
struct bytes {
	uint8_t *data; /* heap: aligned as records must be */
	size_t len;
};

static void die(const char *what, int error)
{
	fprintf(stderr, "replay: %s: %s\n", what, strerror(error));
	exit(EXIT_CODE_FAILED);
}

static void on_stall(void *arg, const struct model_stall *stall)
{
	struct replay *r = arg;

	render_stall(&r->render, stall);
}

static void on_stuck(void *arg, const struct model_stuck *stuck)
{
	struct replay *r = arg;

	render_stuck(&r->render, stuck);
}

static void on_budget(void *arg, const struct model_budget *budget)
{
	struct replay *r = arg;

	render_budget(&r->render, budget);
}

static void on_request(void *arg, const struct model_done *done)
{
	struct replay *r = arg;

	if (r->opts->requests)
		render_request(&r->render, done);
}

static const struct render_feature features[] = {{"edges", "syscall"}, {"tls", "yes"}};

static bool is_named(const struct lg_rec_target *const *recs, size_t nr, uint32_t pid)
{
	for (size_t i = 0; i < nr; i++)
		if (recs[i]->pid == pid)
			return true;
	return false;
}

/* The processes that the records tell of, each once: how many. */
static size_t targets_find(const struct bytes *in, const struct lg_rec_target *recs[MAX_TARGETS])
{
	const struct lg_head *head;
	size_t nr = 0;
	int len;

	for (size_t at = 0; at < in->len && nr < MAX_TARGETS; at += (size_t)len) {
		len = record_check(in->data + at, in->len - at, &head);
		if (len < 0)
			break;
		if (head->kind != LG_REC_TARGET)
			continue;
		recs[nr] = (const void *)head;
		nr += !is_named(recs, nr, recs[nr]->pid);
	}
	return nr;
}

/* The header names the processes that the records tell of. */
static void header_print(struct replay *r, const struct bytes *in)
{
	static char comm[MAX_TARGETS][LG_COMM_LEN + 1], exe[MAX_TARGETS][EXE_LEN],
		runtime[MAX_TARGETS][TARGET_RUNTIME_LEN];
	const struct lg_rec_target *recs[MAX_TARGETS];
	struct render_target targets[MAX_TARGETS];
	struct render_header header = {
		.version = "0.0.0",
		.kernel = "6.1.0-golden",
		.host = "golden",
		.threshold_ns = r->opts->threshold_ns,
		.features = features,
		.nr_features = sizeof(features) / sizeof(*features),
		.targets = targets,
		.nr_targets = targets_find(in, recs),
	};

	for (size_t n = 0; n < header.nr_targets; n++) {
		const struct lg_rec_target *rec = recs[n];

		snprintf(comm[n], sizeof(comm[n]), "%.*s", LG_COMM_LEN, rec->comm);
		snprintf(exe[n], sizeof(exe[n]), "%.*s", (int)rec->exe_len, rec->exe);
		targets[n] = (struct render_target){.pid = rec->pid, .comm = comm[n]};
		targets[n].exe = rec->exe_len ? exe[n] : NULL;
		targets[n].runtime = target_format_runtime(runtime[n], TARGET_RUNTIME_LEN, rec->runtime, rec->version);
	}
	render_begin(&r->render, &header);
}

/* Returns how many bytes were records: all of them, or those before the damage. */
static size_t records_feed(struct replay *r, const struct bytes *in)
{
	const struct lg_head *head;
	size_t at = 0;
	int len;

	while (at < in->len) {
		len = record_check(in->data + at, in->len - at, &head);
		if (len < 0)
			break;
		if (head->time_ns > r->end_ns)
			r->end_ns = head->time_ns;
		if (model_feed(r->model, head))
			die("model_feed", ENOMEM);
		at += (size_t)len;
	}
	model_flush(r->model);
	return at;
}

static void summary_print(struct replay *r)
{
	struct model_summary summary;

	if (model_summary(r->model, r->end_ns, &summary))
		die("model_summary", ENOMEM);
	render_summary(&r->render, &summary);
	model_summary_fini(&summary);
}

/* Damaged records are not summed up: the output then ends with what was told before. */
static size_t replay(const struct opts *opts, const struct bytes *in)
{
	struct replay r = {.opts = opts};
	struct model_opts model_opts = {.threshold_ns = opts->threshold_ns};
	struct model_sink sink = {
		.arg = &r, .stall = on_stall, .stuck = on_stuck, .request = on_request, .budget = on_budget};
	struct err err = {};
	size_t read;
	int error;

	if (model_new(&r.model, &model_opts, &sink, &err))
		exit(err_print(&err));
	r.render.ops = opts->json ? &render_json : &render_text;
	r.render.out = stdout;
	r.render.style = opts->style;
	r.render.realtime_offset_ns = REALTIME_NS;
	header_print(&r, in);
	read = records_feed(&r, in);
	if (read == in->len)
		summary_print(&r);
	error = render_flush(&r.render);
	model_free(r.model);
	if (error)
		die("stdout", -error);
	return read;
}

static int replay_whole(const struct opts *opts, const struct bytes *in)
{
	size_t read = replay(opts, in);

	if (read == in->len)
		return EXIT_CODE_OK;
	fprintf(stderr, "replay: %s is damaged at byte %zu\n", opts->path, read);
	return EXIT_CODE_FAILED;
}

static int replay_prefixes(const struct opts *opts, const struct bytes *in)
{
	for (size_t len = 0; len <= in->len; len += len < EVERY_BYTE ? 1 : STRIDE) {
		struct bytes prefix = {malloc(len ? len : 1), len};

		if (!prefix.data)
			die("malloc", errno);
		memcpy(prefix.data, in->data, len);
		printf("\x1e%zu %zu\n", len, replay(opts, &prefix));
		free(prefix.data);
	}
	return EXIT_CODE_OK;
}

/* As the head of a live run's recording would be. */
static struct file_writer *recording_open(const struct opts *opts, const struct bytes *in)
{
	const struct lg_rec_target *recs[MAX_TARGETS];
	size_t nr = targets_find(in, recs), len = 0;
	struct file_info info = {
		.version = "0.0.0",
		.kernel = "6.1.0-golden",
		.host = "golden",
		.machine = "golden",
		.realtime_offset_ns = REALTIME_NS,
		.start_ns = ((const struct lg_head *)in->data)->time_ns,
		.threshold_ns = opts->threshold_ns,
		.turn_ns = opts->threshold_ns,
		.id_header = "",
	};
	static uint8_t targets[MAX_TARGETS * EXE_LEN * 2];
	struct file_writer *w;
	struct err err = {};

	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++)
		info.features[info.nr_features++] = (struct file_feature){features[i].name, features[i].word};
	for (size_t i = 0; i < nr && len + recs[i]->head.len <= sizeof(targets); len += recs[i++]->head.len)
		memcpy(targets + len, recs[i], recs[i]->head.len);
	if (file_writer_open(&w, opts->recording, &err))
		exit(err_print(&err));
	if (file_writer_begin(w, 64 << 20, &info, targets, len))
		die(opts->recording, EIO);
	return w;
}

static int stream_record(const struct opts *opts, const struct bytes *in)
{
	struct file_writer *w = recording_open(opts, in);
	const struct lg_head *head;
	int error = 0, len;

	for (size_t at = 0; at < in->len && !error; at += (size_t)len) {
		len = record_check(in->data + at, in->len - at, &head);
		if (len < 0)
			die(opts->path, -len);
		error = file_writer_add(w, head);
	}
	if (!error)
		error = file_writer_finish(w);
	file_writer_close(w);
	if (error)
		die(opts->recording, -error);
	return EXIT_CODE_OK;
}

static struct bytes file_read(const char *path)
{
	FILE *file = fopen(path, "re");
	struct bytes in = {};
	long len;

	if (!file || fseek(file, 0, SEEK_END) || (len = ftell(file)) < 0)
		die(path, errno);
	rewind(file);
	in.len = (size_t)len;
	in.data = malloc(in.len ? in.len : 1);
	if (!in.data || fread(in.data, 1, in.len, file) != in.len)
		die(path, errno ? errno : EIO);
	fclose(file);
	return in;
}

static int opts_parse(struct opts *opts, int argc, char **argv)
{
	static const struct option table[] = {
		{"text", no_argument, NULL, 't'},
		{"json", no_argument, NULL, 'j'},
		{"requests", no_argument, NULL, 'r'},
		{"prefixes", no_argument, NULL, 'p'},
		{"threshold", required_argument, NULL, 'T'},
		{"width", required_argument, NULL, 'w'},
		{"utf8", no_argument, NULL, 'u'},
		{"colour", no_argument, NULL, 'c'},
		{"record", required_argument, NULL, 'R'},
		{},
	};
	int option, error = 0;

	while (!error && (option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		opts->json |= option == 'j';
		opts->requests |= option == 'r';
		opts->prefixes |= option == 'p';
		opts->style.utf8 |= option == 'u';
		opts->style.colour |= option == 'c';
		if (option == 'w')
			opts->style.width = (unsigned)strtoul(optarg, NULL, 10);
		if (option == 'R')
			opts->recording = optarg;
		if (option == 'T')
			error = units_parse_duration(optarg, &opts->threshold_ns);
		if (option == '?')
			error = -EINVAL;
	}
	opts->path = argv[optind];
	return error || optind != argc - 1 ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	struct opts opts = {.threshold_ns = 100000000};
	struct bytes in;
	int code;

	if (opts_parse(&opts, argc, argv)) {
		fprintf(stderr, "usage: replay [--text|--json] [--requests] [--threshold 100ms] [--width N] [--utf8] "
				"[--colour] [--prefixes] [--record FILE] FILE\n");
		return EXIT_CODE_USAGE;
	}
	setenv("TZ", "UTC", 1);
	tzset();
	in = file_read(opts.path);
	if (opts.recording)
		code = stream_record(&opts, &in);
	else
		code = opts.prefixes ? replay_prefixes(&opts, &in) : replay_whole(&opts, &in);
	free(in.data);
	return code;
}
