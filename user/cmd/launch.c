/* SPDX-License-Identifier: BSD-2-Clause */
/* Fork, wait at a pipe, exec: the child is traced from before its first instruction. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/launch.h"

static void child_run(char **argv, int go, int failed, bool to_stderr)
{
	sigset_t none;
	char byte;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (to_stderr)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	/* End of file without a byte: the tracer is gone before it began. */
	if (read(go, &byte, 1) != 1)
		_exit(127);
	execvp(argv[0], argv);
	byte = errno;
	if (write(failed, &byte, 1) != 1)
		_exit(126);
	_exit(127);
}

int launch_start(struct launch *l, char **argv, bool to_stderr, struct err *err)
{
	int go[2], failed[2];

	if (pipe2(go, O_CLOEXEC) || pipe2(failed, O_CLOEXEC))
		return err_set(err, EXIT_CODE_FAILED, errno, "cannot make a pipe: %s", strerror(errno));
	l->pid = fork();
	if (l->pid < 0) {
		l->pid = 0;
		return err_set(err, EXIT_CODE_FAILED, errno, "cannot start a process: %s", strerror(errno));
	}
	if (!l->pid) {
		close(go[1]);
		child_run(argv, go[0], failed[1], to_stderr);
	}
	close(go[0]);
	close(failed[1]);
	l->go = go[1];
	l->failed = failed[0];
	return 0;
}

int launch_go(struct launch *l, const char *name, struct err *err)
{
	char byte = 0;
	int error = 0;

	if (write(l->go, &byte, 1) != 1)
		error = errno;
	close(l->go);
	if (!error && read(l->failed, &byte, 1) == 1)
		error = byte;
	close(l->failed);
	if (!error)
		return 0;
	if (error == ENOENT)
		err_hint(err, "give its path, or check PATH (sudo may set another one)");
	return err_set(err, EXIT_CODE_FAILED, error, "cannot run %s: %s", name, strerror(error));
}

void launch_end(struct launch *l)
{
	struct timespec pause = {0, 20000000};

	if (!l->pid)
		return;
	if (waitpid(l->pid, NULL, WNOHANG) == 0)
		kill(l->pid, SIGTERM);
	for (int i = 0; i < 100 && waitpid(l->pid, NULL, WNOHANG) == 0; i++)
		nanosleep(&pause, NULL);
	l->pid = 0;
}
