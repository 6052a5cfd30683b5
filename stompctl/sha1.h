/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-1, for the WebSocket handshake and nothing else: it proves there that
 * the server read our key, not who the server is.
 * Source: RFC 3174.
 */
#pragma once
#include <stddef.h>

enum { SHA1_BYTES = 20 };

/* len is at most a few hundred bytes: the text is padded in place on the
 * stack. */
void sha1(const void *data, size_t len, unsigned char digest[SHA1_BYTES]);
