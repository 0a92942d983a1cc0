/* SPDX-License-Identifier: BSD-2-Clause */
/* What filters leave out of stalls, requests, routes and counts. */
#include "model_stream.h"

#include <fnmatch.h>

#include "model/filter.h"

#define GET(path, id) "GET " path " HTTP/1.1\r\nX-Request-ID: " id "\r\n\r\n"

static struct stream *filter_stream(const struct model_filter *filter)
{
	const struct model_opts opts = {.threshold_ns = 20 * MS, .filter = filter};
	struct stream *s = stream_open(&opts, LG_RT_NGINX);

	conn_seen(s, 1, LG_CONN_SEEN, LG_TARGET_INET);
	request_ms(s, 1, GET("/health", "health"), 30);
	request_ms(s, 1, GET("/user/42", "user"), 30);
	request_ms(s, 1, "POST /user/42 HTTP/1.1\r\nX-Request-ID: post\r\nContent-Length: 0\r\n\r\n", 30);
	/* Nobody's. */
	turn_start(s);
	run_ms(s, 40);
	turn_stop(s);
	return s;
}

static void told_is(struct stream *s, const char *const *stalls, unsigned nr_stalls, unsigned nr_requests)
{
	struct model_summary summary;
	uint64_t counted = 0;

	assert_int_equal(s->nr_stalls, nr_stalls);
	for (unsigned i = 0; i < nr_stalls; i++)
		assert_string_equal(s->stalls[i].stall.request ? s->stalls[i].request.id : "", stalls[i]);
	assert_int_equal(s->nr_requests, nr_requests);
	assert_int_equal(model_summary(s->model, s->now_ns, &summary), 0);
	assert_int_equal(summary.nr_stalls, nr_stalls);
	assert_int_equal(summary.nr_filtered, 4 - nr_stalls);
	assert_int_equal(summary.loops[0].nr_stalls, nr_stalls);
	assert_int_equal(summary.nr_requests, nr_requests);
	for (size_t i = 0; i < summary.nr_routes; i++)
		counted += summary.routes[i].count;
	assert_int_equal(counted, nr_requests);
	model_summary_fini(&summary);
	stream_free(s);
}

static void test_none(void **state)
{
	const struct model_filter filter = {.exclude_paths = NULL};

	(void)state;
	told_is(filter_stream(NULL), (const char *const[]){"health", "user", "post", ""}, 4, 3);
	told_is(filter_stream(&filter), (const char *const[]){"health", "user", "post", ""}, 4, 3);
}

static void test_exclude_path(void **state)
{
	static const char *const globs[] = {"/ready", "/heal*", NULL};
	const struct model_filter filter = {.exclude_paths = globs};

	(void)state;
	told_is(filter_stream(&filter), (const char *const[]){"user", "post", ""}, 3, 2);
}

/* An empty pattern takes off the default ones, and matches nothing: not even what has no path. */
static void test_exclude_nothing(void **state)
{
	static const char *const globs[] = {"", NULL};
	const struct model_filter filter = {.exclude_paths = globs};
	const struct model_request not_http = {.id = "c1"};

	(void)state;
	assert_true(filter_takes_request(&filter, &not_http));
	told_is(filter_stream(&filter), (const char *const[]){"health", "user", "post", ""}, 4, 3);
}

/* By what is counted, and by a path; what is nobody's is on no route. */
static void test_route(void **state)
{
	static const char *const by_route[] = {"/user/{n}", NULL}, *const by_path[] = {"*/42", NULL};
	const struct model_filter first = {.routes = by_route}, second = {.routes = by_path};

	(void)state;
	told_is(filter_stream(&first), (const char *const[]){"user", "post"}, 2, 2);
	told_is(filter_stream(&second), (const char *const[]){"user", "post"}, 2, 2);
}

static void test_method(void **state)
{
	static const char *const methods[] = {"put", "post", NULL};
	const struct model_filter filter = {.methods = methods};

	(void)state;
	told_is(filter_stream(&filter), (const char *const[]){"post"}, 1, 1);
}

static void test_cause(void **state)
{
	const struct model_filter cpu = {.causes = 1u << LG_CAUSE_CPU}, io = {.causes = 1u << LG_CAUSE_IO};

	(void)state;
	told_is(filter_stream(&cpu), (const char *const[]){"health", "user", "post", ""}, 4, 3);
	told_is(filter_stream(&io), NULL, 0, 3);
}

static void test_globs_are_those_of_fnmatch(void **state)
{
	static const char *const globs[] = {"/a",    "/a*",  "/a?",  "/a/*", "*",  "",
					    "/[ab]", "/\\a", "/a\\", "/a*c", "/ab"};
	static const char *const texts[] = {"/a", "/", "/ab", "/b", "/a/b", "/abc", "a", "/a\\", "/ac"};

	(void)state;
	for (size_t i = 0; i < sizeof(globs) / sizeof(*globs); i++)
		for (size_t k = 0; k < sizeof(texts) / sizeof(*texts); k++) {
			const struct model_filter filter = {.exclude_paths = (const char *const[]){globs[i], NULL}};
			struct model_request request = {};

			strcpy(request.path, texts[k]);
			assert_int_equal(filter_takes_request(&filter, &request), !!fnmatch(globs[i], texts[k], 0));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_exclude_path),
		cmocka_unit_test(test_exclude_nothing),
		cmocka_unit_test(test_route),
		cmocka_unit_test(test_method),
		cmocka_unit_test(test_cause),
		cmocka_unit_test(test_globs_are_those_of_fnmatch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
