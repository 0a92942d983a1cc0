/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Live lines for people. Every line is laid out by itself from the width of the terminal, so that nothing needs to be
 * kept between lines but whether the loop is named.
 */
#include "render/line.h"

#include <string.h>

#include "base/units.h"
#include "render/clock.h"
#include "render/hint.h"
#include "render/place.h"
#include "render/service.h"
#include "render/target.h"
#include "render/words.h"

#define FILE_WIDTH     120 /* columns are placed as if a file were this wide */
#define WIDE           100 /* terminals from this width on get the ms of the time */
#define MAX_CAUSE_COLS 40  /* "syscall connect" and an IPv4 address with port; the rest is the request's */
#define MIN_PATH_COLS  24  /* a request's id is left off when less than this would remain of its path */
#define MAX_TARGETS    8   /* lines of processes at the beginning */
#define SURE_COLS      6
#define VICTIMS_COLS   7
#define CELL_LEN       (4 * (TARGET_LEN + 64)) /* an escaped byte takes at most 4 */
#define PREFIX_LEN     24                      /* of what goes before a cause, with NUL */

struct layout {
	bool cut; /* to a terminal: cells end at their column */
	bool with_ms;
	int time;
	int cause;
	int request;
	int loop; /* 0: not shown */
};

/* The cells of one line: printable, ready to be put. */
struct cells {
	const char *time;
	const char *length;
	const char *cause;
	const char *request;
	const char *sure;
	const char *victims;
	const char *loop;
	enum text_tone length_tone;
	enum text_tone sure_tone;
};

bool line_has_ms(const struct render *r)
{
	return !r->style.width || r->style.width >= WIDE;
}

static int time_cols(const struct render *r)
{
	return line_has_ms(r) ? 12 : 8;
}

int line_indent(const struct render *r)
{
	return time_cols(r) + 2 + UNITS_TABLE_COLS + 2;
}

static struct layout layout_of(const struct render *r)
{
	int width = r->style.width ? (int)r->style.width : FILE_WIDTH;
	struct layout l = {.cut = r->style.width != 0, .with_ms = line_has_ms(r), .time = time_cols(r)};
	int left = width - (line_indent(r) + 2 + 2 + SURE_COLS + 2 + VICTIMS_COLS);

	l.loop = !r->many_loops ? 0 : l.with_ms ? 22 : 7;
	if (l.cut && l.loop)
		left -= l.loop + 2;
	if (left < 20)
		left = 20;
	l.cause = left / 2 < MAX_CAUSE_COLS ? left / 2 : MAX_CAUSE_COLS;
	l.request = left - l.cause;
	return l;
}

static void put_line(struct render *r, const struct layout *l, const struct cells *c, bool heading)
{
	const struct text_style *style = &r->style;
	const struct {
		const char *text;
		int cols;
		enum text_tone tone;
	} cells[] = {
		{c->time, l->time, TEXT_DIM},
		{c->length, -UNITS_TABLE_COLS, c->length_tone},
		{c->cause, l->cause, TEXT_CYAN},
		{c->request, l->request, TEXT_PLAIN},
		{c->sure, SURE_COLS, c->sure_tone},
		{c->victims, -VICTIMS_COLS, TEXT_PLAIN},
		{l->loop ? c->loop : NULL, 0, TEXT_PLAIN},
	};

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]) && cells[i].text; i++) {
		if (i)
			fputs("  ", r->out);
		text_put(r->out, style, heading ? TEXT_BOLD : cells[i].tone, cells[i].text, cells[i].cols);
	}
	fputc('\n', r->out);
}

/* Cuts printable text to its column in place where the layout says so. */
static void fit(const struct layout *l, const struct render *r, char *text, int cols, enum text_cut cut)
{
	char whole[CELL_LEN];

	if (!l->cut)
		return;
	snprintf(whole, sizeof(whole), "%s", text);
	text_fit(text, CELL_LEN, whole, (unsigned)cols, cut, r->style.utf8);
}

static void escape(const struct render *r, char *out, const char *raw)
{
	text_escape(out, CELL_LEN, raw, strlen(raw), r->style.utf8);
}

/* "10.0.0.5:5432 (postgresql)", "/var/db"; NULL: nothing is known. That a name server is one, its detail says. */
static const char *format_target(char *buf, size_t size, const struct model_stall *stall)
{
	const struct lg_target *target = &stall->block->target;
	char path[TARGET_LEN], service[SERVICE_LEN];
	const char *text = target_format(path, sizeof(path), target, stall->block_path);

	if (text && stall->detail.kind != MODEL_DETAIL_DNS && service_name(service, sizeof(service), target))
		snprintf(buf, size, "%s (%s)", text, service);
	else if (text)
		snprintf(buf, size, "%s", text);
	return text ? buf : NULL;
}

/* A detail with a word of its own: "sleep", "import yaml", "dns getaddrinfo 10.0.0.2:53". */
static void format_own_detail(char *buf, size_t size, const struct model_stall *stall)
{
	const struct model_detail *d = &stall->detail;
	bool has_target = (d->kind == MODEL_DETAIL_DNS || d->kind == MODEL_DETAIL_TLS) && stall->block;
	char text[TARGET_LEN + SERVICE_LEN];
	const char *target = has_target ? format_target(text, sizeof(text), stall) : NULL;

	snprintf(buf, size, "%s%s%s%s%s", words_detail(d->kind), *d->name ? " " : "", d->name, target ? " " : "",
		 target ? target : "");
}

void line_format_detail(char *buf, size_t size, const struct model_stall *stall)
{
	const struct lg_block *block = stall->block;
	char name[WORDS_SYSCALL_LEN] = "", text[TARGET_LEN + SERVICE_LEN];
	const char *target = NULL;

	*buf = '\0';
	if (words_detail_is_own(stall->detail.kind)) {
		format_own_detail(buf, size, stall);
	} else if (block && words_sleep_cause(block->sleep) == stall->cause) {
		if (stall->cause == LG_CAUSE_LOCK || stall->cause == LG_CAUSE_GC || stall->cause == LG_CAUSE_STOPPED)
			return;
		if (block->nr >= 0 && stall->cause != LG_CAUSE_GIL)
			words_syscall(name, sizeof(name), block->nr);
		target = format_target(text, sizeof(text), stall);
		snprintf(buf, size, "%s%s%s", name, *name && target ? " " : "", target ? target : "");
	} else if (stall->cause == LG_CAUSE_SYSCALL && stall->on_cpu_nr >= 0) {
		snprintf(buf, size, "%s (on cpu)", words_syscall(name, sizeof(name), stall->on_cpu_nr));
	}
}

void line_format_cause(char *buf, size_t size, const struct model_stall *stall)
{
	char detail[LINE_DETAIL_LEN];

	line_format_detail(detail, sizeof(detail), stall);
	if (words_detail_is_own(stall->detail.kind))
		snprintf(buf, size, "%s", detail);
	else if (stall->detail.kind == MODEL_DETAIL_FUTEX)
		snprintf(buf, size, "%s%s%s", words_cause(stall->cause), *stall->detail.name ? " " : "",
			 stall->detail.name);
	else
		snprintf(buf, size, "%s%s%s", words_cause(stall->cause), *detail ? " " : "", detail);
}

/* In a narrow column the word "syscall" goes first, since the name of the call says it too, then the service. */
static void format_cause(char *cell, const struct render *r, const struct layout *l, const struct model_stall *stall,
			 const char *prefix)
{
	bool has_service = stall->detail.kind == MODEL_DETAIL_PEER || stall->detail.kind == MODEL_DETAIL_TLS;
	char detail[LINE_DETAIL_LEN], text[LINE_CAUSE_LEN], raw[LINE_CAUSE_LEN + PREFIX_LEN], *last;

	line_format_detail(detail, sizeof(detail), stall);
	line_format_cause(text, sizeof(text), stall);
	snprintf(raw, sizeof(raw), "%s%s", prefix, text);
	escape(r, cell, raw);
	if (l->cut && stall->cause == LG_CAUSE_SYSCALL && *detail && text_columns(cell) > (unsigned)l->cause) {
		snprintf(raw, sizeof(raw), "%s%s", prefix, detail);
		escape(r, cell, raw);
	}
	last = strrchr(cell, ' ');
	if (l->cut && has_service && last && last[1] == '(' && text_columns(cell) > (unsigned)l->cause)
		*last = '\0';
	fit(l, r, cell, l->cause, TEXT_CUT_MIDDLE);
}

void line_format_request(char *buf, size_t size, const struct model_request *request)
{
	char peer[TARGET_LEN];
	const char *client = target_format(peer, sizeof(peer), &request->peer, NULL);

	if (*request->method)
		snprintf(buf, size, "%s %s", request->method, request->path);
	else
		snprintf(buf, size, "client %s", client ? client : "unknown");
}

static void format_request(char *cell, const struct render *r, const struct layout *l, const struct model_request *q)
{
	char raw[LINE_REQUEST_LEN], id[CELL_LEN];
	int room;

	if (!q) {
		snprintf(cell, CELL_LEN, "-");
		return;
	}
	line_format_request(raw, sizeof(raw), q);
	escape(r, cell, raw);
	if (!*q->id)
		return fit(l, r, cell, l->request, TEXT_CUT_MIDDLE);
	snprintf(raw, sizeof(raw), "id=%s", q->id);
	escape(r, id, raw);
	room = l->request - 2 - (int)text_columns(id);
	if (l->cut && (int)text_columns(cell) > room && room < MIN_PATH_COLS)
		return fit(l, r, cell, l->request, TEXT_CUT_MIDDLE);
	fit(l, r, cell, room, TEXT_CUT_MIDDLE);
	snprintf(cell + strlen(cell), CELL_LEN - strlen(cell), "  %s", id);
}

void line_format_loop(char *buf, size_t size, uint32_t pid, uint32_t tid, const char *comm, bool utf8)
{
	char name[4 * LG_COMM_LEN + 1] = "", thread[16] = "";

	if (comm)
		text_escape(name, sizeof(name), comm, strnlen(comm, LG_COMM_LEN), utf8);
	if (tid != pid)
		snprintf(thread, sizeof(thread), "/%u", tid);
	snprintf(buf, size, "%u%s%s%s", pid, thread, *name ? " " : "", name);
}

/* The loop's cell; a narrow terminal has room for the thread's id only. */
static void format_loop(char *cell, const struct render *r, const struct layout *l, uint32_t pid, uint32_t tid,
			const char *comm)
{
	char whole[LINE_LOOP_LEN];

	if (l->cut && !l->with_ms) {
		snprintf(cell, LINE_LOOP_LEN, "%u", tid);
		return;
	}
	line_format_loop(whole, sizeof(whole), pid, tid, comm, r->style.utf8);
	if (l->cut)
		text_fit(cell, LINE_LOOP_LEN, whole, (unsigned)l->loop, TEXT_CUT_END, r->style.utf8);
	else
		snprintf(cell, LINE_LOOP_LEN, "%s", whole);
}

static enum text_tone sure_tone(enum lg_confidence confidence)
{
	if (confidence == LG_SURE_EXACT || confidence == LG_SURE_CAUSAL)
		return TEXT_GREEN;
	return confidence == LG_SURE_LIKELY ? TEXT_YELLOW : TEXT_DIM;
}

/* Where in the code it was, below the cause. */
static void put_place(struct render *r, const struct layout *l, const struct model_frame *place)
{
	int indent = line_indent(r);
	char whole[PLACE_LEN], text[PLACE_LEN];

	place_format(whole, sizeof(whole), place->function, place->file, place->line, r->style.utf8);
	text_fit(text, sizeof(text), whole, l->cut ? r->style.width - indent - 3 : sizeof(text), TEXT_CUT_MIDDLE,
		 r->style.utf8);
	fprintf(r->out, "%*sin ", indent, "");
	text_put(r->out, &r->style, TEXT_DIM, text, 0);
	fputc('\n', r->out);
}

static void put_stall(struct render *r, const struct model_stall *stall, const char *prefix)
{
	bool severe = stall->goes_on || stall->duration_ns / 10 >= r->threshold_ns;
	char time[CLOCK_LEN], length[UNITS_LEN], cause[CELL_LEN], request[CELL_LEN], victims[UNITS_LEN];
	char loop[LINE_LOOP_LEN], hint[HINT_LEN];
	struct layout l = layout_of(r);

	format_cause(cause, r, &l, stall, prefix);
	format_request(request, r, &l, stall->request);
	format_loop(loop, r, &l, stall->pid, stall->tid, stall->comm);
	snprintf(victims, sizeof(victims), "%u", stall->nr_victims);
	put_line(r, &l,
		 &(struct cells){
			 .time = clock_format_local(time, sizeof(time), stall->start_ns, r->realtime_offset_ns,
						    l.with_ms),
			 .length = units_format_duration_table(length, sizeof(length), stall->duration_ns),
			 .cause = cause,
			 .request = request,
			 .sure = words_confidence(stall->confidence),
			 .victims = victims,
			 .loop = loop,
			 .length_tone = severe ? TEXT_RED : TEXT_YELLOW,
			 .sure_tone = sure_tone(stall->confidence),
		 },
		 false);
	if (stall->place)
		put_place(r, &l, stall->place);
	hint_print(r, line_indent(r), hint_of_stall(hint, sizeof(hint), stall));
}

void line_stall(struct render *r, const struct model_stall *stall)
{
	put_stall(r, stall, stall->goes_on ? "STUCK to the end: " : "");
}

void line_stuck(struct render *r, const struct model_stuck *stuck)
{
	struct model_stall stall;
	struct lg_block block;

	model_stuck_stall(stuck, &stall, &block);
	put_stall(r, &stall, "STUCK and counting: ");
}

/* In the column of the cause stands how it went: status, hold and delay. */
void line_request(struct render *r, const struct model_done *done)
{
	char time[CLOCK_LEN], length[UNITS_LEN], result[CELL_LEN], request[CELL_LEN], loop[LINE_LOOP_LEN];
	char hold[UNITS_LEN], delay[UNITS_LEN], status[UNITS_LEN] = "no answer";
	struct layout l = layout_of(r);

	if (done->status)
		snprintf(status, sizeof(status), "%d", done->status);
	snprintf(result, sizeof(result), "%s, held %s, delayed %s", status,
		 units_format_duration(hold, sizeof(hold), done->hold_ns),
		 units_format_duration(delay, sizeof(delay), done->delay_ns));
	fit(&l, r, result, l.cause, TEXT_CUT_END);
	format_request(request, r, &l, done->request);
	format_loop(loop, r, &l, done->pid, done->tid, NULL);
	put_line(r, &l,
		 &(struct cells){
			 .time = clock_format_local(time, sizeof(time), done->start_ns, r->realtime_offset_ns,
						    l.with_ms),
			 .length = units_format_duration_table(length, sizeof(length), done->duration_ns),
			 .cause = result,
			 .request = request,
			 .sure = words_confidence(done->confidence),
			 .victims = "-",
			 .loop = loop,
			 .sure_tone = sure_tone(done->confidence),
		 },
		 false);
}

/* Adds "GET /a 3x 12 ms in load (orders.py:41)" to the `len` bytes of `raw`. Returns the new length. */
static size_t add_share(char *raw, size_t size, size_t len, const struct model_share *share)
{
	const char *method = share->method ? share->method : "";
	char length[UNITS_LEN], place[CELL_LEN];

	len += (size_t)snprintf(raw + len, size - len, "%s%s%s%s %llux %s", len ? ", " : "", method, *method ? " " : "",
				share->route ? share->route : "nobody's", (unsigned long long)share->nr_holds,
				units_format_duration(length, sizeof(length), share->sum_ns));
	if (!share->place || len >= size)
		return len;
	place_format(place, sizeof(place), share->place->function, share->place->file, share->place->line, true);
	return len + (size_t)snprintf(raw + len, size - len, " in %s", place);
}

/* "GET /a 30x 150 ms, GET /b 11x 62 ms" */
static void format_shares(char *cell, const struct render *r, const struct layout *l,
			  const struct model_cumulative *sum)
{
	char raw[CELL_LEN], length[UNITS_LEN];
	size_t len = 0;

	for (unsigned i = 0; i < sum->nr_shares && len < sizeof(raw); i++)
		len = add_share(raw, sizeof(raw), len, &sum->shares[i]);
	if (sum->other_ns && len < sizeof(raw))
		snprintf(raw + len, sizeof(raw) - len, ", others %s",
			 units_format_duration(length, sizeof(length), sum->other_ns));
	escape(r, cell, raw);
	fit(l, r, cell, l->request, TEXT_CUT_END);
}

void line_cumulative(struct render *r, const struct model_cumulative *sum)
{
	char time[CLOCK_LEN], length[UNITS_LEN], window[UNITS_LEN], what[CELL_LEN], shares[CELL_LEN];
	char loop[LINE_LOOP_LEN];
	struct layout l = layout_of(r);

	snprintf(what, sizeof(what), "sum of %llu short holds in %s", (unsigned long long)sum->nr_holds,
		 units_format_duration(window, sizeof(window), sum->duration_ns));
	fit(&l, r, what, l.cause, TEXT_CUT_END);
	format_shares(shares, r, &l, sum);
	format_loop(loop, r, &l, sum->pid, sum->tid, sum->comm);
	put_line(
		r, &l,
		&(struct cells){
			.time = clock_format_local(time, sizeof(time), sum->start_ns, r->realtime_offset_ns, l.with_ms),
			.length = units_format_duration_table(length, sizeof(length), sum->sum_ns),
			.cause = what,
			.request = shares,
			.sure = "-",
			.victims = "-",
			.loop = loop,
			.length_tone = TEXT_YELLOW,
		},
		false);
}

/* "4242 python3 (cpython 3.11)" */
static void put_target(struct render *r, const struct render_target *target)
{
	char loop[LINE_LOOP_LEN];

	line_format_loop(loop, sizeof(loop), target->pid, target->pid, target->comm, r->style.utf8);
	text_put(r->out, &r->style, TEXT_BOLD, loop, 0);
	if (target->runtime)
		fprintf(r->out, " (%s)", target->runtime);
}

/* "Tracing 4242 python3 (cpython 3.11)", or the same of what was recorded elsewhere and earlier. */
static void put_opening(struct render *r, const struct render_header *header)
{
	char time[CLOCK_LEN], text[CELL_LEN], length[UNITS_LEN];

	if (header->recorded_ns) {
		clock_format_utc(time, sizeof(time), header->recorded_ns, r->realtime_offset_ns);
		escape(r, text, header->host ? header->host : "");
		fprintf(r->out, "Recorded %.19sZ on %s", time, text);
		escape(r, text, header->kernel ? header->kernel : "");
		fprintf(r->out, " (Linux %s): ", text);
	} else {
		fputs("Tracing ", r->out);
	}
	if (header->nr_targets == 1)
		put_target(r, header->targets);
	else
		fprintf(r->out, "%zu processes", header->nr_targets);
	if (header->is_auto)
		snprintf(length, sizeof(length), "its own threshold");
	else
		units_format_duration(length, sizeof(length), header->threshold_ns);
	if (header->recorded_ns)
		fprintf(r->out, "; stalls over %s.\n", length);
	else
		fprintf(r->out, " for stalls over %s; Ctrl-C prints the summary.\n", length);
}

void line_begin(struct render *r, const struct render_header *header)
{
	struct layout l = layout_of(r);

	put_opening(r, header);
	for (size_t i = 0; header->nr_targets > 1 && i < header->nr_targets && i < MAX_TARGETS; i++) {
		fputs("  ", r->out);
		put_target(r, &header->targets[i]);
		fputc('\n', r->out);
	}
	if (header->nr_targets > MAX_TARGETS)
		fprintf(r->out, "  and %zu more\n", header->nr_targets - MAX_TARGETS);
	if (r->no_lines)
		return;
	put_line(r, &l,
		 &(struct cells){
			 .time = "TIME",
			 .length = "LENGTH",
			 .cause = "CAUSE",
			 .request = "REQUEST",
			 .sure = "SURE",
			 .victims = "VICTIMS",
			 .loop = "LOOP",
		 },
		 true);
}
