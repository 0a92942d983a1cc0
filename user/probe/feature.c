/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks for names in the kernel's BTF. */
#include <errno.h>
#include <string.h>

#include <bpf/btf.h>

#include "probe/feature.h"
#include "probe/private.h"

static bool has_enumerator(const struct btf *btf, const char *enum_name, const char *name)
{
	int id = btf__find_by_name_kind(btf, enum_name, BTF_KIND_ENUM);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, id);
	const struct btf_enum *e = type ? btf_enum(type) : NULL;

	for (int i = 0; e && i < btf_vlen(type); i++)
		if (strcmp(btf__name_by_offset(btf, e[i].name_off), name) == 0)
			return true;
	return false;
}

/* Each tracepoint that BPF can be attached to with types has a typedef of this form. */
static const char *tracepoint_missing(const struct btf *btf)
{
	static const char *const needed[] = {
		"btf_trace_sched_switch",       "btf_trace_sys_exit",           "btf_trace_sched_process_fork",
		"btf_trace_sched_process_exec", "btf_trace_sched_process_exit",
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (btf__find_by_name_kind(btf, needed[i], BTF_KIND_TYPEDEF) < 0)
			return needed[i] + strlen("btf_trace_");
	return NULL;
}

int features_read(struct features *f)
{
	struct btf *btf;

	probe_library_init();
	btf = btf__load_vmlinux_btf();
	if (!btf)
		return -errno;
	f->no_tracepoint = tracepoint_missing(btf);
	f->has_ringbuf = has_enumerator(btf, "bpf_map_type", "BPF_MAP_TYPE_RINGBUF");
	f->has_task_storage = has_enumerator(btf, "bpf_map_type", "BPF_MAP_TYPE_TASK_STORAGE");
	f->has_task_regs = has_enumerator(btf, "bpf_func_id", "BPF_FUNC_task_pt_regs");
	f->has_uprobe_multi = multi_is_supported() && has_enumerator(btf, "bpf_attach_type", "BPF_TRACE_UPROBE_MULTI");
	btf__free(btf);
	return 0;
}
