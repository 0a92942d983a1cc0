/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The view for programs. Lines are written as they come; the only state is the offset of the clock.
 */
#include "render/json.h"

#include <string.h>

#include "render/budget.h"
#include "render/clock.h"
#include "render/hint.h"
#include "render/place.h"
#include "render/service.h"
#include "render/syscall_names.h"
#include "render/target.h"
#include "render/words.h"
#include "render/writer.h"

const struct render_ops render_json = {
	.begin = json_begin,
	.stall = json_stall,
	.stuck = json_stuck,
	.request = json_request,
	.cumulative = json_cumulative,
	.budget = json_budget,
	.summary = json_summary,
};

static struct writer line_open(struct render *r, const char *type)
{
	struct writer w = {.out = r->out};

	writer_object(&w, NULL);
	writer_string(&w, "type", type);
	return w;
}

static void put_time(struct writer *w, const struct render *r, const char *key, uint64_t monotonic_ns)
{
	char text[CLOCK_LEN];

	writer_string(w, key, clock_format_utc(text, sizeof(text), monotonic_ns, r->realtime_offset_ns));
}

void json_begin(struct render *r, const struct render_header *header)
{
	struct writer w = line_open(r, "header");

	writer_u64(&w, "schema", JSON_SCHEMA);
	writer_string(&w, "version", header->version);
	writer_string(&w, "kernel", header->kernel);
	writer_string(&w, "host", header->host);
	writer_u64(&w, "threshold_ns", header->threshold_ns);
	writer_string(&w, "threshold", header->is_auto ? "auto" : "fixed");
	writer_object(&w, "features");
	for (size_t i = 0; i < header->nr_features; i++)
		writer_string(&w, header->features[i].name, header->features[i].word);
	writer_object_end(&w);
	writer_array(&w, "targets");
	for (size_t i = 0; i < header->nr_targets; i++) {
		const struct render_target *t = &header->targets[i];

		writer_object(&w, NULL);
		writer_u64(&w, "pid", t->pid);
		writer_string(&w, "comm", t->comm);
		writer_string(&w, "exe", t->exe);
		writer_string(&w, "runtime", t->runtime);
		writer_object_end(&w);
	}
	writer_array_end(&w);
	writer_line_end(&w);
}

static void put_parts(struct writer *w, const struct model_parts *parts)
{
	writer_u64(w, "on_cpu_ns", parts->on_cpu_ns);
	writer_u64(w, "user_ns", parts->user_ns);
	writer_u64(w, "system_ns", parts->system_ns);
	writer_u64(w, "gc_ns", parts->gc_ns);
	writer_u64(w, "blocked_ns", parts->blocked_ns);
	writer_object(w, "blocked");
	for (int i = 0; i < LG_NR_SLEEPS; i++)
		writer_u64(w, words_sleep(i), parts->sleep_ns[i]);
	writer_object_end(w);
	writer_u64(w, "runqueue_ns", parts->runqueue_ns);
	writer_u64(w, "throttled_ns", parts->throttled_ns);
}

/* A call that is known by its number, or by what blocked in it as well. */
static void put_syscall(struct writer *w, int nr, const struct lg_block *block, const char *path)
{
	char name[WORDS_SYSCALL_LEN], target[TARGET_LEN], service[SERVICE_LEN];

	if (nr < 0) {
		writer_null(w, "syscall");
		return;
	}
	writer_object(w, "syscall");
	writer_string(w, "name", words_syscall(name, sizeof(name), nr));
	if (block && block->fd >= 0)
		writer_i64(w, "fd", block->fd);
	else
		writer_null(w, "fd");
	writer_string(w, "target", block ? target_format(target, sizeof(target), &block->target, path) : NULL);
	writer_string(w, "service", block ? service_name(service, sizeof(service), &block->target) : NULL);
	writer_object_end(w);
}

static void put_detail(struct writer *w, const struct model_detail *detail)
{
	const char *word = words_detail(detail->kind);

	if (!word) {
		writer_null(w, "detail");
		return;
	}
	writer_object(w, "detail");
	writer_string(w, "kind", word);
	writer_name(w, "name", detail->name);
	writer_object_end(w);
}

/* The thread that held the lock which the stall waited for longest. */
static void put_holder(struct writer *w, const struct lg_block *block)
{
	char comm[LG_COMM_LEN + 1] = "";

	if (!block || block->target.kind != LG_TARGET_HOLDER) {
		writer_null(w, "holder");
		return;
	}
	memcpy(comm, block->target.name, LG_COMM_LEN);
	writer_object(w, "holder");
	writer_u64(w, "tid", block->target.ino);
	writer_string(w, "comm", comm);
	writer_object_end(w);
}

/* The keys of a request; a connection without HTTP has an id and a peer only. */
static void put_request_keys(struct writer *w, const struct model_request *request)
{
	char peer[TARGET_LEN];

	writer_string(w, "id", request->id);
	writer_name(w, "method", request->method);
	writer_name(w, "path", request->path);
	writer_name(w, "route", request->route);
	writer_name(w, "trace_id", request->trace_id);
	writer_string(w, "peer", target_format(peer, sizeof(peer), &request->peer, NULL));
}

static void put_request(struct writer *w, const struct model_request *request)
{
	if (!request) {
		writer_null(w, "request");
		return;
	}
	writer_object(w, "request");
	put_request_keys(w, request);
	writer_object_end(w);
}

static void put_victims(struct writer *w, const char *const *victims, unsigned nr_told, unsigned nr)
{
	writer_array(w, "victims");
	for (unsigned i = 0; i < nr_told; i++)
		writer_string(w, NULL, victims[i]);
	writer_array_end(w);
	writer_u64(w, "victim_count", nr);
}

void json_stall(struct render *r, const struct model_stall *stall)
{
	struct writer w = line_open(r, "stall");
	char hint[HINT_LEN];

	put_time(&w, r, "time", stall->start_ns);
	writer_u64(&w, "start_ns", stall->start_ns);
	writer_u64(&w, "pid", stall->pid);
	writer_u64(&w, "tid", stall->tid);
	writer_string(&w, "comm", stall->comm);
	writer_u64(&w, "duration_ns", stall->duration_ns);
	writer_string(&w, "cause", words_cause(stall->cause));
	put_detail(&w, &stall->detail);
	writer_name(&w, "hint", hint_of_stall(hint, sizeof(hint), stall));
	put_parts(&w, &stall->parts);
	put_syscall(&w, stall->block ? stall->block->nr : stall->on_cpu_nr, stall->block, stall->block_path);
	put_holder(&w, stall->block);
	put_request(&w, stall->request);
	writer_string(&w, "confidence", words_confidence(stall->confidence));
	put_victims(&w, stall->victims, stall->nr_victims_told, stall->nr_victims);
	writer_u64(&w, "turn_ns", stall->turn_ns);
	writer_bool(&w, "ended", !stall->goes_on);
	writer_u64(&w, "threshold_ns", stall->threshold_ns);
	place_put_stack(&w, stall->frames, stall->nr_frames);
	writer_line_end(&w);
}

/* The keys that it shares with a stall mean the same, as of now. */
void json_stuck(struct render *r, const struct model_stuck *stuck)
{
	struct writer w = line_open(r, "stuck");
	char hint[HINT_LEN];

	put_time(&w, r, "time", stuck->start_ns);
	writer_u64(&w, "start_ns", stuck->start_ns);
	writer_u64(&w, "pid", stuck->pid);
	writer_u64(&w, "tid", stuck->tid);
	writer_string(&w, "comm", stuck->comm);
	writer_u64(&w, "duration_ns", stuck->duration_ns);
	writer_string(&w, "cause", words_cause(stuck->cause));
	put_detail(&w, &stuck->detail);
	writer_name(&w, "hint", hint_of_stuck(hint, sizeof(hint), stuck));
	put_syscall(&w, stuck->sleep_nr, stuck->block, stuck->block_path);
	put_holder(&w, stuck->block);
	put_request(&w, stuck->request);
	writer_string(&w, "confidence", words_confidence(stuck->confidence));
	put_victims(&w, stuck->victims, stuck->nr_victims_told, stuck->nr_victims);
	writer_u64(&w, "turn_ns", stuck->turn_ns);
	place_put_stack(&w, stuck->frames, stuck->nr_frames);
	writer_line_end(&w);
}

void json_request(struct render *r, const struct model_done *done)
{
	struct writer w = line_open(r, "request");

	put_time(&w, r, "time", done->start_ns);
	writer_u64(&w, "start_ns", done->start_ns);
	writer_u64(&w, "pid", done->pid);
	writer_u64(&w, "tid", done->tid);
	put_request_keys(&w, done->request);
	if (done->status)
		writer_i64(&w, "status", done->status);
	else
		writer_null(&w, "status");
	writer_u64(&w, "duration_ns", done->duration_ns);
	writer_u64(&w, "hold_ns", done->hold_ns);
	put_parts(&w, &done->parts);
	writer_u64(&w, "longest_run_ns", done->longest_run_ns);
	writer_u64(&w, "delay_ns", done->delay_ns);
	writer_u64(&w, "socket_wait_ns", done->socket_wait_ns);
	writer_string(&w, "confidence", words_confidence(done->confidence));
	writer_line_end(&w);
}

void json_put_buckets(struct writer *w, const struct hist *hist)
{
	writer_array(w, "histogram");
	for (unsigned i = 0; i < LG_NR_BUCKETS; i++) {
		if (!hist->buckets[i])
			continue;
		writer_array(w, NULL);
		if (i == LG_NR_BUCKETS - 1)
			writer_null(w, NULL);
		else
			writer_u64(w, NULL, hist_upper_ns(i));
		writer_u64(w, NULL, hist->buckets[i]);
		writer_array_end(w);
	}
	writer_array_end(w);
}

/* `max_ns` counts when the histogram came without its own. */
static void put_hist(struct writer *w, const char *key, const struct hist *hist, uint64_t max_ns)
{
	uint64_t max = hist->max_ns ? hist->max_ns : max_ns;

	writer_object(w, key);
	writer_u64(w, "count", hist->count);
	writer_u64(w, "sum", hist->sum_ns);
	writer_u64(w, "p50", hist_quantile(hist, 0.5));
	writer_u64(w, "p90", hist_quantile(hist, 0.9));
	writer_u64(w, "p99", hist_quantile(hist, 0.99));
	writer_u64(w, "max", max);
	json_put_buckets(w, hist);
	writer_object_end(w);
}

static void put_loop(struct writer *w, const struct model_loop *loop)
{
	char runtime[TARGET_RUNTIME_LEN];
	uint64_t idle_ns = loop->idle_ns < loop->elapsed_ns ? loop->idle_ns : loop->elapsed_ns;

	writer_object(w, NULL);
	writer_u64(w, "pid", loop->pid);
	writer_u64(w, "tid", loop->tid);
	writer_string(w, "comm", loop->comm);
	writer_string(w, "runtime", target_format_runtime(runtime, sizeof(runtime), loop->runtime, loop->version));
	writer_bool(w, "ended", loop->ended);
	writer_u64(w, "elapsed_ns", loop->elapsed_ns);
	writer_u64(w, "idle_ns", loop->idle_ns);
	writer_share(w, "utilisation", loop->elapsed_ns - idle_ns, loop->elapsed_ns);
	writer_u64(w, "turns", loop->turns);
	writer_u64(w, "stalls", loop->nr_stalls);
	writer_u64(w, "stall_ns", loop->stall_ns);
	writer_u64(w, "threshold_ns", loop->threshold_ns);
	writer_u64(w, "stuck_ns", loop->stuck_ns);
	put_hist(w, "turn_ns", &loop->hist, loop->max_turn_ns);
	writer_object_end(w);
}

static void put_route(struct writer *w, const struct model_route *route)
{
	writer_object(w, NULL);
	writer_name(w, "method", route->method);
	writer_string(w, "route", route->route);
	writer_u64(w, "count", route->count);
	writer_u64(w, "stalls", route->nr_stalls);
	writer_u64(w, "stall_ns", route->stall_ns);
	writer_u64(w, "longest_run_ns", route->max_run_ns);
	writer_name(w, "worst_id", route->worst_id);
	put_hist(w, "hold_ns", &route->hold, 0);
	put_hist(w, "delay_ns", &route->delay, 0);
	put_hist(w, "duration_ns", &route->duration, 0);
	writer_object_end(w);
}

static void put_causes(struct writer *w, const struct model_summary *summary)
{
	writer_object(w, "causes");
	for (int i = 0; i < LG_NR_CAUSES; i++) {
		writer_object(w, words_cause(i));
		writer_u64(w, "stalls", summary->causes[i].nr_stalls);
		writer_u64(w, "ns", summary->causes[i].stall_ns);
		writer_object_end(w);
	}
	writer_object_end(w);
}

static void put_details(struct writer *w, const struct model_summary *summary)
{
	writer_array(w, "details");
	for (int cause = 0; cause < LG_NR_CAUSES; cause++) {
		for (int kind = 0; kind < MODEL_NR_DETAILS; kind++) {
			const struct model_cause_detail *d = &summary->details[cause][kind];
			const struct model_detail detail = {.kind = kind};
			char hint[HINT_LEN];

			if (!d->nr_stalls)
				continue;
			writer_object(w, NULL);
			writer_string(w, "cause", words_cause(cause));
			writer_string(w, "kind", words_detail(kind));
			writer_u64(w, "stalls", d->nr_stalls);
			writer_u64(w, "ns", d->stall_ns);
			writer_name(w, "hint", hint_format(hint, sizeof(hint), cause, &detail, d->runtime, NULL));
			writer_object_end(w);
		}
	}
	writer_array_end(w);
}

static void put_counters(struct writer *w, const struct model_summary *summary)
{
	writer_object(w, "counters");
#define X(sym, nr, name, is_loss, help) writer_u64(w, name, summary->counters[nr]);
	LG_COUNTERS(X)
#undef X
	writer_object_end(w);
}

static void put_share(struct writer *w, const struct model_share *share)
{
	writer_object(w, NULL);
	writer_string(w, "method", share->method);
	writer_string(w, "route", share->route);
	writer_u64(w, "holds", share->nr_holds);
	writer_u64(w, "sum_ns", share->sum_ns);
	writer_array(w, "requests");
	for (unsigned i = 0; i < share->nr_ids; i++)
		writer_string(w, NULL, share->ids[i]);
	writer_array_end(w);
	if (share->place)
		place_put_frame(w, "place", share->place);
	else
		writer_null(w, "place");
	writer_object_end(w);
}

void json_cumulative(struct render *r, const struct model_cumulative *sum)
{
	struct writer w = line_open(r, "cumulative");

	put_time(&w, r, "time", sum->start_ns);
	writer_u64(&w, "start_ns", sum->start_ns);
	writer_u64(&w, "duration_ns", sum->duration_ns);
	writer_u64(&w, "pid", sum->pid);
	writer_u64(&w, "tid", sum->tid);
	writer_string(&w, "comm", sum->comm);
	writer_u64(&w, "sum_ns", sum->sum_ns);
	writer_u64(&w, "holds", sum->nr_holds);
	writer_u64(&w, "limit_ns", sum->limit_ns);
	writer_u64(&w, "window_ns", sum->window_ns);
	writer_array(&w, "routes");
	for (unsigned i = 0; i < sum->nr_shares; i++)
		put_share(&w, &sum->shares[i]);
	writer_array_end(&w);
	writer_u64(&w, "other_ns", sum->other_ns);
	writer_line_end(&w);
}

void json_budget(struct render *r, const struct model_budget *budget)
{
	struct writer w = line_open(r, "budget");

	put_time(&w, r, "time", budget->time_ns);
	writer_u64(&w, "start_ns", budget->time_ns);
	budget_put_change(&w, budget);
	writer_line_end(&w);
}

void json_summary(struct render *r, const struct model_summary *summary)
{
	struct writer w = line_open(r, "summary");

	put_time(&w, r, "time", summary->end_ns);
	writer_u64(&w, "start_ns", summary->start_ns);
	writer_u64(&w, "end_ns", summary->end_ns);
	writer_u64(&w, "elapsed_ns", summary->end_ns - summary->start_ns);
	writer_u64(&w, "stalls", summary->nr_stalls);
	writer_u64(&w, "filtered_stalls", summary->nr_filtered);
	writer_u64(&w, "cumulative", summary->nr_cumulative);
	writer_u64(&w, "requests", summary->nr_requests);
	writer_u64(&w, "in_flight", summary->nr_in_flight);
	writer_array(&w, "loops");
	for (size_t i = 0; i < summary->nr_loops; i++)
		put_loop(&w, &summary->loops[i]);
	writer_array_end(&w);
	writer_array(&w, "routes");
	for (size_t i = 0; i < summary->nr_routes; i++)
		put_route(&w, &summary->routes[i]);
	writer_array_end(&w);
	place_put_json(&w, summary);
	put_causes(&w, summary);
	put_details(&w, summary);
	writer_u64(&w, "lost", summary->lost);
	put_counters(&w, summary);
	budget_put_json(&w, summary);
	writer_line_end(&w);
}
