/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The path of an open file, taken while it is open: user space comes too late for files that are closed at once.
 * Told as the names on the way up to the root, which user space puts together.
 */
#ifndef LG_PATH_BPF_H
#define LG_PATH_BPF_H

#include "emit.bpf.h"

static __always_inline bool target_has_path(const struct lg_target *target)
{
	return target->kind == LG_TARGET_FILE || (target->kind == LG_TARGET_PIPE && target->name_len);
}

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/* From the root of a mounted file system to the directory that it is mounted on; at most two on one another. */
static __always_inline void path_leave_mounts(struct dentry **dentry, struct mount **mount)
{
	for (int i = 0; i < 2; i++) {
		struct mount *up = BPF_CORE_READ(*mount, mnt_parent);

		if (*dentry != BPF_CORE_READ(*mount, mnt.mnt_root) || !up || up == *mount)
			return;
		*dentry = BPF_CORE_READ(*mount, mnt_mountpoint);
		*mount = up;
	}
}

SUBPROG int path_tell(struct thread *t, struct file *file, __u64 ino, __u64 now)
{
	struct lg_rec_names *rec;
	struct dentry *dentry;
	struct mount *mount;

	if (!t || !file)
		return 0;
	rec = record_reserve(LG_REC_NAMES, sizeof(*rec), now);
	if (!rec)
		return 0;
	rec->pid = t->pid;
	rec->nr = 0;
	rec->ino = ino;
	dentry = BPF_CORE_READ(file, f_path.dentry);
	mount = mount_of(BPF_CORE_READ(file, f_path.mnt));
	for (int i = 0; i < LG_NAMES_MAX; i++) {
		struct dentry *parent;

		path_leave_mounts(&dentry, &mount);
		parent = BPF_CORE_READ(dentry, d_parent);
		if (!parent || parent == dentry)
			break;
		bpf_probe_read_kernel_str(rec->names[i], sizeof(rec->names[i]), BPF_CORE_READ(dentry, d_name.name));
		rec->nr = i + 1;
		dentry = parent;
	}
	record_submit(rec, false);
	return 0;
}

#endif
