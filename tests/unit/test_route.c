/* SPDX-License-Identifier: BSD-2-Clause */
/* Folding, patterns and the bound on routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/route.h"

#define UUID "123e4567-e89b-12d3-A456-426614174000"

static void folding(void **state)
{
	static const char *const rows[][2] = {
		{"/", "/"},
		{"", ""},
		{"/users/42/items/7", "/users/{n}/items/{n}"},
		{"/42", "/{n}"},
		{"/a/" UUID "/b", "/a/{uuid}/b"},
		{"/a/123e4567xe89b-12d3-a456-426614174000", "/a/123e4567xe89b-12d3-a456-426614174000"},
		{"/o/deadbeef", "/o/deadbeef"},
		{"/o/deadbee1", "/o/{hex}"},
		{"/o/dead1", "/o/dead1"},
		{"/o/0af7651916cd43dd8448eb211c80319c", "/o/{hex}"},
		{"/v1/x2", "/v1/x2"},
		{"//7//", "//{n}//"},
		{"*", "*"},
		{"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaz/x", "/{long}/x"},
	};
	char out[MODEL_PATH_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		route_name(NULL, rows[i][0], out);
		assert_string_equal(out, rows[i][1]);
	}
}

/* A path of many one-byte segments grows when it is folded: the result is cut. */
static void folding_is_bounded(void **state)
{
	char path[MODEL_PATH_LEN], out[MODEL_PATH_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(path) - 1; i++)
		path[i] = i % 2 ? '1' : '/';
	path[sizeof(path) - 1] = '\0';
	route_name(NULL, path, out);
	assert_true(strlen(out) < MODEL_PATH_LEN);
	assert_int_equal(strncmp(out, "/{n}/{n}", 8), 0);
}

static void patterns(void **state)
{
	static const char *const list[] = {"/users/{id}/items", "/static/*", "/*/edit", "/users/{id}/items/x", NULL};
	static const char *const rows[][2] = {
		{"/users/bob/items", "/users/{id}/items"},
		{"/users//items", "/users//items"},
		{"/users/bob/items/x", "/users/{id}/items/x"},
		{"/users/bob/items/9", "/users/bob/items/{n}"},
		{"/static/a/b/c.css", "/static/*"},
		{"/static/", "/static/"},
		{"/static", "/static"},
		{"/post/edit", "/*/edit"},
		{"/post/edit/", "/post/edit/"},
		{"/a/b/edit", "/a/b/edit"},
	};
	char out[MODEL_PATH_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		route_name(list, rows[i][0], out);
		assert_string_equal(out, rows[i][1]);
	}
}

static void bounded(void **state)
{
	struct model_route *copy;
	struct routes r;
	struct route *first;
	char name[16];

	(void)state;
	routes_init(&r, NULL, 10);
	first = routes_get(&r, "GET", "/0");
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "/%d", i);
		routes_get(&r, "GET", name)->stats.count++;
	}
	assert_ptr_equal(routes_get(&r, "GET", "/0"), first);
	assert_ptr_not_equal(routes_get(&r, "POST", "/0"), first);
	copy = calloc(r.count + 1, sizeof(*copy));
	assert_int_equal(routes_copy(&r, copy), 11);
	assert_string_equal(copy[10].route, "_other");
	assert_string_equal(copy[10].method, "");
	assert_int_equal(copy[10].count, 90);
	free(copy);
	routes_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folding),
		cmocka_unit_test(folding_is_bounded),
		cmocka_unit_test(patterns),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
