/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From names to numbers. The file belongs to the target, so what it says is only believed when it can be right: an
 * offset lies in the part of an object that the walk reads, a shift in a word.
 */
#include "target/v8.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/elf.h"
#include "target/maps.h"
#include "target/runtime.h"

#define PREFIX "v8dbg_"

/* The walk reads that much of a map at once (bpf/node.bpf.h), and offsets in other objects are as small. */
#define MAX_MAP_OFFSET    47
#define MAX_OBJECT_OFFSET 120
#define MAX_TYPE          (UINT16_MAX - 1) /* the one behind is a number too */

/* Sizes of V8's tags that the walk takes for granted: 64-bit words, integers in the upper half. */
struct given {
	const char *name;
	int32_t value;
};

static const struct given given[] = {
	{"HeapObjectTag", 1},     {"TaggedSize", 8},     {"SmiShiftSize", 31},
	{"prop_desc_details", 1}, {"prop_desc_size", 3}, {"context_idx_prev", 1},
};

enum constant {
	C_OBJECT,
	C_FUNCTION,
	C_BOUND,
	C_PROMISE,
	C_ASYNC_FUNCTION,
	C_ASYNC_GENERATOR,
	C_REACTION,
	C_CAPABILITY,
	C_JOB,
	C_RESOLVE,
	C_MAP,
	C_SCOPE_INFO,
	C_CONTEXT,
	C_CONTEXT_LAST,
	C_MAP_SIZE,
	C_MAP_FIELDS,
	C_MAP_TYPE,
	C_MAP_BITS,
	C_MAP_CONSTRUCTOR,
	C_MAP_DESCRIPTORS,
	C_SHARED,
	C_FUNCTION_CONTEXT,
	C_SHARED_NAME,
	C_SHARED_NR_PARAMS,
	C_PROPERTIES,
	C_INTERNAL,
	C_STRING_LENGTH,
	C_STRING_CHARS,
	C_SYMBOL_NAME,
	C_DESCRIPTORS_FIRST,
	C_SCOPE_NR_PARAMS,
	C_DICTIONARY,
	C_NR_FIELDS_SHIFT,
	C_NR_FIELDS_MASK,
	C_INDEX_SHIFT,
	C_INDEX_MASK,
	C_LOCATION_SHIFT,
	C_LOCATION,
	C_FP_FUNCTION,
	C_FP_CONTEXT,
	C_FP_ARGS,
	C_JS_MAP,
	NR_CONSTANTS
};

/* Without PREFIX. Those that end in "__" go on with the name of a type, which changes with versions. */
static const char *const names[NR_CONSTANTS] = {
	[C_OBJECT] = "type_JSObject__",
	[C_FUNCTION] = "type_JSFunction__",
	[C_BOUND] = "type_JSBoundFunction__",
	[C_PROMISE] = "type_JSPromise__",
	[C_ASYNC_FUNCTION] = "type_JSAsyncFunctionObject__",
	[C_ASYNC_GENERATOR] = "type_JSAsyncGeneratorObject__",
	[C_REACTION] = "type_PromiseReaction__",
	[C_CAPABILITY] = "type_PromiseCapability__",
	[C_JOB] = "type_PromiseFulfillReactionJobTask__",
	[C_RESOLVE] = "type_PromiseResolveThenableJobTask__",
	[C_MAP] = "type_Map__",
	[C_SCOPE_INFO] = "type_ScopeInfo__",
	[C_CONTEXT] = "FirstContextType",
	[C_CONTEXT_LAST] = "LastContextType",
	[C_MAP_SIZE] = "class_Map__instance_size_in_words__",
	[C_MAP_FIELDS] = "class_Map__inobject_properties_start_or_constructor_function_index__",
	[C_MAP_TYPE] = "class_Map__instance_type__",
	[C_MAP_BITS] = "class_Map__bit_field3__",
	[C_MAP_CONSTRUCTOR] = "class_Map__constructor_or_back_pointer__",
	[C_MAP_DESCRIPTORS] = "class_Map__instance_descriptors__",
	[C_SHARED] = "class_JSFunction__shared__",
	[C_FUNCTION_CONTEXT] = "class_JSFunction__context__",
	[C_SHARED_NAME] = "class_SharedFunctionInfo__name_or_scope_info__",
	[C_SHARED_NR_PARAMS] = "class_SharedFunctionInfo__internal_formal_parameter_count__",
	[C_PROPERTIES] = "class_JSReceiver__raw_properties_or_hash__",
	[C_INTERNAL] = "class_JSObject__internal_fields__",
	[C_STRING_LENGTH] = "class_String__length__",
	[C_STRING_CHARS] = "class_SeqOneByteString__chars__",
	[C_SYMBOL_NAME] = "class_Symbol__name__",
	[C_DESCRIPTORS_FIRST] = "class_DescriptorArray__header_size__",
	[C_SCOPE_NR_PARAMS] = "scopeinfo_idx_nparams",
	[C_DICTIONARY] = "bit_field3_is_dictionary_map_shift",
	[C_NR_FIELDS_SHIFT] = "bit_field3_number_of_own_descriptors_shift",
	[C_NR_FIELDS_MASK] = "bit_field3_number_of_own_descriptors_mask",
	[C_INDEX_SHIFT] = "prop_index_shift",
	[C_INDEX_MASK] = "prop_index_mask",
	[C_LOCATION_SHIFT] = "prop_location_shift",
	[C_LOCATION] = "prop_location_Descriptor",
	[C_FP_FUNCTION] = "off_fp_function",
	[C_FP_CONTEXT] = "off_fp_context",
	[C_FP_ARGS] = "off_fp_args",
	[C_JS_MAP] = "type_JSMap__",
};

/* Stubs that call native code begin by noting their frame: `mov %rbp, disp32(%r13)`, r13 being the isolate's root. */
#define STUB         "Builtins_CEntry_Return1_ArgvOnStack_NoBuiltinExit"
#define STUB_LEN     32
#define ROOT_BIAS    128
#define MAX_EXIT_OFF 4096
#define ISOLATE      "_ZN2v88internal18g_current_isolate_E"

/* V8's own sampler looks first at what the isolate is doing, which is its first argument. */
#define SAMPLER       "_ZN2v88internal10TickSample14GetStackSampleE"
#define SAMPLER_LEN   96
#define MAX_STATE_OFF 4096

/* The builtin that returns what goes with code from one callback to the next: `mov disp32(%r13), %rax`. */
#define STORES "Builtins_GetContinuationPreservedEmbedderData"

struct reader {
	const struct elf_file *elf;
	int32_t values[NR_CONSTANTS];
	bool is_found[NR_CONSTANTS];
	uint8_t types[(UINT16_MAX + 1) / 8]; /* a bit for each number of a named type */
	size_t nr_given;
	uint64_t exit_frame; /* 0: not found */
	uint64_t vm_state;   /* 0: not found */
	uint64_t stores;     /* 0: not found */
	uint64_t isolate;    /* in the thread-local block */
	bool has_isolate;
};

static bool name_matches(const char *name, const char *wanted)
{
	size_t len = strlen(wanted);

	return len > 2 && !strcmp(wanted + len - 2, "__") ? !strncmp(name, wanted, len) : !strcmp(name, wanted);
}

/* Where in the isolate the first move goes to, or comes from, that begins with these bytes. */
static uint64_t stub_read(const struct elf_file *elf, uint64_t addr, const uint8_t move[3])
{
	uint8_t code[STUB_LEN];
	uint32_t offset;

	if (elf_file_machine(elf) != EM_X86_64 || elf_file_read(elf, addr, code, sizeof(code)))
		return 0;
	for (size_t i = 0; i + 7 <= sizeof(code); i++) {
		if (memcmp(code + i, move, 3))
			continue;
		memcpy(&offset, code + i + 3, sizeof(offset));
		return offset < MAX_EXIT_OFF && offset % 8 == 0 ? ROOT_BIAS + offset : 0;
	}
	return 0;
}

/* The first `mov disp32(%rdi), %r32` or `movzwl disp32(%rdi), %r32`. */
static uint64_t sampler_read(const struct elf_file *elf, uint64_t addr)
{
	uint8_t code[SAMPLER_LEN];
	uint32_t offset;

	if (elf_file_machine(elf) != EM_X86_64 || elf_file_read(elf, addr, code, sizeof(code)))
		return 0;
	for (size_t i = 1; i + 6 <= sizeof(code); i++) {
		bool is_load = code[i] == 0x8b || (code[i] == 0xb7 && code[i - 1] == 0x0f);

		if (!is_load || (code[i + 1] & 0xc7) != 0x87)
			continue;
		memcpy(&offset, code + i + 2, sizeof(offset));
		return offset < MAX_STATE_OFF && offset % 8 == 0 ? offset : 0;
	}
	return 0;
}

static int on_symbol(void *arg, const struct elf_symbol *symbol)
{
	struct reader *r = arg;
	const char *name = symbol->name + sizeof(PREFIX) - 1;
	static const uint8_t from_rbp[] = {0x49, 0x89, 0xad}, to_rax[] = {0x49, 0x8b, 0x85};
	int32_t value;

	/* One of a hundred symbols begins like this, ISOLATE as SAMPLER does. */
	if (symbol->name[0] != PREFIX[0] && symbol->name[0] != STUB[0] && symbol->name[0] != SAMPLER[0])
		return 0;
	if (symbol->is_thread_local && !strcmp(symbol->name, ISOLATE)) {
		r->isolate = symbol->addr;
		r->has_isolate = true;
	}
	if (symbol->is_function && !strcmp(symbol->name, STUB))
		r->exit_frame = stub_read(r->elf, symbol->addr, from_rbp);
	if (symbol->is_function && !strcmp(symbol->name, STORES))
		r->stores = stub_read(r->elf, symbol->addr, to_rax);
	if (symbol->is_function && !strncmp(symbol->name, SAMPLER, sizeof(SAMPLER) - 1))
		r->vm_state = sampler_read(r->elf, symbol->addr);
	if (strncmp(symbol->name, PREFIX, sizeof(PREFIX) - 1))
		return 0;
	if (elf_file_read(r->elf, symbol->addr, &value, sizeof(value)))
		return 0;
	if (!strncmp(name, "type_", 5) && value > 0 && value < UINT16_MAX)
		r->types[value / 8] |= 1 << value % 8;
	for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++)
		r->nr_given += !strcmp(name, given[i].name) && value == given[i].value;
	for (size_t i = 0; i < NR_CONSTANTS; i++) {
		if (!r->is_found[i] && name_matches(name, names[i])) {
			r->is_found[i] = true;
			r->values[i] = value;
		}
	}
	return 0;
}

/* Types of functions have no names of their own but the first: they end where the next named type begins. */
static int32_t function_end(const struct reader *r)
{
	int32_t value = r->values[C_FUNCTION] + 1;

	while (value < UINT16_MAX && !(r->types[value / 8] & 1 << value % 8))
		value++;
	return value;
}

static bool in_range(const struct reader *r, int from, int to, int32_t low, int32_t high)
{
	for (int i = from; i <= to; i++) {
		if (!r->is_found[i] || r->values[i] < low || r->values[i] > high)
			return false;
	}
	return true;
}

static bool is_sound(const struct reader *r)
{
	const int32_t *v = r->values;

	return r->nr_given >= sizeof(given) / sizeof(*given) && in_range(r, C_OBJECT, C_CONTEXT_LAST, 1, MAX_TYPE) &&
	       in_range(r, C_MAP_SIZE, C_MAP_BITS, 0, MAX_MAP_OFFSET - 3) &&
	       in_range(r, C_MAP_CONSTRUCTOR, C_MAP_DESCRIPTORS, 0, MAX_MAP_OFFSET - 7) &&
	       in_range(r, C_SHARED, C_DESCRIPTORS_FIRST, 1, MAX_OBJECT_OFFSET) &&
	       in_range(r, C_SCOPE_NR_PARAMS, C_SCOPE_NR_PARAMS, 0, 8) &&
	       in_range(r, C_DICTIONARY, C_NR_FIELDS_SHIFT, 0, 31) &&
	       in_range(r, C_INDEX_SHIFT, C_INDEX_SHIFT, 0, 31) &&
	       in_range(r, C_LOCATION_SHIFT, C_LOCATION_SHIFT, 0, 31) &&
	       in_range(r, C_FP_FUNCTION, C_FP_CONTEXT, -64, -8) && in_range(r, C_FP_ARGS, C_FP_ARGS, 16, 64) &&
	       v[C_CONTEXT] <= v[C_CONTEXT_LAST];
}

static void fill(struct lg_v8 *out, const struct reader *r)
{
	const int32_t *v = r->values;

	*out = (struct lg_v8){
		.type_object = v[C_OBJECT],
		.type_function = v[C_FUNCTION],
		.type_function_end = function_end(r),
		.type_bound = v[C_BOUND],
		.type_promise = v[C_PROMISE],
		.type_async_function = v[C_ASYNC_FUNCTION],
		.type_async_generator = v[C_ASYNC_GENERATOR],
		.type_reaction = v[C_REACTION],
		.type_capability = v[C_CAPABILITY],
		.type_job = v[C_JOB],
		.type_resolve = v[C_RESOLVE],
		.type_map = v[C_MAP],
		.type_scope_info = v[C_SCOPE_INFO],
		.type_context = v[C_CONTEXT],
		.type_context_end = v[C_CONTEXT_LAST] + 1,
		.map_size = v[C_MAP_SIZE],
		.map_fields = v[C_MAP_FIELDS],
		.map_type = v[C_MAP_TYPE],
		.map_bits = v[C_MAP_BITS],
		.map_constructor = v[C_MAP_CONSTRUCTOR],
		.map_descriptors = v[C_MAP_DESCRIPTORS],
		.function_shared = v[C_SHARED],
		.function_context = v[C_FUNCTION_CONTEXT],
		.shared_name = v[C_SHARED_NAME],
		.shared_nr_params = v[C_SHARED_NR_PARAMS],
		.object_properties = v[C_PROPERTIES],
		.object_internal = v[C_INTERNAL],
		.string_length = v[C_STRING_LENGTH],
		.string_chars = v[C_STRING_CHARS],
		.symbol_name = v[C_SYMBOL_NAME],
		.descriptors_first = v[C_DESCRIPTORS_FIRST],
		.scope_nr_params = 8 + 8 * v[C_SCOPE_NR_PARAMS],
		.dictionary_shift = v[C_DICTIONARY],
		.nr_fields_shift = v[C_NR_FIELDS_SHIFT],
		.nr_fields_mask = v[C_NR_FIELDS_MASK],
		.index_shift = v[C_INDEX_SHIFT],
		.index_mask = v[C_INDEX_MASK],
		.descriptor_mask = (uint32_t)v[C_LOCATION] << v[C_LOCATION_SHIFT],
		.type_js_map = in_range(r, C_JS_MAP, C_JS_MAP, 1, MAX_TYPE) ? v[C_JS_MAP] : 0,
		.fp_function = v[C_FP_FUNCTION],
		.fp_context = v[C_FP_CONTEXT],
		.fp_argc = v[C_FP_FUNCTION] - 8,
		.fp_args = v[C_FP_ARGS],
	};
}

int v8_read(struct lg_v8 *out, const struct elf_file *elf)
{
	static const enum elf_table tables[] = {ELF_TABLE_FULL, ELF_TABLE_DYNAMIC};
	struct reader r;
	int64_t block;

	for (size_t i = 0; i < 2; i++) {
		r = (struct reader){.elf = elf};
		if (elf_file_symbols(elf, tables[i], on_symbol, &r) || !is_sound(&r))
			continue;
		fill(out, &r);
		if (r.has_isolate && r.exit_frame && !elf_file_tls(elf, &block)) {
			out->isolate = block + (int64_t)r.isolate;
			out->exit_frame = r.exit_frame;
			out->vm_state = r.vm_state;
			out->stores = r.stores;
		}
		return 0;
	}
	return -ENOTSUP;
}

static int file_read(struct lg_v8 *out, const struct map_file *file)
{
	struct elf_file *elf;
	int error = elf_file_open(&elf, file->path);

	if (error)
		return error;
	error = v8_read(out, elf);
	elf_file_close(elf);
	return error;
}

/* Where a library's thread-local variables are is not known from its file. */
static int library_read(struct lg_v8 *out, int pid)
{
	const struct map *map;
	struct map_file file;
	struct maps maps;
	int error = maps_read(&maps, pid);

	if (error)
		return error;
	map = maps_find(&maps, runtime_is_libnode);
	error = map ? map_file_init(&file, pid, map) : -ENOTSUP;
	if (!error)
		error = file_read(out, &file);
	out->isolate = 0;
	out->exit_frame = 0;
	maps_fini(&maps);
	return error;
}

int v8_find(struct lg_v8 *out, int pid)
{
	struct map_file file;
	int error = map_file_init_exe(&file, pid);

	if (!error)
		error = file_read(out, &file);
	return error == -ENOTSUP ? library_read(out, pid) : error;
}
