/* SPDX-License-Identifier: BSD-2-Clause */
/* Advice: there is some for everything, it is whole sentences, and it is told once and fits the terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "render/hint.h"
#include "render/service.h"
#include "render_sample.h"

static const char *hint(enum lg_cause cause, enum model_detail_kind kind, const char *name, enum lg_runtime runtime,
			const char *service)
{
	static char text[HINT_LEN];
	struct model_detail detail = {.kind = kind};

	snprintf(detail.name, sizeof(detail.name), "%s", name);
	return hint_format(text, sizeof(text), cause, &detail, runtime, service);
}

static void there_is_one_for_everything(void **state)
{
	(void)state;
	for (int cause = 0; cause < LG_NR_CAUSES; cause++)
		for (int kind = 0; kind < MODEL_NR_DETAILS; kind++)
			for (int runtime = 0; runtime < LG_NR_RUNTIMES; runtime++) {
				const char *text = hint(cause, kind, "", runtime, NULL);

				assert_true(strlen(text) > 20 && strlen(text) < 120);
				assert_null(strpbrk(text, "{}\n"));
				assert_null(strstr(text, "  "));
			}
	assert_string_equal(hint(99, 99, "", 99, NULL), "");
}

static void names_go_into_it(void **state)
{
	(void)state;
	assert_string_equal(hint(LG_CAUSE_CPU, MODEL_DETAIL_IMPORT, "pandas", LG_RT_CPYTHON, NULL),
			    "pandas was imported inside the event loop: import it before requests come");
	assert_string_equal(hint(LG_CAUSE_SYSCALL, MODEL_DETAIL_PEER, "", LG_RT_CPYTHON, "redis"),
			    "blocking call to redis inside an event loop: use an async client (redis.asyncio), or "
			    "asyncio.to_thread()");
	assert_string_equal(
		hint(LG_CAUSE_SYSCALL, MODEL_DETAIL_PEER, "", LG_RT_CPYTHON, "gopher"),
		"blocking call to gopher inside an event loop: use an async client, or asyncio.to_thread()");
	assert_string_equal(hint(LG_CAUSE_SYSCALL, MODEL_DETAIL_PEER, "", LG_RT_NATIVE, NULL),
			    "blocking call to another program inside an event loop: use a non-blocking socket, or a "
			    "thread");
}

static void long_names_are_cut(void **state)
{
	struct model_detail detail = {.kind = MODEL_DETAIL_COMMAND};
	char text[48];

	(void)state;
	memset(detail.name, 'x', sizeof(detail.name) - 1);
	for (size_t size = 1; size <= sizeof(text); size++)
		assert_true(strlen(hint_format(text, size, LG_CAUSE_SYSCALL, &detail, LG_RT_NODE, NULL)) < size);
}

static void told_once(void **state)
{
	struct sample s;
	char *text;

	(void)state;
	sample_open(&s, &render_text);
	hint_print(&s.render, 2, "none is told while they are off");
	s.render.no_hints = false;
	hint_print(&s.render, 2, "stop it");
	hint_print(&s.render, 2, "start\x1b it");
	hint_print(&s.render, 2, "stop it");
	hint_print(&s.render, 2, "");
	text = sample_close(&s);
	assert_string_equal(text, "  hint: stop it\n  hint: start\\x1b it\n");
	free(text);
}

static void lines_fit_the_terminal(void **state)
{
	struct sample s;
	char *text;

	(void)state;
	sample_open(&s, &render_text);
	s.render.no_hints = false;
	s.render.style.width = 40;
	hint_print(&s.render, 10,
		   "a sentence of several words that is longer than aterminaliswideandhasawordthatis too");
	text = sample_close(&s);
	assert_string_equal(text, "          hint: a sentence of several\n"
				  "                words that is longer\n"
				  "                than\n"
				  "                aterminaliswideandhasawo\n"
				  "                rdthatis too\n");
	free(text);
}

static void there_is_a_limit(void **state)
{
	char text[16];
	struct sample s;
	unsigned lines = 0;

	(void)state;
	sample_open(&s, &render_text);
	s.render.no_hints = false;
	for (unsigned i = 0; i < 2 * RENDER_MAX_HINTS; i++) {
		snprintf(text, sizeof(text), "do %u", i);
		hint_print(&s.render, 0, text);
	}
	fclose(s.render.out);
	for (const char *c = s.text; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, RENDER_MAX_HINTS);
	free(s.text);
}

static void services_by_port_and_path(void **state)
{
	struct lg_target t = sample_peer("\x0a\0\0\5", 5432);
	char text[SERVICE_LEN];

	(void)state;
	assert_string_equal(service_name(text, sizeof(text), &t), "postgresql");
	t.kind = LG_TARGET_INET6;
	assert_string_equal(service_name(text, sizeof(text), &t), "postgresql");
	t.port = 40000;
	assert_null(service_name(text, sizeof(text), &t));
	t.port = 0;
	assert_null(service_name(text, sizeof(text), &t));
	t = (struct lg_target){.kind = LG_TARGET_UNIX, .name = "/run/postgresql/.s.PGSQL.5432", .name_len = 255};
	assert_string_equal(service_name(text, sizeof(text), &t), "postgresql");
	t.name_len = 10;
	assert_null(service_name(text, sizeof(text), &t));
	t = (struct lg_target){.kind = LG_TARGET_FILE, .name = "redis", .name_len = 5, .port = 5432};
	assert_null(service_name(text, sizeof(text), &t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_one_for_everything), cmocka_unit_test(names_go_into_it),
		cmocka_unit_test(long_names_are_cut),          cmocka_unit_test(told_once),
		cmocka_unit_test(lines_fit_the_terminal),      cmocka_unit_test(there_is_a_limit),
		cmocka_unit_test(services_by_port_and_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
