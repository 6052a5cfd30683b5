/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks a configuration file against a table of keys (json_key.h): values
 * into a struct, and every fault with its place, in the order of the file.
 */
#pragma once
#include "base/buf.h"
#include "base/span.h"
#include "policy/faults.h"
#include "policy/json_key.h"

#include <jansson.h>
#include <stdbool.h>

struct json_check;

/* Finds a strategy of the family that is called name in this file. */
typedef bool json_check_strategy_fn(const struct json_check *check,
                                    const struct json_family *family,
                                    const char *name,
                                    struct json_strategy *out);

/* One run over one file; the caller's, its fields set by json_check_init. */
struct json_check {
    struct span text;
    const char *source;
    struct faults *faults;
    struct buf path;    /* as people read it: `policies[3].topic` */
    struct buf pointer; /* the same as RFC 6901: `/policies/3/topic` */
    unsigned scope;     /* a row's scopes must have one of these; 0 = all */
    void *ctx;          /* for JSON_KEY_CUSTOM */
    /* More strategies than a family has of its own; NULL = none. */
    json_check_strategy_fn *more_strategies;
};

/* Where the path ended before something was added to it. */
struct json_check_mark {
    size_t path;
    size_t pointer;
};

/* text, source and faults are borrowed until json_check_fini. */
void json_check_init(struct json_check *check, struct span text,
                     const char *source, struct faults *faults);
void json_check_fini(struct json_check *check);

/*
 * Reads all of a file, at most max bytes, into *text_out (to be freed with
 * buf_fini).  False after one fault.
 */
bool json_check_read_file(const char *path, size_t max, struct buf *text_out,
                          struct faults *faults);

/* The text as a tree, to be released with json_decref; NULL after one fault.
 * The same name twice in an object is one. */
json_t *json_check_parse(struct json_check *check);

/* Checks one value by a row, which is not on the path, and stores it in
 * target. */
void json_check_value(struct json_check *check, json_t *value,
                      const struct json_key *key, void *target);

/* Checks the members of object (its path is the check's) and stores what is
 * right in target.  A member that is wrong leaves its field alone. */
void json_check_object(struct json_check *check, json_t *object,
                       const struct json_keys *keys, void *target);

/* Adds a step to the path, and takes it away again. */
struct json_check_mark json_check_enter_key(struct json_check *check,
                                            const char *name);
struct json_check_mark json_check_enter_index(struct json_check *check,
                                              size_t index);
void json_check_leave(struct json_check *check, struct json_check_mark mark);

/* A fault at the value that the path leads to. */
void json_check_fault(struct json_check *check, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A fault at the name of that value. */
void json_check_fault_key(struct json_check *check, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The fault `found <value> where <what was expected> is expected`. */
void json_check_expected(struct json_check *check, const json_t *value,
                         const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends what the row expects: `a whole number from 1 to 10`. */
void json_key_append_expects(const struct json_key *key, struct buf *out);

/* Appends text in quotes, control characters escaped, cut when long. */
void json_check_append_quoted(struct buf *out, struct span text);
