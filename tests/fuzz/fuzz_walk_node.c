/* SPDX-License-Identifier: BSD-2-Clause */
/* The walk over V8's heap (bpf/node.bpf.h): the first byte chooses a case of its unit test, the rest is damage. */
#pragma clang diagnostic ignored "-Wunknown-attributes" /* of BPF alone, in kernel.h */
#define main unit_test_main
#include "../unit/test_walk_node.c"
#undef main

#include "fuzz_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer a;

	if (!size)
		return 0;
	case_build(data[0] % NR_CASES);
	walk_damage(data + 1, size - 1, 1);
	a = ask();
	FUZZ_CHECK(a.answer <= LG_ANSWER_UNKNOWN && host.nr_reads <= MAX_READS);
	FUZZ_CHECK(a.sure != LG_SURE_EXACT || (a.ino >= HOST_INO + 2 && a.ino < HOST_INO + HOST_FDS));
	return 0;
}
