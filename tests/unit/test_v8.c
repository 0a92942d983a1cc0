/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The constants of V8, read from this very program: it has the data that a node has, and copies of it lie.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/elf.h"
#include "target/v8.h"

/* Not zero: what is zero lies in no file. */
#define CONSTANTS(X) \
	X(HeapObjectTag, 1) \
	X(TaggedSize, 8) \
	X(SmiShiftSize, 31) \
	X(prop_desc_details, 1) \
	X(prop_desc_size, 3) \
	X(context_idx_prev, 1) \
	X(type_JSObject__JS_OBJECT_TYPE, 1057) \
	X(type_JSFunction__JS_FUNCTION_TYPE, 2066) \
	X(type_JSBoundFunction__JS_BOUND_FUNCTION_TYPE, 2064) \
	X(type_JSPromise__JS_PROMISE_TYPE, 2063) \
	X(type_JSAsyncFunctionObject__JS_ASYNC_FUNCTION_OBJECT_TYPE, 2106) \
	X(type_JSAsyncGeneratorObject__JS_ASYNC_GENERATOR_OBJECT_TYPE, 2107) \
	X(type_JSFirstBehind__JS_FIRST_BEHIND_TYPE, 2097) \
	X(type_PromiseReaction__PROMISE_REACTION_TYPE, 163) \
	X(type_PromiseCapability__PROMISE_CAPABILITY_TYPE, 161) \
	X(type_PromiseFulfillReactionJobTask__PROMISE_FULFILL_REACTION_JOB_TASK_TYPE, 132) \
	X(type_PromiseResolveThenableJobTask__PROMISE_RESOLVE_THENABLE_JOB_TASK_TYPE, 136) \
	X(type_Map__MAP_TYPE, 255) \
	X(type_JSMap__JS_MAP_TYPE, 2110) \
	X(type_ScopeInfo__SCOPE_INFO_TYPE, 261) \
	X(FirstContextType, 205) \
	X(LastContextType, 214) \
	X(class_Map__instance_size_in_words__char, 8) \
	X(class_Map__inobject_properties_start_or_constructor_function_index__char, 9) \
	X(class_Map__instance_type__uint16_t, 12) \
	X(class_Map__bit_field3__int, 16) \
	X(class_Map__constructor_or_back_pointer__Tagged_Object_, 32) \
	X(class_Map__instance_descriptors__DescriptorArray, 40) \
	X(class_JSFunction__shared__SharedFunctionInfo, 24) \
	X(class_JSFunction__context__Context, 32) \
	X(class_SharedFunctionInfo__name_or_scope_info__Object, 16) \
	X(class_SharedFunctionInfo__internal_formal_parameter_count__uint16_t, 42) \
	X(class_JSReceiver__raw_properties_or_hash__Object, 8) \
	X(class_JSObject__internal_fields__uintptr_t, 24) \
	X(class_String__length__int32_t, 12) \
	X(class_SeqOneByteString__chars__char, 16) \
	X(class_Symbol__name__Object, 16) \
	X(class_DescriptorArray__header_size__uintptr_t, 24) \
	X(scopeinfo_idx_nparams, 1) \
	X(bit_field3_is_dictionary_map_shift, 21) \
	X(bit_field3_number_of_own_descriptors_shift, 10) \
	X(bit_field3_number_of_own_descriptors_mask, 1047552) \
	X(prop_index_shift, 19) \
	X(prop_index_mask, 536346624) \
	X(prop_location_shift, 5) \
	X(prop_location_Descriptor, 1) \
	X(off_fp_function, -16) \
	X(off_fp_context, -8) \
	X(off_fp_args, 16)

#define X(name, value) \
	extern int32_t v8dbg_##name; \
	int32_t v8dbg_##name __attribute__((used)) = value;
CONSTANTS(X)
#undef X

#if defined(__x86_64__)
/* Code and data as V8 has them: only their first instructions are looked at. */
__thread void *current_isolate __asm__("_ZN2v88internal18g_current_isolate_E") __attribute__((used));
__asm__(".text\n"
	".globl Builtins_CEntry_Return1_ArgvOnStack_NoBuiltinExit\n"
	".type Builtins_CEntry_Return1_ArgvOnStack_NoBuiltinExit, @function\n"
	"Builtins_CEntry_Return1_ArgvOnStack_NoBuiltinExit:\n"
	"	mov %rbp, 0x100(%r13)\n"
	"	.skip 64, 0x90\n"
	".globl Builtins_GetContinuationPreservedEmbedderData\n"
	".type Builtins_GetContinuationPreservedEmbedderData, @function\n"
	"Builtins_GetContinuationPreservedEmbedderData:\n"
	"	push %rbp\n"
	"	mov 0x2c0(%r13), %rax\n"
	"	.skip 64, 0x90\n"
	".globl _ZN2v88internal10TickSample14GetStackSampleEv\n"
	".type _ZN2v88internal10TickSample14GetStackSampleEv, @function\n"
	"_ZN2v88internal10TickSample14GetStackSampleEv:\n"
	"	movq $0, (%r9)\n"
	"	movzwl 0x1b8(%rdi), %edx\n"
	"	mov 0x1c0(%rdi), %eax\n"
	"	.skip 128, 0x90\n");
#define EXIT_FRAME 0x180
#define VM_STATE   0x1b8
#define STORES     0x340
#else
#define EXIT_FRAME 0
#define VM_STATE   0
#define STORES     0
#endif

static int self_read(struct lg_v8 *v8, const char *path)
{
	struct elf_file *elf;
	int error;

	assert_int_equal(elf_file_open(&elf, path), 0);
	error = v8_read(v8, elf);
	elf_file_close(elf);
	return error;
}

static void reads_what_the_program_says(void **state)
{
	struct lg_v8 v8;

	(void)state;
	assert_int_equal(self_read(&v8, "/proc/self/exe"), 0);
	assert_int_equal(v8.type_function, 2066);
	assert_int_equal(v8.type_function_end, 2097);
	assert_int_equal(v8.type_context_end, 215);
	assert_int_equal(v8.map_constructor, 32);
	assert_int_equal(v8.scope_nr_params, 16);
	assert_int_equal(v8.descriptor_mask, 32);
	assert_int_equal(v8.fp_function, -16);
	assert_int_equal(v8.fp_argc, -24);
	assert_int_equal(v8.exit_frame, EXIT_FRAME);
	assert_int_equal(v8.vm_state, VM_STATE);
	assert_int_equal(v8.stores, STORES);
	assert_int_equal(v8.type_js_map, 2110);
}

/* A copy of this program in which one constant has another value. */
static int lie_read(const char *name, int32_t value)
{
	const char *const names[] = {name};
	char path[] = "/tmp/test_v8.XXXXXX";
	struct elf_symbol symbol;
	struct elf_file *elf;
	struct lg_v8 v8;
	char buf[4096];
	int error, out = mkstemp(path);
	FILE *in = fopen("/proc/self/exe", "re");
	size_t n;

	assert_non_null(in);
	assert_true(out >= 0);
	while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
		assert_int_equal(write(out, buf, n), n);
	fclose(in);
	assert_int_equal(elf_file_open(&elf, path), 0);
	assert_int_equal(elf_file_find(elf, names, 1, &symbol, true), 1);
	elf_file_close(elf);
	assert_int_equal(pwrite(out, &value, sizeof(value), symbol.offset), sizeof(value));
	close(out);
	error = self_read(&v8, path);
	unlink(path);
	return error;
}

static void refuses_what_cannot_be(void **state)
{
	(void)state;
	assert_int_equal(lie_read("v8dbg_TaggedSize", 8), 0);
	assert_int_equal(lie_read("v8dbg_TaggedSize", 4), -ENOTSUP);
	assert_int_equal(lie_read("v8dbg_SmiShiftSize", 0), -ENOTSUP);
	assert_int_equal(lie_read("v8dbg_class_Map__instance_type__uint16_t", 48), -ENOTSUP);
	assert_int_equal(lie_read("v8dbg_class_Map__bit_field3__int", -1), -ENOTSUP);
	assert_int_equal(lie_read("v8dbg_class_JSFunction__shared__SharedFunctionInfo", 1 << 20), -ENOTSUP);
	assert_int_equal(lie_read("v8dbg_prop_index_shift", 32), -ENOTSUP);
	assert_int_equal(lie_read("v8dbg_off_fp_context", 8), -ENOTSUP);
	assert_int_equal(lie_read("v8dbg_LastContextType", 100), -ENOTSUP);
}

static void says_no_without_v8(void **state)
{
	struct lg_v8 v8;

	(void)state;
	assert_int_equal(self_read(&v8, "/bin/true"), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_program_says),
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(says_no_without_v8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
