/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model: a stream of records in, stalls, requests and a summary out.
 *
 * It is pure. It opens nothing, reads no clock and knows neither libbpf nor /proc: what it says depends
 * on the records alone, so a recording gives the same answer as the live run did. Records must have
 * passed record_check() (source/check.h) before they come here.
 *
 * Words are those of the README, "What it tells". A turn is cut into intervals at its edges; each interval gets an
 * owner; neighbours with one owner are a run; a run over the threshold is a stall, and so is a turn over it in which no
 * run is.
 */
#ifndef LG_MODEL_H
#define LG_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hist.h"
#include "lg_record.h"
#include "model/detail.h"

#define MODEL_ID_LEN      64  /* bytes of a request id, NUL included; longer ones are cut */
#define MODEL_PATH_LEN    256 /* bytes of a path, NUL included; longer ones are cut */
#define MODEL_METHOD_LEN  16
#define MODEL_TRACE_LEN   33 /* 32 hex digits of a W3C trace id, and NUL */
#define MODEL_MAX_VICTIMS 16 /* ids told with a stall; the count is exact */

struct model;

/* What is left out of all that is told and counted. Each list is NULL-terminated; NULL or empty: no such rule. */
struct model_filter {
	const char *const *exclude_paths; /* globs: requests for them, and stalls that they made */
	const char *const *routes;        /* globs: only these */
	const char *const *methods;       /* only these, in any case */
	uint32_t causes;                  /* of stalls: 1 << enum lg_cause, or-ed, */
	uint32_t details;                 /* or 1 << enum model_detail_kind; both 0: all */
};

struct model_opts {
	uint64_t threshold_ns;
	bool is_auto;           /* each loop has a threshold of its own (baseline.h), and this is not used */
	uint64_t cumulative_ns; /* see cumulative.h; 0: off */
	uint64_t cumulative_window_ns;
	const struct model_filter *filter; /* NULL: none */
	const char *id_header;             /* header that holds the request id, NULL: x-request-id */
	const char *const *route_patterns; /* see route.h; NULL-terminated list, or NULL */
	unsigned max_routes;               /* further routes are counted as "_other"; 0: 512 */
};

/* Who a run or a stall belongs to, as it is told. Strings are raw, untrusted bytes, NUL-terminated. */
struct model_request {
	char id[MODEL_ID_LEN];
	char method[MODEL_METHOD_LEN];  /* empty: not HTTP, the connection stands for its requests */
	char path[MODEL_PATH_LEN];      /* without the query */
	char route[MODEL_PATH_LEN];     /* path with its variable parts folded */
	char trace_id[MODEL_TRACE_LEN]; /* empty: none */
	struct lg_target peer;          /* the client */
};

/* A share of time: how a length was spent. on_cpu + blocked + runqueue + throttled == the length. */
struct model_parts {
	uint64_t on_cpu_ns;
	uint64_t user_ns; /* of on_cpu_ns; user_ns + system_ns == on_cpu_ns */
	uint64_t system_ns;
	uint64_t gc_ns;      /* of on_cpu_ns: the runtime collected garbage */
	uint64_t blocked_ns; /* the sum of sleep_ns */
	uint64_t sleep_ns[LG_NR_SLEEPS];
	uint64_t runqueue_ns;
	uint64_t throttled_ns;
};

/* A frame of a stack. Strings are raw, untrusted bytes, NUL-terminated. */
struct model_frame {
	const char *function; /* never empty */
	const char *file;     /* source file or script, else the program or library; may be empty */
	uint32_t line;        /* 0: unknown */
	enum lg_frame_kind kind;
	bool is_own; /* the user's own code */
};

struct model_stall {
	uint64_t start_ns; /* CLOCK_MONOTONIC */
	uint64_t duration_ns;
	uint32_t pid;
	uint32_t tid;
	const char *comm;
	enum lg_runtime runtime;
	enum lg_cause cause;
	struct model_detail detail;
	enum lg_confidence confidence;
	struct model_parts parts;
	const struct lg_block *block; /* longest time off the CPU in it; NULL: none worth telling */
	const char *block_path;       /* full path of the block's file; NULL unknown */
	int on_cpu_nr; /* cause SYSCALL without a block: the call that took long on the CPU; -1 unknown */
	const struct model_request *request; /* NULL: nobody's, or unknown */
	const char *const *victims;          /* request ids, at most MODEL_MAX_VICTIMS */
	unsigned nr_victims_told;
	unsigned nr_victims;
	uint64_t turn_ns;                 /* length of the turn it was in */
	bool goes_on;                     /* it had not ended when it was last seen: it is as long as that so far */
	uint64_t threshold_ns;            /* that it reached */
	const struct model_frame *frames; /* where it was, from the innermost one on */
	size_t nr_frames;                 /* 0: not known */
	const struct model_frame *place;  /* the one of them that its author would look at; NULL: not known */
};

#define MODEL_MAX_SHARES 8  /* routes told with a sum of small holds */
#define MODEL_SHARE_IDS  16 /* requests told with each of them */

/* What one route added to a sum of small holds. */
struct model_share {
	const char *method; /* NULL: nobody's */
	const char *route;
	uint64_t nr_holds;
	uint64_t sum_ns;
	const char *ids[MODEL_SHARE_IDS]; /* the first requests */
	unsigned nr_ids;
	const struct model_frame *place; /* where the longest one was of those of which that is known; NULL: of none */
	uint64_t place_ns;               /* its length */
};

/* Small holds of one loop that added up; their lengths are without the time that they had no CPU. */
struct model_cumulative {
	uint64_t start_ns;    /* CLOCK_MONOTONIC: the first of them began */
	uint64_t duration_ns; /* until the last one ended */
	uint32_t pid;
	uint32_t tid;
	const char *comm;
	uint64_t sum_ns;
	uint64_t nr_holds;
	uint64_t limit_ns; /* as asked for, */
	uint64_t window_ns;
	const struct model_share *shares; /* the largest first */
	unsigned nr_shares;
	uint64_t other_ns; /* of routes beyond these */
};

/*
 * A turn is told as stuck once it is that much longer than the threshold: shorter stalls are told once, at their end.
 * To look at its stack and name its functions takes up to 40 ms more; told it is to be within 100 ms.
 */
#define MODEL_STUCK_AFTER_NS 50000000

/* A stall that goes on: as far as it is known. */
struct model_stuck {
	uint64_t start_ns; /* CLOCK_MONOTONIC */
	uint64_t duration_ns;
	uint64_t turn_ns; /* length of the turn, so far */
	uint32_t pid;
	uint32_t tid;
	const char *comm;
	enum lg_runtime runtime;
	enum lg_cause cause; /* what it does now */
	struct model_detail detail;
	int sleep_nr;                 /* the system call that it sleeps in; -1 none that is worth telling */
	const struct lg_block *block; /* that call, so far; NULL: no more is known than its number */
	const char *block_path;       /* as in a stall */
	enum lg_confidence confidence;
	const struct model_request *request; /* NULL: nobody's, or unknown */
	const char *const *victims;          /* request ids, at most MODEL_MAX_VICTIMS */
	unsigned nr_victims_told;
	unsigned nr_victims;              /* those in flight, and clients whose requests wait to be read */
	const struct model_frame *frames; /* where it was last seen */
	size_t nr_frames;
	const struct model_frame *place;
};

/*
 * The stall that it would be if it ended now, but for its parts and threshold, which are 0: it goes on. What it refers
 * to belongs to `stuck`, or is `block`.
 */
void model_stuck_stall(const struct model_stuck *stuck, struct model_stall *out, struct lg_block *block);

/* A request that ended. */
struct model_done {
	const struct model_request *request;
	uint64_t start_ns;    /* its head's last byte was read */
	uint64_t duration_ns; /* until the last byte of the response was written, or the connection ended */
	uint64_t hold_ns;
	struct model_parts parts; /* of hold_ns */
	uint64_t longest_run_ns;
	uint64_t delay_ns;             /* others kept the loop meanwhile, and while the head lay in the socket */
	uint64_t socket_wait_ns;       /* the head lay in the socket, before start_ns, as far as that is known */
	enum lg_confidence confidence; /* the least sure of its runs */
	uint32_t pid;
	uint32_t tid; /* the loop that served it */
	int status;   /* of the response; 0: none was seen */
};

/* What is left out has changed, to stay within the budget, or because there is room again. */
struct model_budget {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	enum lg_level level;
	enum lg_level before;
	uint64_t limit_ppm; /* as in struct lg_rec_budget; so are the following */
	uint64_t cost_ppm;
	uint64_t window_ns;
	uint64_t target_ns;
	uint64_t bpf_ns;
	uint64_t own_ns;
};

/* Where the answers go. Every pointer is valid during the call only. NULL members are skipped. */
struct model_sink {
	void *arg;
	void (*stall)(void *arg, const struct model_stall *stall);
	void (*stuck)(void *arg, const struct model_stuck *stuck);
	void (*request)(void *arg, const struct model_done *done);
	void (*cumulative)(void *arg, const struct model_cumulative *sum);
	void (*budget)(void *arg, const struct model_budget *budget);
};

struct model_loop {
	uint32_t pid;
	uint32_t tid;
	char comm[LG_COMM_LEN];
	enum lg_runtime runtime;
	uint16_t version; /* as lg_rec_target.version */
	bool ended;
	uint64_t elapsed_ns; /* it was observed for */
	uint64_t idle_ns;    /* utilisation = 1 - idle_ns / elapsed_ns */
	uint64_t turns;
	uint64_t max_turn_ns; /* one that is told as stuck counts as far as it is */
	uint64_t nr_requests; /* that it served to their end */
	uint64_t nr_stalls;
	uint64_t stall_ns;        /* the sum of their lengths */
	uint64_t threshold_ns;    /* as it is now */
	uint64_t stuck_ns;        /* length of a turn that was told as stuck and has not ended; 0: there is none */
	struct hist hist;         /* turns by length */
	struct model_parts parts; /* of elapsed_ns - idle_ns, user_ns and system_ns aside; all 0: not known */
};

struct model_route {
	char method[MODEL_METHOD_LEN];
	char route[MODEL_PATH_LEN];
	uint64_t count;
	uint64_t nr_stalls;
	uint64_t stall_ns;
	double stall_squares; /* the sum of the squares of their lengths, in s^2: how far stall_ns is chance */
	uint64_t max_run_ns;
	struct hist hold;
	struct hist delay;
	struct hist duration;
	char worst_id[MODEL_ID_LEN]; /* the request with the longest run */
};

struct model_cause {
	uint64_t nr_stalls;
	uint64_t stall_ns;
	double stall_squares; /* as in struct model_route */
};

/* The stalls of a cause that were about the same. */
struct model_cause_detail {
	uint64_t nr_stalls;
	uint64_t stall_ns;
	uint64_t max_stall_ns;
	enum lg_runtime runtime; /* of the longest one's loop */
};

#define MODEL_FUNCTION_LEN 128 /* bytes of names in the summary, NUL included; longer ones are cut */
#define MODEL_FILE_LEN     256
#define MODEL_PLACE_ROUTES 3 /* told of a place */

/* Stalls of one function; of one line, where that has no name. */
struct model_place {
	char function[MODEL_FUNCTION_LEN];
	char file[MODEL_FILE_LEN];
	uint32_t line; /* of the longest stall */
	enum lg_frame_kind kind;
	bool is_own;
	uint64_t nr_stalls;
	uint64_t stall_ns;
	double stall_squares; /* as in struct model_route */
	uint64_t max_stall_ns;
	enum lg_cause cause;         /* of the longest stall */
	char worst_id[MODEL_ID_LEN]; /* the request of the longest stall; empty: none known */
	char routes[MODEL_PLACE_ROUTES][MODEL_METHOD_LEN + MODEL_PATH_LEN]; /* the first ones, "GET /x/{n}" */
	unsigned nr_routes;
};

/*
 * Everything so far. Arrays belong to the summary and are freed by model_summary_fini().
 * Loops are ordered by stall_ns, then by turns; routes by stall_ns, then by the sum of their hold; places by stall_ns;
 * descending.
 */
struct model_summary {
	uint64_t start_ns;
	uint64_t end_ns;
	struct model_loop *loops;
	size_t nr_loops;
	struct model_route *routes;
	size_t nr_routes;
	struct model_place *places; /* of the stalls whose place is known */
	size_t nr_places;
	struct model_cause causes[LG_NR_CAUSES];
	struct model_cause_detail details[LG_NR_CAUSES][MODEL_NR_DETAILS];
	uint64_t nr_stalls;
	uint64_t nr_filtered; /* stalls that the filter left out; not in nr_stalls */
	uint64_t nr_cumulative;
	uint64_t nr_requests;
	uint64_t nr_in_flight;
	enum lg_level level;             /* what is left out now */
	uint64_t limit_ppm;              /* of the budget that was exceeded; 0: none was */
	uint64_t level_ns[LG_NR_LEVELS]; /* time at each level */
	uint64_t counters[16];           /* by enum lg_counter */
	uint64_t lost;                   /* the sum of the counters that are losses */
};

/* *out is freed with model_free(). `opts` and `sink` are copied; what they point to must outlive the model. */
int model_new(struct model **out, const struct model_opts *opts, const struct model_sink *sink, struct err *err);
void model_free(struct model *m);

/* Takes one checked record. -ENOMEM when it had to forget something for want of memory, else 0. */
int model_feed(struct model *m, const struct lg_head *rec);

/*
 * The stream is over: tells the stalls that are still held back, in case requests that waited show up, and those that
 * were told as stuck and have not ended.
 */
void model_flush(struct model *m);

/* The state as of `now_ns` (the newest record's time, or later). 0 or -ENOMEM. */
int model_summary(const struct model *m, uint64_t now_ns, struct model_summary *out);
void model_summary_fini(struct model_summary *s);

/* The same without the routes, of which there may be many. */
int model_summary_loops(const struct model *m, uint64_t now_ns, struct model_summary *out);

/* A request that is in flight. */
struct model_flight {
	const struct model_request *request; /* valid until the next record */
	uint64_t start_ns;                   /* its head's last byte was read */
	uint64_t hold_ns;                    /* so far, without the turn that goes on */
};

/* The requests in flight of one loop, the oldest first, at most `max`. Returns how many were written. */
size_t model_in_flight(const struct model *m, uint32_t pid, uint32_t tid, struct model_flight *out, size_t max);

/*
 * Begins a new interval at `now_ns`: the next summary tells what came since. What is in flight goes on; the
 * counters of losses stay totals. The longest turn of a loop is then told from its histogram (9 % too long at most)
 * unless it is the longest of all. 0 or -ENOMEM.
 */
int model_restart(struct model *m, uint64_t now_ns);

#endif
