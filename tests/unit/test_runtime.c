/* SPDX-License-Identifier: BSD-2-Clause */
/* Telling runtimes apart, on processes that exist only as a tree of files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "elf_image.h"
#include "target/proc.h"
#include "target/runtime.h"

static char tree[64];

static int setup(void **state)
{
	(void)state;
	strcpy(tree, "/tmp/lgtrace-test-XXXXXX");
	if (!mkdtemp(tree))
		return -1;
	proc_set_root(tree);
	tree_stat(tree, "10/stat", 10, "main", 'S', 1, 0);
	tree_text(tree, "10/maps", "1000-2000 r-xp 0 0:0 0 [vdso]\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	proc_set_root(NULL);
	tree_remove(tree);
	return 0;
}

/* The executable of process 10: a file with these symbols under this name. */
static void exe_make(const char *name, const struct image_symbol *symbols, size_t nr)
{
	static uint8_t image[IMAGE_SIZE];
	char path[256], full[512];

	image_build(image, symbols, nr, SHT_DYNSYM, EM_X86_64);
	snprintf(path, sizeof(path), "10/root/usr/bin/%s", name);
	tree_write(tree, path, image, sizeof(image));
	snprintf(full, sizeof(full), "%s/%s", tree, path);
	snprintf(path, sizeof(path), "%s/10/exe", tree);
	unlink(path);
	assert_int_equal(symlink(full, path), 0);
}

static void runtime_is(enum lg_runtime kind, unsigned version)
{
	struct runtime runtime;

	assert_int_equal(runtime_detect(&runtime, 10), 0);
	assert_int_equal(runtime.kind, kind);
	assert_int_equal(runtime.version, version);
}

static void reads_python_names(void **state)
{
	(void)state;
	assert_int_equal(runtime_python_version("libpython3.11.so.1.0"), 0x030b);
	assert_int_equal(runtime_python_version("libpython3.13t.so"), 0x030d);
	assert_int_equal(runtime_python_version("libpython2.7.so.1"), 0x0207);
	assert_int_equal(runtime_python_version("libpython3.so"), 0);
	assert_int_equal(runtime_python_version("python3.9"), 0x0309);
	assert_int_equal(runtime_python_version("python3"), 0);
	assert_int_equal(runtime_python_version("cpython-310-x86_64-linux-gnu.so"), 0x030a);
	assert_int_equal(runtime_python_version("cpython-39.so"), 0x0309);
	assert_int_equal(runtime_python_version("cpython"), 0);
	assert_int_equal(runtime_python_version("libc.so.6"), 0);
}

static void knows_python(void **state)
{
	/* PY_VERSION_HEX of 3.11.2 final. */
	static const struct image_symbol with_version[] = {
		{"_PyRuntime", "", 0, STT_OBJECT},
		{"Py_Version", "\xf0\x02\x0b\x03\0\0\0\0", 8, STT_OBJECT},
	};
	static const struct image_symbol nonsense[] = {
		{"Py_Version", "\xff\xff\xff\xff\xff\xff\xff\xff", 8, STT_OBJECT}};

	(void)state;
	exe_make("renamed", with_version, 2);
	runtime_is(LG_RT_CPYTHON, 0x030b);
	exe_make("python3.9", with_version, 1);
	runtime_is(LG_RT_CPYTHON, 0x0309);
	exe_make("renamed", nonsense, 1);
	runtime_is(LG_RT_CPYTHON, 0);
	tree_text(tree, "10/maps", "1000-2000 r-xp 0 0:1 5 /x/_ssl.cpython-38-x86_64-linux-gnu.so\n");
	runtime_is(LG_RT_CPYTHON, 0x0308);
	exe_make("uwsgi", NULL, 0);
	tree_text(tree, "10/maps", "1000-2000 r-xp 0 0:1 5 /x/libpython3.12.so.1.0 (deleted)\n");
	runtime_is(LG_RT_CPYTHON, 0x030c);
}

static void knows_node(void **state)
{
	/* xor %eax,%eax; movq $0x402000,(%rsi): that is where a constant would be, in a segment of data. */
	static const struct image_symbol fixed[] = {
		{"napi_get_node_version", "\x31\xc0\x48\xc7\x06\x00\x20\x40\x00\xc3", 10, STT_FUNC}};
	/* lea 0xff9(%rip),%rax: from 0x401000 + 7 to 0x402000. */
	static const struct image_symbol moved[] = {
		{"napi_get_node_version", "\x48\x8d\x05\xf9\x0f\x00\x00\x48\x89\x06\xc3", 11, STT_FUNC}};
	static const uint32_t version[] = {20, 11, 1};
	uint8_t image[IMAGE_SIZE];
	char path[256];

	(void)state;
	for (int i = 0; i < 2; i++) {
		exe_make("node", NULL, 0);
		image_build(image, i ? moved : fixed, 1, SHT_DYNSYM, EM_X86_64);
		memcpy(image + 0x2000, version, sizeof(version));
		/* The last 4 KiB of the segment are data. */
		((Elf64_Phdr *)(image + 0x40))[0].p_filesz = 0x2000;
		((Elf64_Phdr *)(image + 0x40))[1] = (Elf64_Phdr){.p_type = PT_LOAD,
								 .p_flags = PF_R,
								 .p_offset = 0x2000,
								 .p_vaddr = IMAGE_BASE + 0x2000,
								 .p_filesz = 0x1000};
		tree_write(tree, "10/root/usr/bin/node", image, sizeof(image));
		runtime_is(LG_RT_NODE, 20 << 8 | 11);
		/* Without a sane constant it is Node still. */
		memset(image + 0x2000, 0xff, sizeof(version));
		tree_write(tree, "10/root/usr/bin/node", image, sizeof(image));
		runtime_is(LG_RT_NODE, 0);
	}
	/* Debian's node is small and loads a library. */
	memcpy(image + 0x2000, version, sizeof(version));
	tree_write(tree, "10/root/lib/libnode.so.108", image, sizeof(image));
	exe_make("node", NULL, 0);
	snprintf(path, sizeof(path), "10/root/lib/libnode.so.108");
	tree_text(tree, "10/maps", "1000-2000 r-xp 0 0:1 %llu /lib/libnode.so.108\n", tree_ino(tree, path));
	runtime_is(LG_RT_NODE, 20 << 8 | 11);
}

static void knows_servers(void **state)
{
	static const char *const names[] = {"nginx",         "nginx.old", "redis-check-rdb",
					    "valkey-server", "haproxy",   "bash"};
	static const enum lg_runtime kinds[] = {LG_RT_NGINX, LG_RT_NGINX,   LG_RT_REDIS,
						LG_RT_REDIS, LG_RT_HAPROXY, LG_RT_NATIVE};

	(void)state;
	for (int i = 0; i < 6; i++) {
		exe_make(names[i], NULL, 0);
		runtime_is(kinds[i], 0);
	}
	tree_stat(tree, "10/stat", 10, "redis-server", 'S', 1, 0);
	runtime_is(LG_RT_REDIS, 0);
}

static void looks_at_real_ones(void **state)
{
	struct runtime runtime;

	(void)state;
	assert_int_equal(runtime_detect(&runtime, 99), -ENOENT);
	proc_set_root(NULL);
	assert_int_equal(runtime_detect(&runtime, getpid()), 0);
	assert_int_equal(runtime.kind, LG_RT_NATIVE);
}

int main(void)
{
#define ON_TREE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_python_names),
		ON_TREE(knows_python),
		ON_TREE(knows_node),
		ON_TREE(knows_servers),
		ON_TREE(looks_at_real_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
