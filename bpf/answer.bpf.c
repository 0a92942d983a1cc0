// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Answers of a runtime as edges: how far one can be believed for the time that led to it. */
#include "turn.bpf.h"

/*
 * The answer is of who runs now. Where another one may have run before it, because the thread had to wait for a CPU for
 * long meanwhile, it is not sure; where code blocked that was not asked, nothing is known of the stretch.
 */
__noinline int answer_tell(struct thread *t, __u64 known_ns, __u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u8 sure = LG_SURE_EXACT;
	__u64 late_ns;

	if (!t)
		return 0;
	late_ns = t->has_since ? t->since.runqueue_ns + t->since.throttled_ns : 0;
	if (t->unasked_ns >= known_ns + ASK_SURE_NS)
		sure = LG_SURE_NONE;
	else if (t->unasked_ns + late_ns >= known_ns + ASK_SURE_NS)
		sure = LG_SURE_LIKELY;
	if (t->answer.is_gc && now - t->edge_ns > known_ns) {
		t->has_since = true;
		t->since.gc_ns += now - t->edge_ns - known_ns;
	}
	t->is_marked = false;
	edge_pass(t, task, now, true);
	owner_tell(t, sure, now);
	t->is_marked = true;
	return 0;
}
