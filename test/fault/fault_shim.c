/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that fails when it is told to, for tests only: preloaded into stompd,
 * this lets calls for files below a directory fail.  The calls are those that
 * LevelDB 1.23 and stompd use for files.
 *
 * Environment: FAULT_ROOT, the directory; FAULT_CONTROL, a file that is read
 * anew at each such call, with lines `CALL ERROR PATTERN`:
 *
 *     write ENOSPC *.log      open create read mmap write sync rename
 *     write short *           half of what was to be written is
 *
 * CALL `create` is an open that may make the file, `open` any other.  All of
 * them are noted in FAULT_CONTROL.calls as `CALL ERROR|ok PATH`, when that file
 * is there.
 *
 * Any thread; nothing is kept from one call to the next.
 */
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FAULT_TEXT_MAX = 4096, FAULT_SHORT = -1 };

static const struct {
    const char *name;
    int value;
} fault_errors[] = {
    { "EIO", EIO },       { "ENOSPC", ENOSPC }, { "EMFILE", EMFILE },
    { "EACCES", EACCES }, { "EROFS", EROFS },   { "short", FAULT_SHORT },
};

/* The system's own calls: those of libc are this file's. */
static int
fault_openat(const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static size_t
fault_read_control(char text[FAULT_TEXT_MAX])
{
    const char *path = getenv("FAULT_CONTROL");
    int fd = path != NULL ? fault_openat(path, O_RDONLY | O_CLOEXEC, 0) : -1;
    long len = 0;

    if (fd >= 0) {
        len = syscall(SYS_read, fd, text, FAULT_TEXT_MAX - 1);
        (void)close(fd);
    }
    text[len > 0 ? len : 0] = '\0';
    return len > 0 ? (size_t)len : 0;
}

static void
fault_note(const char *call, const char *error, const char *path)
{
    const char *control = getenv("FAULT_CONTROL");
    char text[FAULT_TEXT_MAX];
    int fd;
    int len;

    (void)snprintf(text, sizeof(text), "%s.calls", control);
    fd = fault_openat(text, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
    if (fd >= 0) {
        len = snprintf(text, sizeof(text), "%s %s %s\n", call, error, path);
        (void)syscall(SYS_write, fd, text, (size_t)len);
        (void)close(fd);
    }
}

static int
fault_error_of(const char *name)
{
    for (size_t i = 0; i < sizeof(fault_errors) / sizeof(fault_errors[0]);
         i++) {
        if (strcmp(fault_errors[i].name, name) == 0) {
            return fault_errors[i].value;
        }
    }
    (void)dprintf(STDERR_FILENO, "fault_shim: unknown error %s\n", name);
    abort();
}

static bool
fault_is_ours(const char *path)
{
    const char *root = getenv("FAULT_ROOT");
    size_t len = root != NULL ? strlen(root) : 0;

    return len > 0 && strncmp(path, root, len) == 0 &&
           (path[len] == '/' || path[len] == '\0');
}

/* What is to become of a call for path: 0, an errno, FAULT_SHORT. */
static int
fault_of_path(const char *call, const char *path)
{
    char text[FAULT_TEXT_MAX];
    char *rest = text;
    char *line;

    if (!fault_is_ours(path)) {
        return 0;
    }
    (void)fault_read_control(text);
    while ((line = strsep(&rest, "\n")) != NULL) {
        char which[16];
        char error[16];
        char pattern[256];

        if (sscanf(line, "%15s %15s %255s", which, error, pattern) == 3 &&
            strcmp(which, call) == 0 && fnmatch(pattern, path, 0) == 0) {
            fault_note(call, error, path);
            return fault_error_of(error);
        }
    }
    fault_note(call, "ok", path);
    return 0;
}

static int
fault_of(const char *call, int fd)
{
    char link[64];
    char path[FAULT_TEXT_MAX];
    ssize_t len;

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof(path) - 1);
    path[len > 0 ? len : 0] = '\0';
    return fault_of_path(call, path);
}

/* True, and errno, when the call is to fail. */
static bool
fault_fails(int fault)
{
    if (fault > 0) {
        errno = fault;
    }
    return fault > 0;
}

int
open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list args;

    if ((flags & O_CREAT) != 0) {
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    if (fault_fails(
            fault_of_path((flags & O_CREAT) != 0 ? "create" : "open", path))) {
        return -1;
    }
    return fault_openat(path, flags, mode);
}

int open(const char *path, int flags, ...) __attribute__((alias("open64")));

ssize_t
write(int fd, const void *data, size_t len)
{
    int fault = fault_of("write", fd);

    if (fault_fails(fault)) {
        return -1;
    }
    return syscall(SYS_write, fd, data,
                   fault == FAULT_SHORT && len > 1 ? len / 2 : len);
}

ssize_t
read(int fd, void *data, size_t len)
{
    return fault_fails(fault_of("read", fd)) ? -1
                                             : syscall(SYS_read, fd, data, len);
}

ssize_t
pread64(int fd, void *data, size_t len, off64_t at)
{
    return fault_fails(fault_of("read", fd))
               ? -1
               : syscall(SYS_pread64, fd, data, len, at);
}

ssize_t pread(int fd, void *data, size_t len, off_t at)
    __attribute__((alias("pread64")));

void *
mmap64(void *addr, size_t len, int protection, int flags, int fd, off64_t at)
{
    if (fd >= 0 && fault_fails(fault_of("mmap", fd))) {
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, addr, len, protection, flags, fd, at);
}

void *mmap(void *addr, size_t len, int protection, int flags, int fd, off_t at)
    __attribute__((alias("mmap64")));

int
fdatasync(int fd)
{
    return fault_fails(fault_of("sync", fd)) ? -1
                                             : (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
    return fault_fails(fault_of("sync", fd)) ? -1 : (int)syscall(SYS_fsync, fd);
}

int
rename(const char *from, const char *to)
{
    return fault_fails(fault_of_path("rename", to))
               ? -1
               : (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}
