/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_out.h"

void
json_out_string(struct buf *out, struct span text)
{
    size_t at;

    buf_append_char(out, '"');
    at = out->len;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c == '"' || c == '\\') {
            buf_append_char(out, '\\');
            buf_append_char(out, (char)c);
        } else if (c < 0x20) {
            buf_appendf(out, "\\u%04x", c);
        } else {
            buf_append_char(out, (char)c);
        }
    }
    utf8_replace_invalid(out->data + at, out->len - at, '?');
    buf_append_char(out, '"');
}

void
json_out_key(struct buf *out, const char *key)
{
    if (out->len > 0 && out->data[out->len - 1] != '{') {
        buf_append_char(out, ',');
    }
    json_out_string(out, span_of_text(key));
    buf_append_char(out, ':');
}

void
json_out_text(struct buf *out, const char *key, struct span value)
{
    json_out_key(out, key);
    json_out_string(out, value);
}

void
json_out_integer(struct buf *out, const char *key, int64_t value)
{
    json_out_key(out, key);
    buf_appendf(out, "%lld", (long long)value);
}
