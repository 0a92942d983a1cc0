/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The path of an open file, taken while it is open: user space comes too late for files that are closed at once.
 * Told as the names on the way up to the root, which user space puts together.
 */
#ifndef LG_PATH_BPF_H
#define LG_PATH_BPF_H

#include "emit.bpf.h"

#define PATH_MIN_NS 1000000 /* a path is only told of a call that blocked so long */

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

#define PATH_GIVEN_LEN 256          /* longer ones are cut */
#define PATH_GIVEN_INO (1ULL << 63) /* no inode has such a number */

/*
 * The path that a call was given which blocked for long: at its return, when the caller's memory can be read. The file
 * itself may not even exist, so the time at which the call began to block stands for its inode.
 */
SUBPROG int path_given_tell(struct thread *t, __u64 addr, __u64 now)
{
	struct lg_rec_path *rec;
	struct lg_target *target;
	long len;

	if (!t)
		return 0;
	target = &t->call.target;
	__builtin_memset(target, 0, sizeof(*target));
	len = bpf_probe_read_user_str(target->name, sizeof(target->name), (void *)addr);
	if (len <= 1)
		return 0;
	target->kind = LG_TARGET_FILE;
	target->name_len = len - 1;
	target->ino = t->call.start_ns | PATH_GIVEN_INO;
	rec = record_reserve(LG_REC_PATH, sizeof(*rec) + PATH_GIVEN_LEN, now);
	if (!rec)
		return 0;
	rec->pid = t->pid;
	rec->pad = 0;
	rec->ino = target->ino;
	len = bpf_probe_read_user_str(rec->path, PATH_GIVEN_LEN, (void *)addr);
	rec->path_len = len > 0 ? len - 1 : 0;
	record_submit(rec, false);
	return 0;
}

#endif
