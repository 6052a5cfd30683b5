/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_leveldb_child.h"

#include "storage/store_leveldb_disk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

void
ldb_child_goes_on(void)
{
    struct itimerval limit = {
        .it_value = { .tv_sec = ldb_hooks.child_us / 1000000,
                      .tv_usec = ldb_hooks.child_us % 1000000 },
    };

    (void)setitimer(ITIMER_REAL, &limit, NULL);
}

/* Signals as in a fresh process (the storage thread blocks them all), no core,
 * and no word of an assertion among the broker's. */
static void
child_prepare(bool closes_files, int *out)
{
    struct rlimit no_core = { .rlim_cur = 0 };
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)dup2(null, STDERR_FILENO);
    (void)signal(SIGALRM, SIG_DFL);
    (void)signal(SIGABRT, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (closes_files && dup2(*out, STDERR_FILENO + 1) >= 0) {
        *out = STDERR_FILENO + 1;
        (void)close_range((unsigned)*out + 1, ~0U, 0);
    }
}

enum ldb_child
ldb_child_run(ldb_child_fn *fn, void *ctx, bool closes_files, void *result,
              size_t size, struct error *err)
{
    int ends[2];
    int status = 0;
    ssize_t len;
    pid_t pid;

    assert(size <= PIPE_BUF); /* nobody reads until it has ended */
    if (pipe2(ends, O_CLOEXEC) != 0) {
        (void)error_set(err, "no pipe: %s", strerror(errno));
        return LDB_CHILD_STUCK;
    }
    pid = fork();
    if (pid == 0) {
        child_prepare(closes_files, &ends[1]);
        ldb_child_goes_on();
        fn(ctx);
        _exit(write(ends[1], result, size) == (ssize_t)size ? 0 : 1);
    }
    if (pid < 0) {
        (void)error_set(err, "no process: %s", strerror(errno));
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    (void)close(ends[1]);
    len = pid > 0 ? read(ends[0], result, size) : -1;
    (void)close(ends[0]);
    if (pid < 0) {
        return LDB_CHILD_STUCK;
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        (void)error_set(err, "reading got nowhere for %lld ms",
                        (long long)ldb_hooks.child_us / 1000);
        return LDB_CHILD_STUCK;
    }
    return len == (ssize_t)size && !WIFSIGNALED(status) ? LDB_CHILD_DONE
                                                        : LDB_CHILD_DIED;
}
