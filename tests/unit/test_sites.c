/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Probe sites: in small libraries made of the code that compilers have been seen to make, in code that must give no
 * site, in damaged files, and in this machine's own C library.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "elf_image.h"
#include "target/elf.h"
#include "target/sites.h"
#include "target/tls.h"

#define CODE(bytes) bytes, sizeof(bytes) - 1, STT_FUNC
#define SYSCALL     "\x0f\x05"
#define CMP         "\x48\x3d\x00\xf0\xff\xff" /* cmp $-4096,%rax */
#define JA          "\x77\x5b"
#define NOPS_10     "\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90"
#define NOPS_41     NOPS_10 NOPS_10 NOPS_10 NOPS_10 "\x90"

static char dir[] = "/tmp/lgtrace-test-XXXXXX";
static struct site_file scanned;

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(scanned.v);
	tree_remove(dir);
	return 0;
}

static void scan(const struct image_symbol *symbols, size_t nr)
{
	uint8_t image[IMAGE_SIZE];

	free(scanned.v);
	memset(&scanned, 0, sizeof(scanned));
	snprintf(scanned.file.path, sizeof(scanned.file.path), "%s/lib", dir);
	image_build(image, symbols, nr, SHT_DYNSYM, EM_X86_64);
	tree_write(dir, "lib", image, sizeof(image));
	assert_int_equal(site_file_scan(&scanned), 0);
}

static void site_is(size_t i, enum site_kind kind, uint64_t offset, int nr, const char *function)
{
	assert_true(i < scanned.nr);
	assert_int_equal(scanned.v[i].kind, kind);
	assert_int_equal(scanned.v[i].offset, offset);
	assert_int_equal(scanned.v[i].nr, nr);
	assert_string_equal(scanned.v[i].function, function);
}

static void finds_direct_calls(void **state)
{
	static const struct image_symbol symbols[] = {
		/* xor %eax,%eax right before, as glibc 2.36 has it; a second one after. */
		{"read", CODE("\x31\xc0" SYSCALL CMP JA "\xc3\x31\xc0" SYSCALL CMP "\x0f\x87\x00\x01\x00\x00\xc3")},
		/* mov $45,%eax with moves of arguments in between; another form of the check. */
		{"recv", CODE("\xb8\x2d\0\0\0\x48\x8b\x54\x24\x10\x48\x8b\x74\x24\x08" SYSCALL
			      "\x48\x3d\x01\xf0\xff\xff\x73\x01\xc3")},
		/* epoll_wait made of epoll_pwait. */
		{"epoll_wait", CODE("\xb8\x19\x01\0\0" SYSCALL CMP JA)},
		/* Not asked for. */
		{"getpid", CODE("\xb8\x27\0\0\0" SYSCALL CMP JA)},
	};

	(void)state;
	scan(symbols, 4);
	assert_int_equal(scanned.nr, 4);
	site_is(0, SITE_DONE, image_offset(0) + 10, 0, "read");
	site_is(1, SITE_DONE, image_offset(0) + 23, 0, "read");
	site_is(2, SITE_DONE, image_offset(1) + 23, 45, "recv");
	site_is(3, SITE_DONE, image_offset(2) + 13, 281, "epoll_wait");
	assert_int_equal(scanned.nr_missing, 0);
	assert_false(scanned.has_pairs);
}

/* read() of glibc 2.31: mov %fs:0x18,%eax; test %eax,%eax; jne; syscall. */
static void finds_number_left_by_test(void **state)
{
	static const struct image_symbol symbols[] = {
		{"read", CODE("\x64\x8b\x04\x25\x18\0\0\0\x85\xc0\x75\x14" SYSCALL CMP JA)},
		{"write", CODE("\x64\x8b\x04\x25\x18\0\0\0\x85\xc0\x75\x14" SYSCALL CMP JA)},
	};

	(void)state;
	scan(symbols, 2);
	assert_int_equal(scanned.nr, 1);
	site_is(0, SITE_DONE, image_offset(0) + 20, 0, "read");
	assert_int_equal(scanned.nr_missing, 1);
	assert_string_equal(scanned.missing[0], "write");
}

static void refuses_uncertain_code(void **state)
{
	static const struct image_symbol symbols[] = {
		{"read", CODE("\x45\x31\xc0" SYSCALL CMP JA)},               /* xor %r8d,%r8d */
		{"write", CODE("\x41\xb8\x01\0\0\0" SYSCALL CMP JA)},        /* mov $1,%r8d */
		{"send", CODE("\xb8\x2d\0\0\0" SYSCALL CMP JA)},             /* the number of recvfrom */
		{"recv", CODE("\xb8\x2d\0\0\0" SYSCALL CMP)},                /* cut before the jump */
		{"close", CODE("\xb8\x03\0\0\0" SYSCALL "\xc3")},            /* no check */
		{"poll", CODE("\xb8\x07\0\0\0" SYSCALL CMP "\x48\x89\xc2")}, /* no jump */
		{"connect", CODE("\xb8\x2a\0\0\0" SYSCALL CMP "\x74\x01")},  /* je is not how a check ends */
		{"accept", CODE("\xb8\x2b\0\0\0" SYSCALL CMP JA "\xc3\xb8\x2b\0\0\0" SYSCALL "\xc3")}, /* one of two */
		{"writev", "", 0, STT_FUNC},
	};

	(void)state;
	scan(symbols, 9);
	assert_int_equal(scanned.nr, 0);
	assert_int_equal(scanned.nr_missing, 9);
}

/* glibc 2.41: push $nr; moves; call of the common function, in which `cmp; ja` follows a further call. */
static void finds_common_calls(void **state)
{
	static const struct image_symbol symbols[] = {
		/* As long as it may be: the check ends at byte 64. */
		{"__common",
		 CODE("\x48\x83\xec\x10\xff\x74\x24\x18\xe8\x73\xff\xff\xff\x5a\x59" NOPS_41 CMP "\x77\x09\xc3")},
		/* From 0x1100 + 11 + 5 back to 0x1000. */
		{"read", CODE("\x48\x83\xec\x10\x45\x31\xc9\x6a\x00\x31\xc9\xe8\xf0\xfe\xff\xff\x48\x83\xc4\x18\xc3")},
		/* From 0x1200 + 8 + 5. */
		{"epoll_wait", CODE("\x68\xe8\0\0\0\x45\x31\xc9\xe8\xf3\xfd\xff\xff\xc3")},
		/* Another number; and a target that checks nothing. */
		{"write", CODE("\x6a\x02\x31\xc9\xe8\xf7\xfc\xff\xff\xc3")},
		{"close", CODE("\x6a\x03\x31\xc9\xe8\xf7\xfc\xff\xff\xc3")},
	};

	(void)state;
	scan(symbols, 5);
	assert_true(scanned.has_pairs);
	assert_int_equal(scanned.nr, 3);
	site_is(0, SITE_RESULT, image_offset(0) + 62, -1, "");
	site_is(1, SITE_CALL, image_offset(1) + 11, 0, "read");
	site_is(2, SITE_CALL, image_offset(2) + 8, 232, "epoll_wait");
	assert_int_equal(scanned.nr_missing, 2);
	assert_string_equal(scanned.missing[0], "write");
	assert_string_equal(scanned.missing[1], "close");
}

static void survives_damage(void **state)
{
	static const struct image_symbol symbols[] = {
		{"read", CODE("\x31\xc0" SYSCALL CMP JA)},
		{"SSL_read", CODE("\xf3\x0f\x1e\xfa\x55\x48\x89\xe5")},
	};
	uint8_t image[IMAGE_SIZE];
	unsigned seed = 7;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		image_build(image, symbols, 2, SHT_DYNSYM, EM_X86_64);
		for (int n = 0; n < 4; n++) {
			size_t at = rand_r(&seed) % 0x300;

			image[rand_r(&seed) % 2 ? at : 0x3000 + at % 0xc0] = rand_r(&seed);
		}
		tree_write(dir, "lib", image, sizeof(image));
		free(scanned.v);
		memset(&scanned, 0, sizeof(scanned));
		snprintf(scanned.file.path, sizeof(scanned.file.path), "%s/lib", dir);
		site_file_scan(&scanned);
		for (size_t j = 0; j < scanned.nr; j++)
			assert_true(scanned.v[j].offset < sizeof(image));
	}
}

/* Whether the bytes at a site of a real library are the instruction that it should be. */
static void check_real_site(const struct site *site, const uint8_t *code)
{
	static const uint8_t syscall[] = {0x0f, 0x05}, cmp[] = {0x48, 0x3d}, minus[] = {0xf0, 0xff, 0xff};
	const uint8_t *jump = code + 16;

	if (site->kind == SITE_CALL) {
		assert_int_equal(jump[0], 0xe8);
		return;
	}
	assert_true(jump[0] == 0x77 || jump[0] == 0x73 || (jump[0] == 0x0f && (jump[1] == 0x87 || jump[1] == 0x83)));
	assert_memory_equal(jump - 6, cmp, 2);
	assert_memory_equal(jump - 3, minus, 3);
	if (site->kind == SITE_DONE)
		assert_memory_equal(jump - 8, syscall, 2);
}

#if defined(__x86_64__)
static void finds_sites_in_the_real_libc(void **state)
{
	unsigned reads = 0, polls = 0;
	struct sites sites = {0};
	struct err err = {0};
	uint8_t code[32];
	FILE *file;

	(void)state;
	assert_int_equal(sites_add(&sites, getpid(), &err), 0);
	assert_int_equal(sites_add(&sites, getpid(), &err), 0);
	assert_true(sites.nr_files == 1 || sites.nr_files == 2);
	assert_int_equal(sites.files[0].nr_missing, 0);
	assert_true(sites.files[0].nr >= 20);
	file = fopen(sites.files[0].file.path, "rb");
	assert_non_null(file);
	for (size_t i = 0; i < sites.files[0].nr; i++) {
		const struct site *site = &sites.files[0].v[i];

		assert_int_equal(fseek(file, site->offset - 16, SEEK_SET), 0);
		assert_int_equal(fread(code, 1, sizeof(code), file), sizeof(code));
		check_real_site(site, code);
		reads += !strcmp(site->function, "read") && site->nr == 0;
		polls += !strcmp(site->function, "epoll_wait") && (site->nr == 232 || site->nr == 281);
	}
	fclose(file);
	assert_true(reads && polls);
	sites_fini(&sites);
	sites_fini(&sites);
}
#endif

static void finds_tls(void **state)
{
	static const struct image_symbol symbols[] = {
		{"SSL_read", CODE("\xf3\x0f\x1e\xfa\x41\x57\x48\x89")},  /* endbr64; push %r15 */
		{"SSL_write", CODE("\xf3\x0f\x1e\xfa\x48\x83\xec\x18")}, /* endbr64; sub */
		{"SSL_read_ex", CODE("\x55\x48\x89\xe5\x41\x57")},       /* push %rbp */
	};
	struct tls_files files = {0};
	uint8_t image[IMAGE_SIZE];
	char tree[64];

	(void)state;
	snprintf(tree, sizeof(tree), "%s/proc", dir);
	mkdir(tree, 0755);
	proc_set_root(tree);
	image_build(image, symbols, 3, SHT_DYNSYM, EM_X86_64);
	tree_write(tree, "10/root/x/libssl-1a2b.so.3", image, sizeof(image));
	image_build(image, symbols, 0, SHT_DYNSYM, EM_X86_64);
	tree_write(tree, "10/exe", image, sizeof(image));
	for (int pid = 10; pid < 12; pid++) {
		char maps[32];

		snprintf(maps, sizeof(maps), "%d/maps", pid);
		tree_text(tree, maps, "1000-2000 r-xp 0 0:1 %llu /x/libssl-1a2b.so.3\n",
			  tree_ino(tree, "10/root/x/libssl-1a2b.so.3"));
	}
	assert_int_equal(symlink("../10/root", strcat(tree, "/11/root")), 0);
	tree[strlen(tree) - strlen("/11/root")] = 0;
	assert_int_equal(tls_files_add(&files, 10), 0);
	assert_int_equal(tls_files_add(&files, 11), 0);
	assert_int_equal(files.nr, 1);
	assert_int_equal(files.v[0].entry[TLS_READ], image_offset(0));
	assert_int_equal(files.v[0].probe[TLS_READ], image_offset(0) + 4);
	assert_int_equal(files.v[0].probe[TLS_WRITE], image_offset(1));
	assert_int_equal(files.v[0].probe[TLS_READ_EX], image_offset(2));
	assert_int_equal(files.v[0].entry[TLS_WRITE_EX], 0);
	assert_int_equal(files.v[0].probe[TLS_WRITE_EX], 0);
	/* Linked into the executable, as in Node. */
	image_build(image, symbols, 3, SHT_DYNSYM, EM_X86_64);
	tree_write(tree, "12/exe", image, sizeof(image));
	tree_text(tree, "12/maps", "1000-2000 r-xp 0 0:0 0\n");
	assert_int_equal(tls_files_add(&files, 12), 0);
	assert_int_equal(files.nr, 2);
	assert_non_null(strstr(files.v[1].file.path, "/12/exe"));
	assert_int_equal(tls_files_add(&files, 99), -ENOENT);
	tls_files_fini(&files);
	proc_set_root(NULL);
}

static void refuses_foreign_libraries(void **state)
{
	struct sites sites = {0};
	struct err err = {0};
	uint8_t image[IMAGE_SIZE];

	(void)state;
	proc_set_root(dir);
	tree_text(dir, "20/maps", "1000-2000 r-xp 0 0:0 0 [vdso]\n");
	assert_int_equal(sites_add(&sites, 20, &err), -ENOENT);
	assert_string_equal(err.what, "PID 20 maps no C library");
	image_build(image, NULL, 0, SHT_DYNSYM, EM_AARCH64);
	tree_write(dir, "20/root/lib/libc.so.6", image, sizeof(image));
	tree_text(dir, "20/maps", "1000-2000 r-xp 0 0:1 %llu /lib/libc.so.6\n", tree_ino(dir, "20/root/lib/libc.so.6"));
	memset(&err, 0, sizeof(err));
	assert_int_equal(sites_add(&sites, 20, &err), -ENOTSUP);
	assert_string_equal(err.what, "the C library of PID 20 is not for x86-64");
	assert_int_equal(sites.nr_files, 0);
	sites_fini(&sites);
	proc_set_root(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_direct_calls),
		cmocka_unit_test(finds_number_left_by_test),
		cmocka_unit_test(refuses_uncertain_code),
		cmocka_unit_test(finds_common_calls),
		cmocka_unit_test(survives_damage),
		cmocka_unit_test(finds_tls),
		cmocka_unit_test(refuses_foreign_libraries),
#if defined(__x86_64__)
		cmocka_unit_test(finds_sites_in_the_real_libc),
#endif
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
