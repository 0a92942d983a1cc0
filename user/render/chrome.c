/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of the trace format: M names a track, X is a slice, b and e begin and end what overlaps others. */
#include "render/chrome.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "render/hint.h"
#include "render/place.h"
#include "render/trail.h"
#include "render/words.h"
#include "render/writer.h"

/*
 * Slices of one track must lie in each other or apart, or readers leave them out. These compute in floating point
 * microseconds, which are some ns off after a year of uptime: a stall ends this much before its turn, to be within it.
 */
#define INSET_NS 1000

struct chrome {
	struct trail_guide guide;
	struct table stuck; /* tid -> when the turn began that was told as stuck, and that is no slice yet */
	struct trail trail; /* of the newest stall */
	uint64_t threshold_ns;
	uint64_t nr_requests; /* told: their ids */
	bool has_events;
};

/* The keys that every event has. */
static struct writer event_open(struct render *r, const char *phase, const char *category, const char *name,
				uint32_t pid, uint32_t tid)
{
	struct writer w = {.out = r->out};
	struct chrome *chrome = r->state;

	fputs(chrome->has_events ? ",\n" : "", r->out);
	chrome->has_events = true;
	writer_object(&w, NULL);
	writer_string(&w, "ph", phase);
	if (category)
		writer_string(&w, "cat", category);
	writer_string(&w, "name", name);
	writer_u64(&w, "pid", pid);
	writer_u64(&w, "tid", tid);
	return w;
}

static void track_name(struct render *r, const char *what, const char *name, uint32_t pid, uint32_t tid)
{
	struct writer w = event_open(r, "M", NULL, what, pid, tid);

	writer_object(&w, "args");
	writer_string(&w, "name", name);
	writer_object_end(&w);
	writer_object_end(&w);
}

static void chrome_begin(struct render *r, const struct render_header *header)
{
	struct chrome *chrome = calloc(1, sizeof(*chrome));

	if (!chrome) {
		r->error = -ENOMEM;
		return;
	}
	trail_guide_init(&chrome->guide);
	table_init(&chrome->stuck, 0);
	chrome->threshold_ns = header->threshold_ns;
	r->state = chrome;
	fputs("[\n", r->out);
}

static void record_target(struct render *r, const struct lg_rec_target *rec)
{
	struct chrome *chrome = r->state;
	char name[TRAIL_LOOP_LEN];

	trail_format_loop(&chrome->guide, name, sizeof(name), rec->pid, rec->comm);
	track_name(r, "process_name", name, rec->pid, rec->pid);
}

static void record_thread(struct render *r, const struct lg_rec_thread *rec)
{
	char comm[LG_COMM_LEN + 1] = "";

	if (rec->event != LG_THREAD_LOOP)
		return;
	memcpy(comm, rec->comm, LG_COMM_LEN);
	track_name(r, "thread_name", comm, rec->pid, rec->tid);
}

static void put_turn(struct render *r, const char *name, uint32_t pid, uint32_t tid, uint64_t start_ns, uint64_t end_ns)
{
	struct writer w;

	if (end_ns < start_ns)
		return;
	w = event_open(r, "X", "turn", name, pid, tid);
	writer_us(&w, "ts", start_ns);
	writer_us(&w, "dur", end_ns - start_ns);
	writer_object_end(&w);
}

static void record_turn(struct render *r, const struct lg_rec_turn *rec)
{
	table_del(&((struct chrome *)r->state)->stuck, rec->tid);
	put_turn(r, "turn", rec->pid, rec->tid, rec->start_ns, rec->end_ns);
}

static void chrome_record(struct render *r, const struct lg_head *rec)
{
	struct chrome *chrome = r->state;

	trail_guide_record(&chrome->guide, rec);
	if (rec->kind == LG_REC_TARGET)
		record_target(r, (const void *)rec);
	else if (rec->kind == LG_REC_THREAD)
		record_thread(r, (const void *)rec);
	else if (rec->kind == LG_REC_TURN)
		record_turn(r, (const void *)rec);
}

static void put_victims(struct writer *w, const struct model_stall *stall)
{
	writer_u64(w, "victim_count", stall->nr_victims);
	writer_array(w, "victims");
	for (unsigned i = 0; i < stall->nr_victims_told; i++)
		writer_string(w, NULL, stall->victims[i]);
	writer_array_end(w);
}

static void put_request(struct writer *w, const struct model_request *request)
{
	writer_string(w, "request", request->id);
	writer_name(w, "method", request->method);
	writer_name(w, "path", request->path);
	writer_name(w, "trace_id", request->trace_id);
}

static void put_args(struct render *r, struct writer *w, const struct model_stall *stall)
{
	const struct trail *trail = &((struct chrome *)r->state)->trail;
	char hint[HINT_LEN];

	writer_object(w, "args");
	writer_u64(w, "duration_ns", stall->duration_ns);
	writer_string(w, "cause", trail->names[TRAIL_CAUSE]);
	writer_string(w, "confidence", words_confidence(stall->confidence));
	if (trail->detail)
		writer_string(w, "waited_for", trail->detail);
	if (!r->no_hints && *hint_of_stall(hint, sizeof(hint), stall))
		writer_string(w, "hint", hint);
	if (stall->nr_frames)
		place_put_stack(w, stall->frames, stall->nr_frames);
	if (stall->request)
		put_request(w, stall->request);
	put_victims(w, stall);
	writer_object_end(w);
}

static void chrome_stuck(struct render *r, const struct model_stuck *stuck)
{
	uint64_t start_ns = stuck->start_ns + stuck->duration_ns - stuck->turn_ns;

	if (table_put(&((struct chrome *)r->state)->stuck, stuck->tid, (void *)(uintptr_t)start_ns))
		r->error = -ENOMEM;
}

/* A turn that has not ended is no record: it goes before the first stall in it, as others do. */
static void put_open_turn(struct render *r, const struct model_stall *stall)
{
	struct table *stuck = &((struct chrome *)r->state)->stuck;
	uint64_t start_ns = (uintptr_t)table_get(stuck, stall->tid);

	if (!start_ns || stall->start_ns < start_ns)
		return;
	table_del(stuck, stall->tid);
	put_turn(r, "turn, not ended", stall->pid, stall->tid, start_ns, start_ns + stall->turn_ns);
}

/* "cpu: GET /report/{n}" */
static void chrome_stall(struct render *r, const struct model_stall *stall)
{
	struct chrome *chrome = r->state;
	const struct trail *trail = &chrome->trail;
	char name[TRAIL_ROUTE_LEN + 32];
	struct writer w;

	put_open_turn(r, stall);
	trail_make(&chrome->trail, &chrome->guide, stall);
	snprintf(name, sizeof(name), "%s%.20s: %.*s", stall->goes_on ? "STUCK " : "", trail->names[TRAIL_CAUSE],
		 TRAIL_ROUTE_LEN - 1, trail->names[TRAIL_ROUTE]);
	w = event_open(r, "X", "stall", name, stall->pid, stall->tid);
	writer_us(&w, "ts", stall->start_ns);
	writer_us(&w, "dur", stall->duration_ns > INSET_NS ? stall->duration_ns - INSET_NS : 0);
	writer_string(&w, "cname", "terrible");
	put_args(r, &w, stall);
	writer_object_end(&w);
}

static struct writer request_open(struct render *r, const struct model_done *done, const char *phase, const char *name,
				  uint64_t at_ns)
{
	struct writer w = event_open(r, phase, "request", name, done->pid, done->tid);
	char id[24];

	snprintf(id, sizeof(id), "%llu", (unsigned long long)((struct chrome *)r->state)->nr_requests);
	writer_string(&w, "id", id);
	writer_us(&w, "ts", at_ns);
	return w;
}

static void chrome_request(struct render *r, const struct model_done *done)
{
	struct chrome *chrome = r->state;
	char name[TRAIL_ROUTE_LEN];
	struct writer w;

	if (done->duration_ns < chrome->threshold_ns)
		return;
	chrome->nr_requests++;
	trail_format_route(name, sizeof(name), done->request);
	w = request_open(r, done, "b", name, done->start_ns);
	writer_object(&w, "args");
	put_request(&w, done->request);
	writer_i64(&w, "status", done->status);
	writer_u64(&w, "hold_ns", done->hold_ns);
	writer_u64(&w, "delay_ns", done->delay_ns);
	writer_object_end(&w);
	writer_object_end(&w);
	w = request_open(r, done, "e", name, done->start_ns + done->duration_ns);
	writer_object_end(&w);
}

static void chrome_summary(struct render *r, const struct model_summary *summary)
{
	(void)summary;
	fputs("\n]\n", r->out);
}

static void chrome_end(struct render *r)
{
	struct chrome *chrome = r->state;

	if (!chrome)
		return;
	trail_guide_fini(&chrome->guide);
	table_fini(&chrome->stuck);
	free(chrome);
	r->state = NULL;
}

const struct render_ops render_chrome = {
	.begin = chrome_begin,
	.record = chrome_record,
	.stall = chrome_stall,
	.stuck = chrome_stuck,
	.request = chrome_request,
	.summary = chrome_summary,
	.end = chrome_end,
};
