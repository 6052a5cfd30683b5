/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a power cut needs to know, for tests only: preloaded into stompd, this
 * writes down everything that is done to the files below a directory, and what
 * of it was fsynced.  test/torture/disk.py makes of that what a disk could
 * have kept.  The calls are those that LevelDB 1.23 and stompd use for files;
 * that none is missing is checked against the directory itself at every stop.
 *
 * Environment: POWERCUT_ROOT, the directory; POWERCUT_EVENTS, the file that is
 * written; POWERCUT_SYNC_US, how long an fsync takes at most; POWERCUT_SEED,
 * for that; POWERCUT_IGNORE_SYNC, when set: the call is as good as removed for
 * files whose name ends so (".log": what a receipt waits for).
 *
 * Any thread.  One event and its call are one step under the lock, so when the
 * process is killed at most the last event lacks its effect.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum event_kind {
    EVENT_OPEN,   /* value: flags; first: path */
    EVENT_CLOSE,  /* */
    EVENT_WRITE,  /* value: offset; first: bytes */
    EVENT_SYNC,   /* value: the last event before it began */
    EVENT_RENAME, /* first: from; second: to */
    EVENT_UNLINK, /* first: path */
    EVENT_MKDIR,  /* first: path */
    EVENT_CUT,    /* value: length */
};

/* As disk.py reads it: native order, no padding. */
struct event {
    uint64_t number; /* from 1 */
    uint64_t value;
    uint32_t kind;
    int32_t fd;
    uint32_t first_len;
    uint32_t second_len;
};

enum { SHIM_FD_COUNT = 65536 };

static struct {
    pthread_mutex_t lock;
    const char *root;
    size_t root_len;
    int events;
    uint64_t number;
    unsigned chance;
    unsigned sync_us;
    const char *ignore_sync; /* NULL: none */
    enum { SHIM_OTHER, SHIM_TRACKED, SHIM_IGNORED } files[SHIM_FD_COUNT];
} shim = { .lock = PTHREAD_MUTEX_INITIALIZER, .events = -1 };

static unsigned
shim_setting(const char *name)
{
    const char *text = getenv(name);

    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static void __attribute__((constructor)) shim_start(void)
{
    const char *path = getenv("POWERCUT_EVENTS");

    shim.root = getenv("POWERCUT_ROOT");
    if (shim.root == NULL || path == NULL) {
        return;
    }
    shim.root_len = strlen(shim.root);
    shim.chance = shim_setting("POWERCUT_SEED");
    shim.sync_us = shim_setting("POWERCUT_SYNC_US");
    shim.ignore_sync = getenv("POWERCUT_IGNORE_SYNC");
    shim.events = (int)syscall(SYS_openat, AT_FDCWD, path,
                               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (shim.events < 0) {
        abort(); /* the test would prove nothing */
    }
}

/* LevelDB's own log is written through stdio, and nobody misses it. */
static bool
shim_is_below(const char *path)
{
    const char *last = strrchr(path, '/');

    return shim.events >= 0 && strncmp(path, shim.root, shim.root_len) == 0 &&
           (path[shim.root_len] == '/' || path[shim.root_len] == '\0') &&
           strcmp(last, "/LOG") != 0 && strcmp(last, "/LOG.old") != 0;
}

static bool
shim_is_tracked(int fd)
{
    return fd >= 0 && fd < SHIM_FD_COUNT && shim.files[fd] != SHIM_OTHER;
}

static bool
shim_is_ignored(const char *path)
{
    size_t len = strlen(path);
    size_t end = shim.ignore_sync != NULL ? strlen(shim.ignore_sync) : 0;

    return end > 0 && len >= end &&
           strcmp(path + len - end, shim.ignore_sync) == 0;
}

/* With the lock held. */
static void
shim_record(struct event event, struct iovec first, struct iovec second)
{
    struct iovec parts[3] = { { .iov_len = sizeof(event) }, first, second };
    size_t left = sizeof(event) + first.iov_len + second.iov_len;

    event.number = ++shim.number;
    event.first_len = (uint32_t)first.iov_len;
    event.second_len = (uint32_t)second.iov_len;
    parts[0].iov_base = &event;
    if (syscall(SYS_writev, shim.events, parts, 3) != (long)left) {
        abort();
    }
}

static struct iovec
shim_text(const char *path)
{
    return (struct iovec){ .iov_base = (void *)(uintptr_t)path,
                           .iov_len = strlen(path) };
}

static const struct iovec shim_nothing = { .iov_len = 0 };

static void
shim_lock(void)
{
    (void)pthread_mutex_lock(&shim.lock);
}

static void
shim_unlock(void)
{
    int before = errno;

    (void)pthread_mutex_unlock(&shim.lock);
    errno = before;
}

static int
shim_open(const char *path, int flags, mode_t mode)
{
    bool below = shim_is_below(path);
    int fd;

    if (!below) {
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    }
    shim_lock();
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= SHIM_FD_COUNT) {
        abort();
    }
    if (fd >= 0) {
        shim.files[fd] = shim_is_ignored(path) ? SHIM_IGNORED : SHIM_TRACKED;
        shim_record((struct event){ .kind = EVENT_OPEN,
                                    .fd = fd,
                                    .value = (uint64_t)flags },
                    shim_text(path), shim_nothing);
    }
    shim_unlock();
    return fd;
}

int
open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list arguments;

    va_start(arguments, flags);
    if ((flags & O_CREAT) != 0) {
        mode = va_arg(arguments, mode_t);
    }
    va_end(arguments);
    return shim_open(path, flags, mode);
}

int
close(int fd)
{
    int status;

    if (!shim_is_tracked(fd)) {
        return (int)syscall(SYS_close, fd);
    }
    shim_lock();
    shim.files[fd] = SHIM_OTHER;
    shim_record((struct event){ .kind = EVENT_CLOSE, .fd = fd }, shim_nothing,
                shim_nothing);
    status = (int)syscall(SYS_close, fd);
    shim_unlock();
    return status;
}

/* Where the next write(2) goes: to the end when it was opened O_APPEND. */
static uint64_t
shim_offset(int fd)
{
    bool at_end = (syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND) != 0;

    return (uint64_t)lseek(fd, 0, at_end ? SEEK_END : SEEK_CUR);
}

ssize_t
write(int fd, const void *bytes, size_t len)
{
    struct event event = { .kind = EVENT_WRITE, .fd = fd };
    struct iovec written_from = { .iov_base = (void *)(uintptr_t)bytes,
                                  .iov_len = len };
    ssize_t written;

    if (!shim_is_tracked(fd)) {
        return syscall(SYS_write, fd, bytes, len);
    }
    shim_lock();
    event.value = shim_offset(fd);
    shim_record(event, written_from, shim_nothing);
    written = syscall(SYS_write, fd, bytes, len);
    if (written != (ssize_t)len) {
        abort(); /* written down as done; no test fills the disk here */
    }
    shim_unlock();
    return written;
}

int
ftruncate(int fd, off_t len)
{
    int status;

    if (!shim_is_tracked(fd)) {
        return (int)syscall(SYS_ftruncate, fd, len);
    }
    shim_lock();
    status = (int)syscall(SYS_ftruncate, fd, len);
    if (status == 0) {
        shim_record((struct event){ .kind = EVENT_CUT,
                                    .fd = fd,
                                    .value = (uint64_t)len },
                    shim_nothing, shim_nothing);
    }
    shim_unlock();
    return status;
}

/* Nothing is asked of the real disk: what counts is what is written down. */
static int
shim_sync(int fd)
{
    uint64_t upto;
    unsigned wait_us = 0;

    shim_lock();
    upto = shim.number;
    if (shim.sync_us > 0) {
        wait_us = (unsigned)rand_r(&shim.chance) % shim.sync_us;
    }
    shim_unlock();
    if (shim.files[fd] == SHIM_IGNORED) {
        return 0;
    }
    (void)usleep(wait_us);
    shim_lock();
    shim_record((struct event){ .kind = EVENT_SYNC, .fd = fd, .value = upto },
                shim_nothing, shim_nothing);
    shim_unlock();
    return 0;
}

int
fsync(int fd)
{
    return shim_is_tracked(fd) ? shim_sync(fd) : (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
    return shim_is_tracked(fd) ? shim_sync(fd)
                               : (int)syscall(SYS_fdatasync, fd);
}

int
rename(const char *from, const char *to)
{
    int status;

    if (!shim_is_below(from)) {
        return (int)syscall(SYS_rename, from, to);
    }
    shim_lock();
    status = (int)syscall(SYS_rename, from, to);
    if (status == 0) {
        shim_record((struct event){ .kind = EVENT_RENAME }, shim_text(from),
                    shim_text(to));
    }
    shim_unlock();
    return status;
}

int
unlink(const char *path)
{
    int status;

    if (!shim_is_below(path)) {
        return (int)syscall(SYS_unlink, path);
    }
    shim_lock();
    status = (int)syscall(SYS_unlink, path);
    if (status == 0) {
        shim_record((struct event){ .kind = EVENT_UNLINK }, shim_text(path),
                    shim_nothing);
    }
    shim_unlock();
    return status;
}

int
mkdir(const char *path, mode_t mode)
{
    int status;

    if (!shim_is_below(path)) {
        return (int)syscall(SYS_mkdir, path, mode);
    }
    shim_lock();
    status = (int)syscall(SYS_mkdir, path, mode);
    if (status == 0) {
        shim_record((struct event){ .kind = EVENT_MKDIR }, shim_text(path),
                    shim_nothing);
    }
    shim_unlock();
    return status;
}
