/* SPDX-License-Identifier: BSD-2-Clause */
/* What views draw: the tree of names, and how busy loops were; both bounded whatever they are fed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "lg_slot.h"
#include "render/flame.h"
#include "render/series.h"

static int add(struct flame *flame, uint64_t ns, const char *a, const char *b, const char *c)
{
	const char *names[] = {a, b, c};

	return flame_add(flame, names, c ? 3 : b ? 2 : a ? 1 : 0, ns);
}

/* "a;b 5x2|a;c 7x1" */
static int node_tell(void *arg, const char *const *names, unsigned nr, const struct flame_node *node)
{
	struct buf *told = arg;

	buf_printf(told, told->len ? "|" : "");
	for (unsigned i = 0; i < nr; i++)
		buf_printf(told, "%s%s", i ? ";" : "", names[i]);
	return buf_printf(told, " %llux%llu", (unsigned long long)node->ns, (unsigned long long)node->count);
}

static void paths_add_up(void **state)
{
	struct flame flame = {};
	struct buf told = {};

	(void)state;
	add(&flame, 3, "b", "x", NULL);
	add(&flame, 7, "a", "y", "deep");
	add(&flame, 1, "a", "x", NULL);
	add(&flame, 2, "b", "x", NULL);
	add(&flame, 4, "a", "y", NULL);
	flame_sort(&flame);
	flame_each(&flame, node_tell, &told);
	assert_string_equal(told.data, "a;x 1x1|a;y 4x1|a;y;deep 7x1|b;x 5x2");
	assert_int_equal(flame.root->sum_ns, 17);
	assert_int_equal(flame.root->first->sum_ns, 12);
	buf_fini(&told);
	flame_fini(&flame);
}

static void an_empty_flame_has_nothing(void **state)
{
	struct flame flame = {};
	struct buf told = {};

	(void)state;
	flame_sort(&flame);
	assert_int_equal(flame_each(&flame, node_tell, &told), 0);
	assert_null(told.data);
	flame_fini(&flame);
}

static int nodes_count(void *arg, const char *const *names, unsigned nr, const struct flame_node *node)
{
	uint64_t *sum = arg;

	assert_true(nr <= FLAME_DEPTH + 1);
	for (unsigned i = 0; i < nr; i++)
		assert_non_null(names[i]);
	*sum += node->ns;
	return 0;
}

static void a_flame_is_bounded(void **state)
{
	static char text[30000][16];
	const char *deep[300];
	struct flame flame = {};
	uint64_t sum = 0;

	(void)state;
	for (int i = 0; i < 30000; i++) {
		snprintf(text[i], sizeof(text[i]), "n%d", i % 200);
		/* Not one node for all: a list of 30000 siblings would be walked again and again. */
		assert_int_equal(add(&flame, 1, text[i % 200], text[i / 200], text[i]), 0);
	}
	for (int i = 0; i < 300; i++)
		deep[i] = text[i];
	assert_int_equal(flame_add(&flame, deep, 300, 5), 0);
	assert_true(flame.nr_nodes < 21000);
	flame_sort(&flame);
	flame_each(&flame, nodes_count, &sum);
	assert_int_equal(sum, 30005);
	assert_int_equal(flame.root->sum_ns, 30005);
	flame_fini(&flame);
}

static void feed(struct series *series, uint32_t tid, uint64_t time_ns, uint64_t idle_ns)
{
	static struct lg_rec_loop rec;

	rec.head = (struct lg_head){LG_REC_LOOP, sizeof(rec), 0, time_ns};
	rec.slot.tid = tid;
	rec.slot.idle_ns = idle_ns;
	series_record(series, &rec.head);
}

static void series_keep_the_whole_time(void **state)
{
	const struct series_loop *loop;
	struct series series;

	(void)state;
	series_init(&series);
	for (uint64_t i = 1; i <= 10000; i++)
		feed(&series, 7, i * 1000, i * 600);
	loop = table_get(&series.loops, 7);
	assert_true(loop->nr > SERIES_POINTS / 2 - 2 && loop->nr <= SERIES_POINTS);
	assert_true(loop->points[0].time_ns <= 1000);
	assert_true(loop->points[loop->nr - 1].time_ns > 9900 * 1000);
	for (unsigned i = 1; i < loop->nr; i++) {
		uint64_t step = loop->points[i].time_ns - loop->points[i - 1].time_ns;

		assert_true(step > 0);
		assert_true(i < 2 || step == (uint64_t)loop->step * 1000);
	}
	series_fini(&series);
}

static void series_of_many_loops_are_bounded(void **state)
{
	struct series series;

	(void)state;
	series_init(&series);
	for (uint32_t tid = 1; tid < 3000; tid++)
		feed(&series, tid, 5, 1);
	assert_true(series.loops.count <= 1024);
	series_fini(&series);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_add_up),
		cmocka_unit_test(an_empty_flame_has_nothing),
		cmocka_unit_test(a_flame_is_bounded),
		cmocka_unit_test(series_keep_the_whole_time),
		cmocka_unit_test(series_of_many_loops_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
