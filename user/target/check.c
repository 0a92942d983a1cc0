/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a process can be a target, and the sentence that says why not (proc.h). */
#include "target/proc.h"

#include <errno.h>
#include <unistd.h>

int proc_check_target(int pid, struct err *err)
{
	struct proc_stat stat;
	int tgid, ret;

	ret = pid > 0 ? proc_stat(pid, 0, &stat) : -ENOENT;
	if (ret == -ENOENT || ret == -ESRCH) {
		err_set(err, EXIT_CODE_NO_TARGET, ESRCH, "no process with PID %d", pid);
		err_hint(err, "find it with: pgrep -a NAME; in a container the host's PID counts, not the inner one");
		return -ESRCH;
	}
	if (ret)
		return err_set(err, EXIT_CODE_NO_TARGET, -ret, "cannot read what the kernel tells about PID %d", pid);
	if (pid == getpid())
		return err_set(err, EXIT_CODE_NO_TARGET, EINVAL, "PID %d is lgtrace itself", pid);
	if (stat.is_kthread)
		return err_set(err, EXIT_CODE_NO_TARGET, EINVAL,
			       "PID %d (%s) is a kernel thread: it runs no event loop", pid, stat.comm);
	if (stat.state == 'Z' || stat.state == 'X') {
		err_set(err, EXIT_CODE_NO_TARGET, ESRCH, "PID %d (%s) has ended: it is a zombie", pid, stat.comm);
		err_hint(err, "its parent, PID %d, has not yet taken note", stat.parent);
		return -ESRCH;
	}
	if (proc_is_32bit(pid)) {
		err_set(err, EXIT_CODE_NO_TARGET, ENOTSUP,
			"PID %d (%s) is a 32-bit program, whose system calls lgtrace does not know", pid, stat.comm);
		return -ENOTSUP;
	}
	tgid = proc_tgid(pid);
	if (tgid > 0 && tgid != pid) {
		err_set(err, EXIT_CODE_NO_TARGET, EINVAL, "%d is a thread of process %d", pid, tgid);
		err_hint(err, "trace that one thread with -t %d, or the process with -p %d", pid, tgid);
		return -EINVAL;
	}
	return 0;
}
