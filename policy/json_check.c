/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checker: a walk over the tree in the order of the file, and the faults
 * on the way.  The values of single rows are in json_value.c.
 */
#include "policy/json_check.h"

#include "policy/edit_distance.h"
#include "policy/json_locate.h"
#include "policy/json_value.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_CHECK_TEXT_MAX = 100 };

void
json_check_init(struct json_check *check, struct span text, const char *source,
                struct faults *faults)
{
    *check = (struct json_check){
        .text = text.data != NULL ? text : SPAN(""),
        .source = source,
        .faults = faults,
        .path = BUF_INIT,
        .pointer = BUF_INIT,
    };
}

void
json_check_fini(struct json_check *check)
{
    buf_fini(&check->path);
    buf_fini(&check->pointer);
}

static bool
json_check_file_fault(const char *path, struct faults *faults, const char *why)
{
    (void)error_set_at(faults_next(faults), path, 0, 0, "cannot read: %s", why);
    return false;
}

bool
json_check_read_file(const char *path, size_t max, struct buf *text_out,
                     struct faults *faults)
{
    FILE *file = fopen(path, "rbe");
    size_t got;
    int problem;

    if (file == NULL) {
        return json_check_file_fault(path, faults, strerror(errno));
    }
    do {
        got = fread(buf_reserve(text_out, 65536), 1, 65536, file);
        text_out->len += got;
    } while (got > 0 && text_out->len <= max);
    problem = ferror(file) != 0 ? errno : 0;
    (void)fclose(file);
    if (problem != 0 || text_out->len > max) {
        buf_fini(text_out);
        return json_check_file_fault(path, faults,
                                     problem != 0 ? strerror(problem)
                                                  : "the file is too long");
    }
    return true;
}

/* Appends text on one line, cut when long; escaped for between quotes when
 * wanted. */
static void
json_check_append_clean(struct buf *out, struct span text, bool quoted)
{
    size_t used = text.len;

    /* Cut before a character, not within: 10xxxxxx goes on with one. */
    if (used > JSON_CHECK_TEXT_MAX) {
        used = JSON_CHECK_TEXT_MAX;
        while (used > 0 && ((unsigned char)text.data[used] & 0xC0) == 0x80) {
            used--;
        }
    }
    for (size_t i = 0; i < used; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (quoted && (c == '"' || c == '\\')) {
            buf_appendf(out, "\\%c", c);
        } else if (c < 0x20 || c == 0x7F) {
            buf_appendf(out, "\\u%04x", c);
        } else {
            buf_append_char(out, (char)c);
        }
    }
    buf_append_span(out, used < text.len ? SPAN("...") : SPAN(""));
}

void
json_check_append_quoted(struct buf *out, struct span text)
{
    buf_append_char(out, '"');
    json_check_append_clean(out, text, true);
    buf_append_char(out, '"');
}

json_t *
json_check_parse(struct json_check *check)
{
    json_error_t problem;
    struct buf text = BUF_INIT;
    json_t *root = json_loadb(check->text.data, check->text.len,
                              JSON_REJECT_DUPLICATES, &problem);

    if (root != NULL) {
        return root;
    }
    /* The token that Jansson quotes may have any bytes in it. */
    json_check_append_clean(&text, span_of_text(problem.text), false);
    (void)error_set_at(faults_next(check->faults), check->source,
                       problem.line > 0 ? (unsigned)problem.line : 1,
                       problem.column > 0 ? (unsigned)problem.column : 1,
                       "not JSON: %.*s", (int)text.len, text.data);
    buf_fini(&text);
    return NULL;
}

struct json_check_mark
json_check_enter_key(struct json_check *check, const char *name)
{
    struct json_check_mark mark = { check->path.len, check->pointer.len };

    if (mark.path > 0) {
        buf_append_char(&check->path, '.');
    }
    buf_append_span(&check->path, span_of_text(name));
    buf_append_char(&check->pointer, '/');
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '~' || *p == '/') {
            buf_append_span(&check->pointer,
                            *p == '~' ? SPAN("~0") : SPAN("~1"));
        } else {
            buf_append_char(&check->pointer, *p);
        }
    }
    return mark;
}

struct json_check_mark
json_check_enter_index(struct json_check *check, size_t index)
{
    struct json_check_mark mark = { check->path.len, check->pointer.len };

    buf_append_char(&check->path, '[');
    buf_append_u64(&check->path, index);
    buf_append_char(&check->path, ']');
    buf_append_char(&check->pointer, '/');
    buf_append_u64(&check->pointer, index);
    return mark;
}

void
json_check_leave(struct json_check *check, struct json_check_mark mark)
{
    check->path.len = mark.path;
    check->pointer.len = mark.pointer;
}

/* path_len: how much of the path is named. */
static void
json_check_add(struct json_check *check, bool at_key, size_t path_len,
               struct span sentence)
{
    struct error *err = faults_next(check->faults);
    struct json_place place = { .line = 1, .column = 1 };
    struct span pointer = buf_span(&check->pointer);

    if (err == NULL) {
        return; /* no need to look for its place */
    }
    (void)(at_key ? json_locate_key(check->text, pointer, &place)
                  : json_locate(check->text, pointer, &place));
    (void)error_set_at(
        err, check->source, place.line, place.column, "%.*s%s%.*s",
        (int)path_len, path_len > 0 ? check->path.data : "",
        path_len > 0 ? ": " : "", (int)sentence.len, sentence.data);
}

static void __attribute__((format(printf, 4, 0)))
json_check_vadd(struct json_check *check, bool at_key, size_t path_len,
                const char *fmt, va_list ap)
{
    char sentence[sizeof(((struct error *)NULL)->text)];

    (void)vsnprintf(sentence, sizeof(sentence), fmt, ap);
    json_check_add(check, at_key, path_len, span_of_text(sentence));
}

void
json_check_fault(struct json_check *check, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    json_check_vadd(check, false, check->path.len, fmt, ap);
    va_end(ap);
}

void
json_check_fault_key(struct json_check *check, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    json_check_vadd(check, true, check->path.len, fmt, ap);
    va_end(ap);
}

static void
json_check_append_found(struct buf *out, const json_t *value)
{
    char *text;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        buf_append_span(out, json_object_size(value) > 0
                                 ? SPAN("an object")
                                 : SPAN("an empty object"));
        return;
    case JSON_ARRAY:
        buf_append_span(out, json_array_size(value) > 0
                                 ? SPAN("an array")
                                 : SPAN("an empty array"));
        return;
    case JSON_STRING:
        json_check_append_quoted(
            out, span_of(json_string_value(value), json_string_length(value)));
        return;
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
    buf_append_span(out, span_of_text(text != NULL ? text : "a value"));
    free(text);
}

void
json_check_expected(struct json_check *check, const json_t *value,
                    const char *fmt, ...)
{
    struct buf sentence = BUF_INIT;
    char expected[sizeof(((struct error *)NULL)->text)];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(expected, sizeof(expected), fmt, ap);
    va_end(ap);
    buf_append_span(&sentence, SPAN("found "));
    json_check_append_found(&sentence, value);
    buf_appendf(&sentence, " where %s is expected", expected);
    json_check_add(check, false, check->path.len, buf_span(&sentence));
    buf_fini(&sentence);
}

/* NULL when the key is not one of ActiveMQ's that are refused. */
static const char *
json_check_refusal(const struct json_refusal *refusals, const char *name)
{
    for (; refusals != NULL && refusals->name != NULL; refusals++) {
        if (strcmp(refusals->name, name) == 0) {
            return refusals->reason;
        }
    }
    return NULL;
}

/* What may be given instead: the nearest name, or all when none is near. */
static void
json_check_append_known(struct buf *out, const struct json_check *check,
                        const struct json_keys *keys, const char *name)
{
    const char *nearest = NULL;
    size_t nearest_distance = SIZE_MAX;
    const char *separator = "; known here: ";

    for (size_t i = 0; i < keys->count; i++) {
        size_t distance = edit_distance(name, keys->rows[i].name);

        if (distance < nearest_distance &&
            edit_distance_is_near(name, keys->rows[i].name, distance)) {
            nearest = keys->rows[i].name;
            nearest_distance = distance;
        }
    }
    if (nearest != NULL) {
        buf_appendf(out, " (did you mean \"%s\"?)", nearest);
        return;
    }
    for (size_t i = 0; i < keys->count; i++) {
        if (json_key_is_in_scope(&keys->rows[i], check->scope)) {
            buf_appendf(out, "%s%s", separator, keys->rows[i].name);
            separator = ", ";
        }
    }
}

/* The path of the check names the object, its pointer the key in it. */
static void
json_check_unknown(struct json_check *check, const struct json_keys *keys,
                   const char *name, size_t object_path)
{
    struct buf sentence = BUF_INIT;
    const char *reason = json_check_refusal(keys->refusals, name);

    if (check->faults->count == FAULTS_MAX) {
        check->faults->total++; /* no need to look for the nearest name */
        return;
    }
    if (reason != NULL) {
        json_check_fault_key(
            check, "a key of ActiveMQ's; stompd has no use for it: %s", reason);
        return;
    }
    buf_append_span(&sentence, SPAN("unknown key "));
    json_check_append_quoted(&sentence, span_of_text(name));
    json_check_append_known(&sentence, check, keys, name);
    json_check_add(check, true, object_path, buf_span(&sentence));
    buf_fini(&sentence);
}

/* `queue and tempQueue` for the bits of scopes. */
static void
json_check_append_scopes(struct buf *out, const struct json_keys *keys,
                         unsigned scopes)
{
    const char *separator = "";

    for (unsigned i = 0; scopes >> i != 0; i++) {
        if ((scopes >> i & 1) != 0) {
            buf_appendf(out, "%s%s", separator, keys->scope_names[i]);
            separator =
                __builtin_popcount(scopes >> (i + 1)) > 1 ? ", " : " and ";
        }
    }
}

static void
json_check_out_of_scope(struct json_check *check, const struct json_keys *keys,
                        const struct json_key *key)
{
    struct buf scopes = BUF_INIT;
    struct buf here = BUF_INIT;

    json_check_append_scopes(&scopes, keys, key->scopes);
    json_check_append_scopes(&here, keys, check->scope);
    json_check_fault_key(check,
                         "a key of %.*s entries, of no use in a %.*s "
                         "entry",
                         (int)scopes.len, scopes.data, (int)here.len,
                         here.data);
    buf_fini(&scopes);
    buf_fini(&here);
}

static const struct json_key *
json_check_row(const struct json_keys *keys, const char *name)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->rows[i].name, name) == 0) {
            return &keys->rows[i];
        }
    }
    return NULL;
}

/* Whether the row is to look at a value in this scope. */
static bool
json_check_is_wanted(const struct json_key *key, unsigned scope)
{
    return json_key_is_in_scope(key, scope) ||
           (key->type == JSON_KEY_CUSTOM && key->custom->any_scope);
}

static void
json_check_required(struct json_check *check, const json_t *object,
                    const struct json_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct json_key *key = &keys->rows[i];

        if (key->required && json_object_get(object, key->name) == NULL) {
            json_check_fault(check, "\"%s\" must be given", key->name);
        }
    }
}

void
json_check_object(struct json_check *check, json_t *object,
                  const struct json_keys *keys, void *target)
{
    const char *name;
    json_t *value;

    if (!json_is_object(object)) {
        json_check_expected(check, object, "an object");
        return;
    }
    json_check_required(check, object, keys);
    json_object_foreach(object, name, value)
    {
        const struct json_key *key = json_check_row(keys, name);
        struct json_check_mark mark = json_check_enter_key(check, name);

        if (key == NULL) {
            json_check_unknown(check, keys, name, mark.path);
        } else if (!json_check_is_wanted(key, check->scope)) {
            json_check_out_of_scope(check, keys, key);
        } else {
            json_check_value(check, value, key, target);
        }
        json_check_leave(check, mark);
    }
}
