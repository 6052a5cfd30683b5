/* SPDX-License-Identifier: Apache-2.0 */
#include "server/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_LINE_BYTES = 2048 };

struct log_level_row {
    const char *name;
    int priority; /* syslog(3), for the journal */
};

static const struct log_level_row log_levels[] = {
    [LOG_LEVEL_ERROR] = { "error", 3 },
    [LOG_LEVEL_WARNING] = { "warning", 4 },
    [LOG_LEVEL_INFO] = { "info", 6 },
    [LOG_LEVEL_DEBUG] = { "debug", 7 },
};

enum log_journal { LOG_JOURNAL_UNKNOWN, LOG_JOURNAL_NO, LOG_JOURNAL_YES };

static atomic_int log_level_now = LOG_LEVEL_INFO;
static atomic_int log_fd = STDERR_FILENO;
static atomic_int log_journal = LOG_JOURNAL_UNKNOWN;

void
log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_level_now, (int)level, memory_order_relaxed);
}

bool
log_enabled(enum log_level level)
{
    return (int)level <=
           atomic_load_explicit(&log_level_now, memory_order_relaxed);
}

bool
log_level_from_name(const char *name, enum log_level *level_out)
{
    for (size_t i = 0; i < sizeof(log_levels) / sizeof(log_levels[0]); i++) {
        if (strcmp(name, log_levels[i].name) == 0) {
            *level_out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* Whether fd is the stream that $JOURNAL_STREAM ("device:inode") names; a
 * redirected standard error inherits the variable too.  Source:
 * systemd.exec(5). */
static enum log_journal
log_journal_find(int fd)
{
    const char *name = getenv("JOURNAL_STREAM");
    struct stat st;
    char mine[48];

    if (name == NULL || fstat(fd, &st) != 0) {
        return LOG_JOURNAL_NO;
    }
    (void)snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)st.st_dev,
                   (uintmax_t)st.st_ino);
    return strcmp(name, mine) == 0 ? LOG_JOURNAL_YES : LOG_JOURNAL_NO;
}

void
log_set_output(int fd)
{
    atomic_store(&log_fd, fd);
    atomic_store(&log_journal, (int)log_journal_find(fd));
}

static bool
log_is_journal(void)
{
    int journal = atomic_load_explicit(&log_journal, memory_order_relaxed);

    if (journal == LOG_JOURNAL_UNKNOWN) {
        journal = (int)log_journal_find(atomic_load(&log_fd));
        atomic_store(&log_journal, journal);
    }
    return journal == LOG_JOURNAL_YES;
}

const char *
log_word(struct span span, char *text, size_t size)
{
    char plain[LOG_TEXT_BYTES];
    size_t used = 0;

    for (const char *at = secret_escape(span, plain, sizeof(plain));
         *at != '\0' && used + sizeof("\\x20") <= size; at++) {
        if (*at == ' ' || *at == '"' || *at == '=') {
            used += (size_t)snprintf(text + used, size - used, "\\x%02x",
                                     (unsigned)*at);
        } else {
            text[used++] = *at;
        }
    }
    text[used] = '\0';
    return text;
}

/* A line holds no control byte, whatever the caller forgot to escape. */
static void
log_clean(char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];

        if (c < 0x20 || c == 0x7F) {
            line[i] = '?';
        }
    }
}

/* How much of a snprintf result is in a buffer with room bytes. */
static size_t
log_printed(int len, size_t room)
{
    if (len < 0) {
        return 0;
    }
    return (size_t)len < room ? (size_t)len : room - 1;
}

void
log_write(enum log_level level, const char *module, const char *event,
          const char *fmt, ...)
{
    const struct log_level_row *row = &log_levels[level];
    char line[LOG_LINE_BYTES];
    size_t room = sizeof(line) - 1; /* one byte kept for the newline */
    size_t used = 0;
    va_list ap;

    if (log_is_journal()) {
        used = log_printed(snprintf(line, room, "<%d>", row->priority), room);
    }
    used += log_printed(snprintf(line + used, room - used, "%s %s: %s",
                                 row->name, module, event),
                        room - used);
    if (fmt != NULL && used + 1 < room) {
        line[used++] = ' ';
        va_start(ap, fmt);
        used += log_printed(vsnprintf(line + used, room - used, fmt, ap),
                            room - used);
        va_end(ap);
    }
    log_clean(line, used);
    line[used++] = '\n';
    /* Nothing can be done about a log that takes no more. */
    if (write(atomic_load(&log_fd), line, used) < 0) {
        return;
    }
}
