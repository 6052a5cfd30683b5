/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line per event on standard error,
 *
 *     info net: connection accepted peer=127.0.0.1:40312 listener=...
 *
 * in one write, so that lines of several threads never mix.  When the journal
 * reads standard error ($JOURNAL_STREAM names it) each line starts with its
 * priority, "<6>".  Any thread may log; the level is set at start and by
 * reload.  Nothing in base, protocol, policy and storage logs.
 */
#pragma once
#include "base/secret.h"

#include <stdbool.h>

enum log_level {
    LOG_LEVEL_ERROR,   /* the operator must act */
    LOG_LEVEL_WARNING, /* a peer or a policy was refused something */
    LOG_LEVEL_INFO,    /* life cycle */
    LOG_LEVEL_DEBUG,   /* per frame */
};

/* The highest level that is written; LOG_LEVEL_INFO at start. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/* "error", "warning", "info" or "debug" to *level_out; false otherwise. */
bool log_level_from_name(const char *name, enum log_level *level_out);

/*
 * Where lines go, 2 at start; looks at $JOURNAL_STREAM anew.  The descriptor
 * stays the caller's.  Call before other threads start.
 */
void log_set_output(int fd);

/*
 * Writes `level module: event key=value ...`; fmt makes the key=value part and
 * may be NULL when there is none.  The arguments are evaluated only when the
 * level is on.  Values that a peer chose go through LOG_TEXT or LOG_WORD;
 * control bytes that come in all the same are written as '?'.  Lines are cut at
 * about 2 KB.
 */
#define log_event(level, module, ...)                                          \
    do {                                                                       \
        if (log_enabled(level)) {                                              \
            log_write((level), (module), __VA_ARGS__);                         \
        }                                                                      \
    } while (0)

void log_write(enum log_level level, const char *module, const char *event,
               const char *fmt, ...) __attribute__((format(printf, 4, 5)));

enum { LOG_TEXT_BYTES = 160 };

/* Peer bytes as log text, escaped, cut and without secrets (secret.h); lives
 * until the block ends. */
#define LOG_TEXT(span)                                                         \
    secret_escape((span), (char[LOG_TEXT_BYTES]){ "" }, LOG_TEXT_BYTES)

/* The same as one word, for a value without quotes: blanks and quotes escaped
 * too, so that it cannot look like further values. */
#define LOG_WORD(span)                                                         \
    log_word((span), (char[LOG_TEXT_BYTES]){ "" }, LOG_TEXT_BYTES)
const char *log_word(struct span span, char *text, size_t size);
