/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 with padding (RFC 4648, section 4). */
#pragma once
#include "base/buf.h"

#include <stdbool.h>

void base64_encode(struct span bytes, struct buf *out);

/* Appends the bytes to out.  False when text is not the one encoding of some
 * bytes; out may have grown then. */
bool base64_decode(struct span text, struct buf *out);
