/* SPDX-License-Identifier: BSD-2-Clause */
/* The output contract: literal lines, every one parsed by a JSON library, and any bytes at all in every string. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/hist.h"
#include "render/writer.h"
#include "render_sample.h"

#define PARTS \
	"\"on_cpu_ns\":104000000,\"user_ns\":103000000,\"system_ns\":1000000,\"gc_ns\":0,\"blocked_ns\":0," \
	"\"blocked\":{" \
	"\"syscall\":0,\"lock\":0,\"fault\":0,\"io\":0,\"stopped\":0,\"gil\":0,\"gc\":0},\"runqueue_ns\":123456," \
	"\"throttled_" \
	"ns\":0"

#define REQUEST \
	"\"id\":\"abc\",\"method\":\"GET\",\"path\":\"/report/42\",\"route\":\"/report/:n\"," \
	"\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"peer\":\"10.0.0.2:51234\""

/* Closes the sample; the one line it holds as parsed. Freed by json_decref(). */
static json_t *parse(struct sample *s)
{
	char *text = sample_close(s);
	json_error_t error;
	json_t *line;

	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	line = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!line)
		fail_msg("%s at %d: %s", error.text, error.position, text);
	free(text);
	return line;
}

static void stall_is(const struct model_stall *stall, const char *want)
{
	struct sample s;
	char *text;

	sample_open(&s, &render_json);
	render_stall(&s.render, stall);
	text = sample_close(&s);
	assert_string_equal(text, want);
	free(text);
}

static void test_header(void **state)
{
	const struct render_feature features[] = {{"probes", "syscall"}, {"tls", "no"}};
	const struct render_target targets[] = {{4242, "uvicorn", "/usr/bin/python3.11", "cpython 3.11"},
						{5, "x", NULL, NULL}};
	const struct render_header header = {
		.version = "0.1.0",
		.kernel = "6.1.0",
		.threshold_ns = 100000000,
		.features = features,
		.nr_features = 2,
		.targets = targets,
		.nr_targets = 2,
	};
	struct sample s;
	char *text;

	(void)state;
	sample_open(&s, &render_json);
	render_begin(&s.render, &header);
	text = sample_close(&s);
	assert_string_equal(
		text,
		"{\"type\":\"header\",\"schema\":1,\"version\":\"0.1.0\",\"kernel\":\"6.1.0\",\"host\":null,"
		"\"threshold_ns\":100000000,\"threshold\":\"fixed\",\"features\":{\"probes\":\"syscall\",\"tls\":"
		"\"no\"},\"targets\":["
		"{\"pid\":4242,\"comm\":\"uvicorn\",\"exe\":\"/usr/bin/python3.11\",\"runtime\":\"cpython 3.11\"},"
		"{\"pid\":5,\"comm\":\"x\",\"exe\":null,\"runtime\":null}]}\n");
	free(text);
}

static void test_stall_nobody(void **state)
{
	struct model_stall stall = sample_stall();

	(void)state;
	stall.confidence = LG_SURE_NONE;
	stall_is(
		&stall,
		"{\"type\":\"stall\",\"time\":\"2024-05-01T13:37:00.123456789Z\",\"start_ns\":10500000000,\"pid\":4242,"
		"\"tid\":4242,\"comm\":\"uvicorn\",\"duration_ns\":104123456,\"cause\":\"cpu\","
		"\"detail\":null,\"hint\":\"computing stops all other requests: give it to a thread, or do it in "
		"parts\"," PARTS
		",\"syscall\":null,\"holder\":null,\"request\":null,\"confidence\":\"none\",\"victims\":[],\"victim_"
		"count\":3,"
		"\"turn_ns\":105000000,\"ended\":true,\"threshold_ns\":0,\"stack\":[]}\n");
}

static void test_stall_full(void **state)
{
	static const char *const victims[] = {"v1", "v\"2"};
	struct model_request request = sample_request();
	struct model_stall stall = sample_stall();
	struct lg_block block = sample_block();

	(void)state;
	block.nr = __NR_connect;
	stall.block = &block;
	stall.cause = LG_CAUSE_SYSCALL;
	stall.detail.kind = MODEL_DETAIL_PEER;
	stall.request = &request;
	stall.victims = victims;
	stall.nr_victims_told = 2;
	stall_is(
		&stall,
		"{\"type\":\"stall\",\"time\":\"2024-05-01T13:37:00.123456789Z\",\"start_ns\":10500000000,\"pid\":4242,"
		"\"tid\":4242,\"comm\":\"uvicorn\",\"duration_ns\":104123456,\"cause\":\"syscall\","
		"\"detail\":{\"kind\":\"peer\",\"name\":null},\"hint\":\"blocking call to postgresql inside an event "
		"loop: "
		"use a non-blocking socket, or a thread\"," PARTS
		",\"syscall\":{\"name\":\"connect\",\"fd\":9,\"target\":\"127.0.0.1:5432\",\"service\":\"postgresql\"},"
		"\"holder\":null,"
		"\"request\":{" REQUEST "},\"confidence\":\"exact\",\"victims\":[\"v1\",\"v\\\"2\"],\"victim_count\":3,"
		"\"turn_ns\":105000000,\"ended\":true,\"threshold_ns\":0,\"stack\":[]}\n");
}

/* What a key of a stall says, as text of its own. Freed by the caller. */
static char *stall_key(const struct model_stall *stall, const char *key)
{
	struct sample s;
	json_t *line;
	char *text;

	sample_open(&s, &render_json);
	render_stall(&s.render, stall);
	line = parse(&s);
	text = json_dumps(json_object_get(line, key), JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(line);
	return text;
}

static void key_is(const struct model_stall *stall, const char *key, const char *want)
{
	char *text = stall_key(stall, key);

	assert_string_equal(text, want);
	free(text);
}

static void test_syscall(void **state)
{
	struct model_stall stall = sample_stall();
	struct lg_block block = sample_block();

	(void)state;
	stall.on_cpu_nr = __NR_getrandom;
	key_is(&stall, "syscall", "{\"name\":\"getrandom\",\"fd\":null,\"target\":null,\"service\":null}");
	stall.block = &block;
	block = (struct lg_block){.nr = __NR_clock_nanosleep, .fd = -1};
	key_is(&stall, "syscall", "{\"name\":\"clock_nanosleep\",\"fd\":null,\"target\":null,\"service\":null}");
	block = (struct lg_block){
		.nr = __NR_read, .fd = 0, .target = {.kind = LG_TARGET_FILE, .name = "x", .name_len = 1}};
	stall.block_path = "/srv/x";
	key_is(&stall, "syscall", "{\"name\":\"read\",\"fd\":0,\"target\":\"/srv/x\",\"service\":null}");
	block.nr = -1;
	key_is(&stall, "syscall", "null");
}

/* The name of a thread is no text with an end: it may fill its room. */
static void test_holder(void **state)
{
	struct model_stall stall = sample_stall();
	struct lg_block block = {.nr = __NR_futex, .fd = -1, .target = {.kind = LG_TARGET_HOLDER, .ino = 4711}};

	(void)state;
	memset(block.target.name, 'w', LG_COMM_LEN + 1);
	stall.block = &block;
	key_is(&stall, "holder", "{\"tid\":4711,\"comm\":\"wwwwwwwwwwwwwwww\"}");
}

static void test_request(void **state)
{
	struct model_request request = sample_request();
	struct model_done done = sample_done(&request);
	struct sample s;
	json_t *line;
	char *text;

	(void)state;
	sample_open(&s, &render_json);
	render_request(&s.render, &done);
	text = sample_close(&s);
	assert_string_equal(
		text,
		"{\"type\":\"request\",\"time\":\"2024-05-01T13:37:00.123456789Z\",\"start_ns\":10500000000,"
		"\"pid\":4242,\"tid\":4242," REQUEST ",\"status\":200,\"duration_ns\":2500000,\"hold_ns\":1200000,"
		"\"on_cpu_ns\":1200000,\"user_ns\":1200000,\"system_ns\":0,\"gc_ns\":0,\"blocked_ns\":0,\"blocked\":{"
		"\"syscall\":0,\"lock\":0,\"fault\":0,\"io\":0,\"stopped\":0,\"gil\":0,\"gc\":0},\"runqueue_ns\":0,"
		"\"throttled_"
		"ns\":0,"
		"\"longest_run_ns\":800000,\"delay_ns\":3021,\"socket_wait_ns\":2000,\"confidence\":\"likely\"}\n");
	free(text);
	done.status = 0;
	request = (struct model_request){.id = "c7-1"};
	sample_open(&s, &render_json);
	render_request(&s.render, &done);
	line = parse(&s);
	assert_string_equal(json_string_value(json_object_get(line, "id")), "c7-1");
	assert_true(json_is_null(json_object_get(line, "method")));
	assert_true(json_is_null(json_object_get(line, "path")));
	assert_true(json_is_null(json_object_get(line, "trace_id")));
	assert_true(json_is_null(json_object_get(line, "peer")));
	assert_true(json_is_null(json_object_get(line, "status")));
	json_decref(line);
}

#define HIST \
	"{\"count\":1404,\"sum\":350123456,\"p50\":117221,\"p90\":302921,\"p99\":311095,\"max\":104123456," \
	"\"histogram\":[[120194,1000],[311744,400],[2097152,3],[112863206,1]]}"

static void test_summary(void **state)
{
	/* Counters are only ever added behind the last one. */
	static const char want[] =
		"{\"type\":\"summary\",\"time\":\"2024-05-01T13:37:31.523456789Z\",\"start_ns\":10500000000,"
		"\"end_ns\":41900000000,\"elapsed_ns\":31400000000,\"stalls\":1,\"filtered_stalls\":0,\"cumulative\":0,"
		"\"requests\":1404,\"in_flight\":2,"
		"\"loops\":[{\"pid\":4242,\"tid\":4242,\"comm\":\"uvicorn\","
		"\"runtime\":\"cpython 3.11\",\"ended\":false,"
		"\"elapsed_ns\":31400000000,\"idle_ns\":19719200000,\"utilisation\":0.372000,\"turns\":1404,"
		"\"stalls\":1,"
		"\"stall_ns\":104123456,\"threshold_ns\":0,\"stuck_ns\":0,\"turn_ns\":" HIST "}],"
		"\"routes\":[{\"method\":\"GET\",\"route\":\"/report/:n\",\"count\":1404,\"stalls\":1,"
		"\"stall_ns\":104123456,\"longest_run_ns\":104123456,\"worst_id\":\"abc\",\"hold_ns\":" HIST
		",\"delay_ns\":" HIST ",\"duration_ns\":" HIST "}],"
		"\"places\":[],"
		"\"causes\":{\"cpu\":{\"stalls\":1,\"ns\":104123456},\"syscall\":{\"stalls\":0,\"ns\":0},"
		"\"lock\":{\"stalls\":0,\"ns\":0},\"gil\":{\"stalls\":0,\"ns\":0},\"gc\":{\"stalls\":0,\"ns\":0},"
		"\"fault\":{\"stalls\":0,\"ns\":0},\"io\":{\"stalls\":0,\"ns\":0},\"runqueue\":{\"stalls\":0,\"ns\":0},"
		"\"throttled\":{\"stalls\":0,\"ns\":0},\"stopped\":{\"stalls\":0,\"ns\":0}},"
		"\"details\":[{\"cause\":\"cpu\",\"kind\":null,\"stalls\":1,\"ns\":104123456,\"hint\":\"computing "
		"stops all "
		"other requests: use a process pool, or await asyncio.sleep(0) in between\"}],"
		"\"lost\":12,\"counters\":{\"records\":0,\"lost_records\":12,\"lost_threads\":0,\"lost_conns\":0,";
	struct model_route route;
	struct model_loop loop;
	struct model_summary summary = sample_summary(&loop, &route);
	struct sample s;
	char *text;

	(void)state;
	summary.lost = summary.counters[LG_CNT_LOST_RECORDS] = 12;
	sample_open(&s, &render_json);
	render_summary(&s.render, &summary);
	text = sample_close(&s);
	assert_true(s.len > sizeof(want));
	text[sizeof(want) - 1] = '\0';
	assert_string_equal(text, want);
	free(text);
}

static void test_summary_empty(void **state)
{
	struct model_loop loop = {.pid = 7, .tid = 7, .hist.buckets[LG_NR_BUCKETS - 1] = 2, .hist.count = 2};
	struct model_summary summary = {.loops = &loop, .nr_loops = 1};
	struct sample s;
	json_t *line, *bucket;

	(void)state;
	sample_open(&s, &render_json);
	render_summary(&s.render, &summary);
	line = parse(&s);
	assert_int_equal(json_array_size(json_object_get(line, "routes")), 0);
	assert_int_equal(json_integer_value(json_object_get(line, "lost")), 0);
	assert_true(json_is_null(json_object_get(json_array_get(json_object_get(line, "loops"), 0), "utilisation")));
	bucket = json_array_get(
		json_object_get(json_object_get(json_array_get(json_object_get(line, "loops"), 0), "turn_ns"),
				"histogram"),
		0);
	assert_true(json_is_null(json_array_get(bucket, 0)));
	assert_int_equal(json_integer_value(json_array_get(bucket, 1)), 2);
	json_decref(line);
}

static void test_share(void **state)
{
	static const struct {
		uint64_t part;
		uint64_t whole;
		const char *want;
	} cases[] = {
		{0, 0, "null"},
		{0, 5, "0.000000"},
		{1, 3, "0.333333"},
		{2, 3, "0.666667"},
		{UINT64_MAX, UINT64_MAX, "1.000000"},
		{6, 5, "1.000000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		size_t len = 0;
		struct writer w = {.out = open_memstream(&text, &len)};

		writer_share(&w, NULL, cases[i].part, cases[i].whole);
		fclose(w.out);
		assert_string_equal(text, cases[i].want);
		free(text);
	}
}

static void fill(char *out, size_t size, unsigned *seed)
{
	size_t len = (unsigned)rand_r(seed) % size;

	for (size_t i = 0; i < len; i++)
		out[i] = (char)(rand_r(seed) % 255 + 1);
	out[len] = '\0';
}

/* Bytes of any kind in every string: each line parses, and is safe on a terminal as it is. */
static void test_any_bytes(void **state)
{
	unsigned seed = 42;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct model_request request = sample_request();
		struct model_stall stall = sample_stall();
		struct lg_block block = sample_block();
		const char *victims[] = {request.id};
		char comm[16], path[400];
		struct sample s;

		fill(request.id, sizeof(request.id), &seed);
		fill(request.method, sizeof(request.method), &seed);
		fill(request.path, sizeof(request.path), &seed);
		fill(comm, sizeof(comm), &seed);
		fill(path, sizeof(path), &seed);
		block.target.kind = (uint8_t)(rand_r(&seed) % 9);
		block.target.name_len = (uint8_t)rand_r(&seed);
		fill(block.target.name, sizeof(block.target.name), &seed);
		stall.comm = comm;
		stall.request = &request;
		stall.block = &block;
		stall.block_path = round % 2 ? path : NULL;
		stall.victims = victims;
		stall.nr_victims_told = 1;
		sample_open(&s, &render_json);
		render_stall(&s.render, &stall);
		fflush(s.render.out);
		for (size_t i = 0; i + 1 < s.len; i++)
			assert_true((unsigned char)s.text[i] >= 0x20 && s.text[i] != 0x7f);
		json_decref(parse(&s));
	}
}

static void test_cumulative(void **state)
{
	const struct model_frame place = {"load", "/srv/a.py", 7, LG_FRAME_PYTHON, true};
	const struct model_share shares[] = {
		{.method = "GET",
		 .route = "/a/{n}",
		 .nr_holds = 39,
		 .sum_ns = 195000000,
		 .ids = {"a\"1", "a2"},
		 .nr_ids = 2,
		 .place = &place},
		{.nr_holds = 1, .sum_ns = 5000000},
	};
	const struct model_cumulative sum = {
		.start_ns = SAMPLE_START_NS,
		.duration_ns = 900000000,
		.pid = 4242,
		.tid = 4243,
		.comm = "uvicorn",
		.sum_ns = 200000000,
		.nr_holds = 40,
		.limit_ns = 200000000,
		.window_ns = 1000000000,
		.shares = shares,
		.nr_shares = 2,
	};
	struct sample s;
	char *text;

	(void)state;
	sample_open(&s, &render_json);
	render_cumulative(&s.render, &sum);
	text = sample_close(&s);
	assert_string_equal(text,
			    "{\"type\":\"cumulative\",\"time\":\"2024-05-01T13:37:00.123456789Z\",\"start_ns\":"
			    "10500000000,\"duration_ns\":900000000,\"pid\":4242,\"tid\":4243,\"comm\":\"uvicorn\","
			    "\"sum_ns\":200000000,\"holds\":40,\"limit_ns\":200000000,\"window_ns\":1000000000,"
			    "\"routes\":[{\"method\":\"GET\",\"route\":\"/a/{n}\",\"holds\":39,\"sum_ns\":195000000,"
			    "\"requests\":[\"a\\\"1\",\"a2\"],\"place\":{\"function\":\"load\",\"file\":\"/srv/a.py\","
			    "\"line\":7,\"kind\":\"python\",\"own\":true}},{\"method\":null,\"route\":null,\"holds\":1,"
			    "\"sum_ns\":5000000,\"requests\":[],\"place\":null}],\"other_ns\":0}\n");
	free(text);
	sample_open(&s, &render_text);
	render_cumulative(&s.render, &sum);
	text = sample_close(&s);
	assert_non_null(strstr(text, "200 ms  sum of 40 short holds in 900 ms"));
	assert_non_null(strstr(text, "GET /a/{n} 39x 195 ms in load (/srv/a.py:7), nobody's 1x 5 ms"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),        cmocka_unit_test(test_cumulative),
		cmocka_unit_test(test_stall_nobody),  cmocka_unit_test(test_stall_full),
		cmocka_unit_test(test_syscall),       cmocka_unit_test(test_holder),
		cmocka_unit_test(test_request),       cmocka_unit_test(test_summary),
		cmocka_unit_test(test_summary_empty), cmocka_unit_test(test_share),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
