/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header names and the wire form of header lines.
 * Source: STOMP 1.2, "Value Encoding"; stomp.md I1, I6, I24, D4.
 */
#include "protocol/headers.h"

#include <assert.h>
#include <limits.h>

enum {
    HEADER_NAME_LONGEST = 35, /* activemq.maximumPendingMessageLimit */
    HEADER_SAME_LENGTH = 8,   /* most names of one length */
};

#define X(id, name) [HEADER_##id] = { .data = (name), .len = sizeof(name) - 1 },
static const struct span header_names[HEADER_ID_COUNT] = {
    [HEADER_OTHER] = { .data = "", .len = 0 }, HEADER_NAMES(X)
};
#undef X

/*
 * The names by length, those of busy frames first; 0 ends a row.  A name that
 * is missing here fails every_known_name_is_classified in the unit test.
 */
static const uint8_t header_by_length[HEADER_NAME_LONGEST +
                                      1][HEADER_SAME_LENGTH + 1] = {
    [2] = { HEADER_ID },
    [3] = { HEADER_ACK, HEADER_TTL },
    [4] = { HEADER_TYPE, HEADER_HOST },
    [5] = { HEADER_LOGIN, HEADER_DELAY },
    [6] = { HEADER_REASON, HEADER_SERVER },
    [7] = { HEADER_RECEIPT, HEADER_EXPIRES, HEADER_MESSAGE, HEADER_SESSION,
            HEADER_VERSION, HEADER_BROWSER, HEADER_REQUEUE, HEADER_X_DELAY },
    [8] = { HEADER_PRIORITY, HEADER_REPLY_TO, HEADER_SELECTOR, HEADER_PASSCODE,
            HEADER_PREFETCH, HEADER_NO_LOCAL },
    [9] = { HEADER_TIMESTAMP, HEADER_CLIENT_ID, HEADER_EXCLUSIVE,
            HEADER_DEDUPE_ID },
    [10] = { HEADER_PERSISTENT, HEADER_MESSAGE_ID, HEADER_RECEIPT_ID,
             HEADER_EXPIRATION, HEADER_HEART_BEAT, HEADER_X_PRIORITY,
             HEADER_ERROR_MODE },
    [11] = { HEADER_DESTINATION, HEADER_TRANSACTION, HEADER_REDELIVERED,
             HEADER_MAX_PENDING, HEADER_RETROACTIVE, HEADER_JMSX_GROUP_ID,
             HEADER_NATS_MSG_ID, HEADER_BROWSER_END },
    [12] = { HEADER_CONTENT_TYPE, HEADER_SUBSCRIPTION, HEADER_USE_ASYNC_SEND,
             HEADER_AMQ_DUPL_ID },
    [13] = { HEADER_DELIVERY_MODE, HEADER_MESSAGE_GROUP,
             HEADER_MESSAGE_GROUP_OLD },
    [14] = { HEADER_CONTENT_LENGTH, HEADER_CORRELATION_ID,
             HEADER_ACCEPT_VERSION, HEADER_DELIVERY_COUNT,
             HEADER_PREFETCH_BYTES, HEADER_PREFETCH_COUNT },
    [16] = { HEADER_ACTIVEMQ_NO_LOCAL, HEADER_JMS_USE_ASYNC_SEND },
    [17] = { HEADER_CONSUMER_PRIORITY, HEADER_ACTIVEMQ_PRIORITY },
    [18] = { HEADER_ACTIVEMQ_EXCLUSIVE, HEADER_AMQ_SCHEDULED_TIME,
             HEADER_AMQ_SCHEDULED_CRON },
    [19] = { HEADER_ORIGINAL_MESSAGE_ID, HEADER_AMQ_SCHEDULED_DELAY },
    [20] = { HEADER_ORIGINAL_DESTINATION, HEADER_CONSUMER_WINDOW_SIZE,
             HEADER_ACTIVEMQ_RETROACTIVE, HEADER_AMQ_SCHEDULED_PERIOD,
             HEADER_AMQ_SCHEDULED_REPEAT },
    [21] = { HEADER_ACTIVEMQ_PREFETCH_SIZE, HEADER_CONSUMER_PREFETCH_SIZE },
    [35] = { HEADER_ACTIVEMQ_PENDING_LIMIT },
};

static uint64_t
header_load(const char *from, size_t count)
{
    uint64_t word = 0;

    memcpy(&word, from, count);
    return word;
}

/* memcmp() == 0 without the call, for names of the usual lengths. */
static bool
header_same_bytes(const char *a, const char *b, size_t len)
{
    if (len > 16) {
        return memcmp(a, b, len) == 0;
    }
    if (len >= 8) { /* two words, which may overlap */
        return header_load(a, 8) == header_load(b, 8) &&
               header_load(a + len - 8, 8) == header_load(b + len - 8, 8);
    }
    if (len >= 4) {
        return header_load(a, 4) == header_load(b, 4) &&
               header_load(a + len - 4, 4) == header_load(b + len - 4, 4);
    }
    return a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1];
}

enum header_id
header_id_of(struct span name)
{
    const uint8_t *id;

    if (name.len == 0 || name.len > HEADER_NAME_LONGEST) {
        return HEADER_OTHER;
    }
    for (id = header_by_length[name.len]; *id != HEADER_OTHER; id++) {
        if (header_same_bytes(header_names[*id].data, name.data, name.len)) {
            break;
        }
    }
    return (enum header_id) * id;
}

struct span
header_name(enum header_id id)
{
    return header_names[id];
}

/* The letter that stands for c behind a backslash, 0 when c needs none. */
static char
header_escape_letter(char c, enum stomp_version version)
{
    const struct version_rules *rules = version_rules(version);

    switch (c) {
    case '\n':
        return rules->escapes ? 'n' : '\0';
    case ':':
        return rules->escapes ? 'c' : '\0';
    case '\\':
        return rules->escapes ? '\\' : '\0';
    case '\r':
        return rules->escapes_cr ? 'r' : '\0';
    default:
        return '\0';
    }
}

/* Whether c cannot stand on the wire raw, and no escape helps: it would end
 * the line or the frame early, or move the end of the name. */
static bool
header_breaks_line(char c, bool in_name, enum stomp_version version)
{
    if (version_rules(version)->escapes) {
        return c == '\0';
    }
    return c == '\0' || c == '\n' || c == '\r' || (c == ':' && in_name);
}

/* Nearly no text has one: so no early end, which would cost a branch a byte. */
static bool
header_has_special(struct span text)
{
    static const unsigned char special[UCHAR_MAX + 1] = {
        ['\0'] = 1, ['\n'] = 1, ['\r'] = 1, [':'] = 1, ['\\'] = 1,
    };
    unsigned char found = 0;

    for (size_t i = 0; i < text.len; i++) {
        found |= special[(unsigned char)text.data[i]];
    }
    return found != 0;
}

static void
header_append_text(struct buf *out, struct span text, bool in_name,
                   enum stomp_version version)
{
    char *to;

    if (!header_has_special(text)) {
        buf_append_span(out, text);
        return;
    }
    to = buf_reserve(out, 2 * text.len);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        char letter = header_escape_letter(c, version);

        if (letter != '\0') {
            *to++ = '\\';
            *to++ = letter;
        } else {
            *to++ = header_breaks_line(c, in_name, version) ? ' ' : c;
        }
    }
    out->len = (size_t)(to - out->data);
}

bool
header_is_plain(struct span text)
{
    return text.len > 0 && !header_has_special(text);
}

void
header_append(struct buf *out, struct span name, struct span value,
              enum stomp_version version)
{
    if (value.len == 0 && version_rules(version)->drops_empty_values) {
        return;
    }
    header_append_text(out, name, true, version);
    buf_append_char(out, ':');
    header_append_text(out, value, false, version);
    buf_append_char(out, '\n');
}

void
header_append_known(struct buf *out, enum header_id id, struct span value,
                    enum stomp_version version)
{
    assert(id != HEADER_OTHER);
    if (value.len == 0 && version_rules(version)->drops_empty_values) {
        return;
    }
    buf_append_span(out, header_names[id]);
    buf_append_char(out, ':');
    header_append_text(out, value, false, version);
    buf_append_char(out, '\n');
}

void
header_append_u64(struct buf *out, struct span name, uint64_t value)
{
    buf_append_span(out, name);
    buf_append_char(out, ':');
    buf_append_u64(out, value);
    buf_append_char(out, '\n');
}

/* What a backslash and letter stand for, 0 when that is undefined. */
static char
header_escaped_char(char letter, const struct version_rules *rules)
{
    switch (letter) {
    case 'n':
        return '\n';
    case 'c':
        return ':';
    case '\\':
        return '\\';
    case 'r':
        return rules->escapes_cr ? '\r' : '\0';
    default:
        return '\0';
    }
}

ptrdiff_t
header_unescape(struct span text, enum stomp_version version, char *out,
                size_t *bad_out)
{
    const struct version_rules *rules = version_rules(version);
    size_t len = 0;

    assert(out != NULL || text.len == 0);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '\\' && rules->escapes) {
            c = i + 1 < text.len ? header_escaped_char(text.data[i + 1], rules)
                                 : '\0';
            if (c == '\0') {
                *bad_out = i;
                return -1;
            }
            i++;
        }
        out[len++] = c;
    }
    return (ptrdiff_t)len;
}

bool
headers_block_is_plain(struct span block)
{
    const char *at = block.data;
    size_t left = block.len;

    if (left == 0) {
        return true;
    }
    if (memchr(at, '\\', left) != NULL) {
        return false;
    }
    while ((at = memchr(at, '\n', left)) != NULL) {
        if (at > block.data && at[-1] == ':') {
            return false;
        }
        at++;
        left = block.len - (size_t)(at - block.data);
        if (left == 0) {
            break;
        }
    }
    return true;
}

/* Cuts the next line off a wire-form block into name and value, both still
 * escaped.  False at the end. */
static bool
headers_block_next(struct span *block, struct span *name_out,
                   struct span *value_out)
{
    if (block->len == 0) {
        return false;
    }
    *value_out = span_split(block, '\n');
    *name_out = span_split(value_out, ':');
    return true;
}

void
headers_transcode(struct buf *out, struct span block,
                  enum stomp_version version)
{
    struct buf plain = BUF_INIT;
    struct span name;
    struct span value;

    if (version == STOMP_1_2 || headers_block_is_plain(block)) {
        buf_append_span(out, block);
        return;
    }
    /* One room for the decoded line: no line is longer than the block. */
    (void)buf_reserve(&plain, block.len + 1);
    while (headers_block_next(&block, &name, &value)) {
        size_t bad;
        ptrdiff_t name_len = header_unescape(name, STOMP_1_2, plain.data, &bad);
        ptrdiff_t value_len =
            name_len < 0 ? -1
                         : header_unescape(value, STOMP_1_2,
                                           plain.data + name_len, &bad);

        /* A line that is no wire form (a damaged record) is left out. */
        if (value_len >= 0) {
            header_append(out, span_of(plain.data, (size_t)name_len),
                          span_of(plain.data + name_len, (size_t)value_len),
                          version);
        }
    }
    buf_fini(&plain);
}

struct span
headers_block_find(struct span block, struct span name)
{
    struct span line_name;
    struct span value;

    while (headers_block_next(&block, &line_name, &value)) {
        if (span_equal(line_name, name) && value.data != NULL) {
            return value;
        }
    }
    return SPAN_NONE;
}
