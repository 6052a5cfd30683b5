/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of a JSON object, appended to a buffer: for where a tree would cost
 * too much, or Jansson does not belong.
 *
 *     buf_append_char(&out, '{');
 *     json_out_text(&out, "name", name);
 *     json_out_integer(&out, "count", count);
 *     buf_append_char(&out, '}');
 */
#pragma once
#include "base/buf.h"
#include "base/span.h"

#include <stdint.h>

/* text in quotes; what is no UTF-8 becomes "?". */
void json_out_string(struct buf *out, struct span text);

/* A comma, unless the object begins here, and "key": for what the caller
 * appends; or with its value. */
void json_out_key(struct buf *out, const char *key);
void json_out_text(struct buf *out, const char *key, struct span value);
void json_out_integer(struct buf *out, const char *key, int64_t value);
