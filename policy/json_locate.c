/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk along the text.  Nothing recurses: what is skipped is counted by its
 * brackets.
 */
#include "policy/json_locate.h"

#include "base/buf.h"

#include <jansson.h>

struct json_scan {
    const char *at;
    const char *end;
};

static bool
scan_is(const struct json_scan *scan, char c)
{
    return scan->at < scan->end && *scan->at == c;
}

static void
scan_blanks(struct json_scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' ||
                                    *scan->at == '\n' || *scan->at == '\r')) {
        scan->at++;
    }
}

/* Takes c and the blanks behind it, false when something else is there. */
static bool
scan_take(struct json_scan *scan, char c)
{
    if (!scan_is(scan, c)) {
        return false;
    }
    scan->at++;
    scan_blanks(scan);
    return true;
}

/* From the opening quote to behind the closing one. */
static void
scan_string(struct json_scan *scan)
{
    scan->at++;
    while (scan->at < scan->end && *scan->at != '"') {
        scan->at += *scan->at == '\\' && scan->end - scan->at > 1 ? 2 : 1;
    }
    if (scan->at < scan->end) {
        scan->at++;
    }
}

/* Past one value and the blanks behind it. */
static void
scan_value(struct json_scan *scan)
{
    size_t depth = 0;

    while (scan->at < scan->end) {
        char c = *scan->at;

        if (c == '"') {
            scan_string(scan);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
            break;
        }
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
        scan->at++;
    }
    scan_blanks(scan);
}

/* Whether raw, a string as in the text, is name.  Jansson undoes escapes. */
static bool
scan_name_is(struct span raw, struct span name)
{
    json_t *decoded;
    bool equal;

    if (raw.len < 2) {
        return false;
    }
    if (memchr(raw.data, '\\', raw.len) == NULL) {
        return span_equal(span_of(raw.data + 1, raw.len - 2), name);
    }
    decoded = json_loadb(raw.data, raw.len, JSON_DECODE_ANY, NULL);
    equal = decoded != NULL && json_is_string(decoded) &&
            span_equal(span_of(json_string_value(decoded),
                               json_string_length(decoded)),
                       name);
    json_decref(decoded);
    return equal;
}

/* From the `{` to the value of the member, its name at *key_out. */
static bool
scan_to_member(struct json_scan *scan, struct span name, const char **key_out)
{
    if (!scan_take(scan, '{')) {
        return false;
    }
    while (scan_is(scan, '"')) {
        struct span raw = { .data = scan->at, .len = 0 };

        scan_string(scan);
        raw.len = (size_t)(scan->at - raw.data);
        scan_blanks(scan);
        if (!scan_take(scan, ':')) {
            return false;
        }
        if (scan_name_is(raw, name)) {
            *key_out = raw.data;
            return true;
        }
        scan_value(scan);
        if (!scan_take(scan, ',')) {
            return false;
        }
    }
    return false;
}

static bool
scan_to_element(struct json_scan *scan, struct span token)
{
    uint64_t index;

    if (!span_to_u64(token, &index) || !scan_take(scan, '[')) {
        return false;
    }
    for (; index > 0; index--) {
        scan_value(scan);
        if (!scan_take(scan, ',')) {
            return false;
        }
    }
    return scan->at < scan->end && *scan->at != ']';
}

/* A token of a pointer with its escapes undone: `~1` is `/`, `~0` is `~`. */
static void
scan_decode_token(struct span token, struct buf *name_out)
{
    buf_clear(name_out);
    for (size_t i = 0; i < token.len; i++) {
        char c = token.data[i];

        if (c == '~' && i + 1 < token.len) {
            i++;
            c = token.data[i] == '1' ? '/' : '~';
        }
        buf_append_char(name_out, c);
    }
}

/* Goes to the value that pointer points to; *key_out is the name it has. */
static bool
scan_to(struct json_scan *scan, struct span pointer, const char **key_out)
{
    struct buf name = BUF_INIT;
    bool found = true;

    *key_out = NULL;
    scan_blanks(scan);
    if (pointer.len > 0) {
        (void)span_split(&pointer, '/');
        while (found && pointer.data != NULL) {
            struct span token = span_split(&pointer, '/');

            *key_out = NULL;
            scan_decode_token(token, &name);
            found = scan_is(scan, '[')
                        ? scan_to_element(scan, buf_span(&name))
                        : scan_to_member(scan, buf_span(&name), key_out);
        }
    }
    buf_fini(&name);
    return found && scan->at < scan->end;
}

/* Moves place from `from` to `to`, further on in the text. */
static void
scan_count(struct json_place *place, const char *from, const char *to)
{
    for (; from < to; from++) {
        if (*from == '\n') {
            place->line++;
            place->column = 1;
        } else if (((unsigned char)*from & 0xC0) != 0x80) {
            place->column++; /* not for the rest of a UTF-8 sequence */
        }
    }
}

static struct json_scan
scan_of(struct span text)
{
    return (struct json_scan){ .at = text.data, .end = text.data + text.len };
}

bool
json_locate(struct span text, struct span pointer, struct json_place *place_out)
{
    struct json_scan scan = scan_of(text);
    const char *key;

    if (!scan_to(&scan, pointer, &key)) {
        return false;
    }
    *place_out = (struct json_place){ .line = 1, .column = 1 };
    scan_count(place_out, text.data, scan.at);
    return true;
}

bool
json_locate_key(struct span text, struct span pointer,
                struct json_place *place_out)
{
    struct json_scan scan = scan_of(text);
    const char *key;

    if (!scan_to(&scan, pointer, &key) || key == NULL) {
        return false;
    }
    *place_out = (struct json_place){ .line = 1, .column = 1 };
    scan_count(place_out, text.data, key);
    return true;
}

size_t
json_locate_elements(struct span text, struct span pointer,
                     struct json_place *places, size_t count)
{
    struct json_scan scan = scan_of(text);
    struct json_place place = { .line = 1, .column = 1 };
    const char *counted = text.data;
    const char *key;
    size_t found = 0;

    if (!scan_to(&scan, pointer, &key) || !scan_take(&scan, '[')) {
        return 0;
    }
    while (found < count && scan.at < scan.end && *scan.at != ']') {
        scan_count(&place, counted, scan.at);
        counted = scan.at;
        places[found++] = place;
        scan_value(&scan);
        if (!scan_take(&scan, ',')) {
            break;
        }
    }
    return found;
}
