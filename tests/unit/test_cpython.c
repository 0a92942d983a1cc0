/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding one's way in a CPython process: dicts in a made-up memory, of each layout, whole and damaged. Damage may
 * cost what is looked for, never more: no read outside of what the memory allows, no endless loop.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/cpython.h"
#include "target/cpython_layout.h"

#define BASE 0x10000
#define SIZE 0x2000

static const uint16_t versions[] = {0x0309, 0x030a, 0x030b, 0x030c, 0x030d, 0x030e};
#define NR_VERSIONS (sizeof(versions) / sizeof(versions[0]))

struct image {
	uint8_t bytes[SIZE];
	size_t used;
	unsigned nr_reads;
};

static bool offsets(struct lg_python *py, uint16_t version)
{
	struct cpython_layout layout;

	if (!cpython_layout_init(&layout, version))
		return false;
	*py = layout.py;
	return true;
}

static int image_read(void *arg, uint64_t addr, void *buf, size_t len)
{
	struct image *image = arg;

	image->nr_reads++;
	if (addr < BASE || addr - BASE > SIZE || len > SIZE - (addr - BASE))
		return -EFAULT;
	memcpy(buf, image->bytes + (addr - BASE), len);
	return 0;
}

static void word_put(struct image *image, uint64_t addr, uint64_t value)
{
	memcpy(image->bytes + (addr - BASE), &value, sizeof(value));
}

static uint64_t room(struct image *image, size_t len)
{
	uint64_t at = BASE + image->used;

	image->used += (len + 15) & ~15UL;
	assert_true(image->used <= SIZE);
	return at;
}

static uint64_t str_make(struct image *image, const struct lg_python *py, const char *text)
{
	uint64_t at = room(image, py->str_data + strlen(text) + 1);

	word_put(image, at + 16, strlen(text));
	strcpy((char *)image->bytes + (at - BASE) + py->str_data, text);
	return at;
}

/* {"zero": 0x1000, "one": 0x1001, "two": 0x1002, a removed entry, "four": 0x1004} */
static uint64_t dict_make(struct image *image, const struct lg_python *py, bool is_unicode)
{
	static const char *const names[] = {"zero", "one", "two", NULL, "four"};
	uint64_t dict = room(image, 48), keys = room(image, py->keys_indices + 8 + 5 * 24), at;
	size_t stride = is_unicode ? 16 : 24;

	word_put(image, dict + 32, keys);
	if (py->keys_log2) {
		image->bytes[keys - BASE + py->keys_log2] = 3;
		image->bytes[keys - BASE + py->keys_kind] = is_unicode;
	} else {
		word_put(image, keys + 8, 8);
	}
	word_put(image, keys + py->keys_nentries, 5);
	for (size_t i = 0; i < 5; i++) {
		at = keys + py->keys_indices + 8 + i * stride + (is_unicode ? 0 : 8);
		word_put(image, at, names[i] ? str_make(image, py, names[i]) : 0);
		word_put(image, at + 8, names[i] ? 0x1000 + i : 0);
	}
	return dict;
}

static void dict_check(uint16_t version, bool is_unicode)
{
	struct image image = {};
	struct cpython_memory memory = {.read = image_read, .arg = &image};
	struct lg_python py;
	uint64_t dict;

	assert_true(offsets(&py, version));
	dict = dict_make(&image, &py, is_unicode);
	assert_int_equal(cpython_dict_get(&py, &memory, dict, "zero"), 0x1000);
	assert_int_equal(cpython_dict_get(&py, &memory, dict, "two"), 0x1002);
	assert_int_equal(cpython_dict_get(&py, &memory, dict, "four"), 0x1004);
	assert_int_equal(cpython_dict_get(&py, &memory, dict, "fou"), 0);
	assert_int_equal(cpython_dict_get(&py, &memory, dict, "five"), 0);
	assert_int_equal(cpython_dict_get(&py, &memory, 0, "zero"), 0);
}

static void test_dict(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_VERSIONS; i++)
		dict_check(versions[i], false);
	for (size_t i = 2; i < NR_VERSIONS; i++)
		dict_check(versions[i], true);
}

/* A split dict keeps its values elsewhere: those beside the keys are no values. */
static void test_dict_split(void **state)
{
	struct image image = {};
	struct cpython_memory memory = {.read = image_read, .arg = &image};
	struct lg_python py;
	uint64_t dict;

	(void)state;
	offsets(&py, 0x030b);
	dict = dict_make(&image, &py, true);
	word_put(&image, dict + 40, BASE);
	assert_int_equal(cpython_dict_get(&py, &memory, dict, "zero"), 0);
}

static void test_dict_endless(void **state)
{
	struct image image = {};
	struct cpython_memory memory = {.read = image_read, .arg = &image};
	struct lg_python py;
	uint64_t dict, keys;

	(void)state;
	offsets(&py, 0x030b);
	dict = dict_make(&image, &py, true);
	memcpy(&keys, image.bytes + (dict - BASE) + 32, sizeof(keys));
	word_put(&image, keys + py.keys_nentries, ~0ULL);
	assert_int_equal(cpython_dict_get(&py, &memory, dict, "five"), 0);
	assert_true(image.nr_reads < 10);
	word_put(&image, keys + py.keys_nentries, 5);
	image.bytes[keys - BASE + py.keys_log2] = 63;
	assert_int_equal(cpython_dict_get(&py, &memory, dict, "zero"), 0);
}

static void test_dict_damaged(void **state)
{
	struct image whole = {}, image;
	struct cpython_memory memory = {.read = image_read, .arg = &image};
	struct lg_python py;
	uint64_t dict, got;

	(void)state;
	srandom(1);
	for (size_t v = 0; v < NR_VERSIONS; v++) {
		offsets(&py, versions[v]);
		memset(&whole, 0, sizeof(whole));
		dict = dict_make(&whole, &py, v >= 2);
		for (int i = 0; i < 3000; i++) {
			image = whole;
			for (int n = 1 + random() % 4; n; n--)
				image.bytes[random() % whole.used] = random();
			got = cpython_dict_get(&py, &memory, dict, "absent");
			assert_int_equal(got, 0);
			assert_true(image.nr_reads < 300000);
		}
	}
}

static void test_versions(void **state)
{
	struct cpython_layout layout;

	(void)state;
	assert_false(cpython_layout_init(&layout, 0x0308));
	assert_false(cpython_layout_init(&layout, 0));
	for (size_t i = 0; i < NR_VERSIONS; i++) {
		const struct lg_python *py = &layout.py;

		assert_true(cpython_layout_init(&layout, versions[i]));
		assert_int_equal(py->version, versions[i]);
		assert_true(py->frame_locals && py->task_coro && py->tstate_thread && py->str_data && py->long_one);
		assert_true(py->tuple_items && py->code_nlocals && layout.main && layout.modules && layout.gil);
	}
}

/* What a build of the version publishes: each word is its own index, those that are taken are told. */
static void words_fill(uint64_t words[CPYTHON_WORDS], uint64_t hex)
{
	for (size_t i = 0; i < CPYTHON_WORDS; i++)
		words[i] = 1000 + i;
	memcpy(words, "xdebugpy", 8);
	words[1] = hex;
	words[2] = 0;
}

static void test_published(void **state)
{
	uint64_t words[CPYTHON_WORDS];
	struct cpython_layout layout;

	(void)state;
	cpython_layout_init(&layout, 0x030d);
	words_fill(words, 0x030d05f0);
	assert_int_equal(cpython_layout_publish(&layout, words), 0);
	assert_int_equal(layout.main, 1005 + 8);
	assert_int_equal(layout.modules, 1011);
	assert_int_equal(layout.gil, 1014);
	assert_int_equal(layout.py.interp_gc, 1010 + 1072);
	assert_int_equal(layout.py.frame_owner, 1033);
	assert_int_equal(layout.py.coro_frame, 72);
	cpython_layout_init(&layout, 0x030e);
	words_fill(words, 0x030e08f0);
	assert_int_equal(cpython_layout_publish(&layout, words), 0);
	assert_int_equal(layout.modules, 1012);
	assert_int_equal(layout.py.interp_gc, 1011 + 1082);
	assert_int_equal(layout.py.coro_frame, 1085);
	assert_int_equal(layout.py.tuple_items, 1057);
}

static void test_published_refused(void **state)
{
	uint64_t words[CPYTHON_WORDS];
	struct cpython_layout layout;

	(void)state;
	cpython_layout_init(&layout, 0x030e);
	words_fill(words, 0x030e08f0);
	words[2] = 1; /* free-threaded */
	assert_int_equal(cpython_layout_publish(&layout, words), -ENOTSUP);
	words_fill(words, 0x030d05f0);
	assert_int_equal(cpython_layout_publish(&layout, words), -ENOTSUP);
	words_fill(words, 0x030e08f0);
	words[0] ^= 1;
	assert_int_equal(cpython_layout_publish(&layout, words), -ENOTSUP);
	words_fill(words, 0x030e08f0);
	words[27] = 1 << 16;
	assert_int_equal(cpython_layout_publish(&layout, words), -ENOTSUP);
}

static void test_published_asyncio(void **state)
{
	uint64_t words[CPYTHON_ASYNCIO_WORDS] = {168, 136, 96, 108, 109, 120, 152, 225864, 10880, 936, 864, 880, 888};
	struct cpython_layout layout;

	(void)state;
	cpython_layout_init(&layout, 0x030e);
	assert_int_equal(cpython_layout_publish_asyncio(&layout, words), 0);
	assert_int_equal(layout.py.task_coro, 120);
	assert_int_equal(layout.py.tstate_task, 880);
	assert_int_equal(layout.py.future_awaited_by, 96);
	assert_int_equal(layout.py.future_is_set, 109);
	words[11] = 1 << 16;
	assert_int_equal(cpython_layout_publish_asyncio(&layout, words), -ENOTSUP);
}

/* This process is none of CPython's. */
static void test_find(void **state)
{
	struct lg_python py;

	(void)state;
	assert_int_equal(cpython_find(&py, getpid(), 0x0205), -ENOTSUP);
	assert_true(cpython_find(&py, getpid(), 0x030b) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dict),
		cmocka_unit_test(test_dict_split),
		cmocka_unit_test(test_dict_endless),
		cmocka_unit_test(test_dict_damaged),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_published_refused),
		cmocka_unit_test(test_published_asyncio),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
