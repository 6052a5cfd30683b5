/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/sniff.h"

/* No STOMP command is a prefix of one of these or the other way round, so the
 * blank makes it sure. */
static const char *const sniff_methods[] = {
    "GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ",
};

enum sniff
sniff_bytes(struct span bytes)
{
    if (bytes.len == 0) {
        return SNIFF_MORE;
    }
    if (bytes.data[0] == 0x16) { /* RFC 8446, section 5.1: handshake */
        return SNIFF_TLS;
    }
    for (size_t i = 0; i < sizeof(sniff_methods) / sizeof(sniff_methods[0]);
         i++) {
        struct span method = span_of_text(sniff_methods[i]);

        if (span_starts_with(bytes, method)) {
            return SNIFF_HTTP;
        }
        if (span_starts_with(method, bytes)) {
            return SNIFF_MORE;
        }
    }
    return SNIFF_STOMP;
}

size_t
sniff_eols(struct span bytes)
{
    size_t count = 0;

    while (count < bytes.len &&
           (bytes.data[count] == '\n' || bytes.data[count] == '\r')) {
        count++;
    }
    return count;
}
