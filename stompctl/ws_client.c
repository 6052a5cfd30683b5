/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/ws_client.h"

#include "stompctl/sha1.h"

#include <assert.h>
#include <stdio.h>
#include <sys/random.h>

/* RFC 6455 section 1.3: every server adds this to the key. */
static const char ws_client_guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

enum { WS_ANSWER_BYTES = 16384 }; /* no sane server answers with more */

/* Needs room for 4 * ceil(len / 3) + 1 bytes. */
static void
ws_client_base64(const unsigned char *bytes, size_t len, char *text)
{
    /* The last one pads. */
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/=";

    for (size_t i = 0; i < len; i += 3) {
        unsigned value = (unsigned)bytes[i] << 16;

        value |= i + 1 < len ? (unsigned)bytes[i + 1] << 8 : 0;
        value |= i + 2 < len ? (unsigned)bytes[i + 2] : 0;
        *text++ = digits[value >> 18];
        *text++ = digits[(value >> 12) & 63];
        *text++ = digits[i + 1 < len ? (value >> 6) & 63 : 64];
        *text++ = digits[i + 2 < len ? value & 63 : 64];
    }
    *text = '\0';
}

static void
ws_client_random(void *bytes, size_t len)
{
    ssize_t got = getrandom(bytes, len, 0);

    /* Up to 256 bytes come whole and without EINTR (getrandom(2)). */
    assert(got == (ssize_t)len);
}

void
ws_client_request(struct ws_client *ws, const char *host, const char *port,
                  const char *path, const char *headers, struct buf *out)
{
    bool is_ipv6 = strchr(host, ':') != NULL;
    unsigned char nonce[16];

    ws_client_random(nonce, sizeof(nonce));
    ws_client_base64(nonce, sizeof(nonce), ws->key);
    buf_appendf(out,
                "GET %s HTTP/1.1\r\n"
                "Host: %s%s%s:%s\r\n"
                "Upgrade: websocket\r\n"
                "Connection: Upgrade\r\n"
                "Sec-WebSocket-Key: %s\r\n"
                "Sec-WebSocket-Version: 13\r\n"
                "%s"
                "\r\n",
                path, is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port,
                ws->key, headers);
}

/* The value of a header of the answer; data == NULL when it has none. */
static struct span
ws_client_answer_header(struct span answer, struct span name)
{
    while (answer.data != NULL) {
        struct span value = span_split(&answer, '\n');
        struct span found = span_split(&value, ':');

        if (value.data != NULL && span_equal_nocase(found, name)) {
            if (value.len > 0 && value.data[value.len - 1] == '\r') {
                value.len--;
            }
            return span_trim(value);
        }
    }
    return SPAN_NONE;
}

static int
ws_client_check_accept(const struct ws_client *ws, struct span answer,
                       struct error *err)
{
    unsigned char digest[SHA1_BYTES];
    char expected[29];
    char text[WS_CLIENT_KEY_BYTES + sizeof(ws_client_guid)];
    struct span accept =
        ws_client_answer_header(answer, SPAN("Sec-WebSocket-Accept"));

    (void)snprintf(text, sizeof(text), "%s%s", ws->key, ws_client_guid);
    sha1(text, strlen(text), digest);
    ws_client_base64(digest, sizeof(digest), expected);
    if (!span_equal(accept, span_of_text(expected))) {
        return error_set(err, "the server's Sec-WebSocket-Accept does not "
                              "answer our key: it is no WebSocket server");
    }
    return 0;
}

ptrdiff_t
ws_client_answer(const struct ws_client *ws, struct span in, struct error *err)
{
    const char *end = memmem(in.data, in.len, "\r\n\r\n", 4);
    struct span answer;
    struct span line;
    char shown[128];

    if (end == NULL && in.len < WS_ANSWER_BYTES) {
        return 0;
    }
    answer = span_of(in.data, end == NULL ? in.len : (size_t)(end - in.data));
    line = answer;
    line = span_trim(span_split(&line, '\n'));
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    if (end == NULL || !span_starts_with(line, SPAN("HTTP/1.1 101"))) {
        return error_set(err,
                         "the server answered \"%s\" where a WebSocket "
                         "server answers \"HTTP/1.1 101\": check the "
                         "port and the path of the URI",
                         span_escape(line, shown, sizeof(shown)));
    }
    if (ws_client_check_accept(ws, answer, err) != 0) {
        return -1;
    }
    return (ptrdiff_t)answer.len + 4;
}

size_t
ws_client_header(enum ws_opcode opcode, uint64_t len,
                 const unsigned char mask[4],
                 unsigned char header[WS_CLIENT_HEADER_BYTES])
{
    unsigned len_bytes = len < 126 ? 0 : len < 65536 ? 2 : 8;

    header[0] = (unsigned char)(0x80U | (unsigned)opcode);
    header[1] = (unsigned char)(0x80U | (len_bytes == 0   ? (unsigned)len
                                         : len_bytes == 2 ? 126U
                                                          : 127U));
    for (unsigned i = 0; i < len_bytes; i++) {
        header[2 + i] = (unsigned char)(len >> (8 * (len_bytes - 1 - i)));
    }
    memcpy(header + 2 + len_bytes, mask, 4);
    return 2 + len_bytes + 4;
}

void
ws_client_frame(enum ws_opcode opcode, struct span payload, struct buf *out)
{
    unsigned char header[WS_CLIENT_HEADER_BYTES];
    unsigned char mask[4];
    unsigned char *to;

    ws_client_random(mask, sizeof(mask));
    buf_append(out, header,
               ws_client_header(opcode, payload.len, mask, header));
    to = (unsigned char *)buf_reserve(out, payload.len);
    for (size_t i = 0; i < payload.len; i++) {
        to[i] = (unsigned char)payload.data[i] ^ mask[i & 3];
    }
    out->len += payload.len;
}

/* How long the header will be, as far as its first bytes tell. */
static size_t
ws_client_header_need(const struct ws_client *ws)
{
    unsigned len = ws->header_len < 2 ? 0 : ws->header[1] & 0x7FU;

    return len < 126 ? 2 : len == 126 ? 4 : 10;
}

static enum ws_decode
ws_client_refuse(struct error *err, const char *fault)
{
    (void)error_set(err, "the server broke WebSocket (RFC 6455): %s", fault);
    return WS_DECODE_INVALID;
}

/* A header is complete: checks it and sets what comes next. */
static enum ws_decode
ws_client_on_header(struct ws_client *ws, struct error *err)
{
    unsigned opcode = ws->header[0] & 0x0FU;
    bool is_final = (ws->header[0] & 0x80U) != 0;
    size_t len_bytes = ws->header_len - 2;

    ws->left = ws->header[1] & 0x7FU;
    if (len_bytes > 0) {
        ws->left = 0;
        for (size_t i = 0; i < len_bytes; i++) {
            ws->left = ws->left << 8 | ws->header[2 + i];
        }
    }
    if ((ws->header[0] & 0x70U) != 0) {
        return ws_client_refuse(err, "a reserved bit is set");
    }
    if ((ws->header[1] & 0x80U) != 0) {
        return ws_client_refuse(err, "a frame of the server is masked");
    }
    if (opcode >= WS_CLOSE) {
        if (opcode > WS_PONG || !is_final || len_bytes > 0) {
            return ws_client_refuse(err, "a bad control frame");
        }
    } else if (opcode > WS_BINARY ||
               (opcode == WS_CONTINUATION) != ws->in_message) {
        return ws_client_refuse(err, "a fragment out of place");
    } else {
        ws->in_message = !is_final;
        ws->opcode =
            opcode != WS_CONTINUATION ? (enum ws_opcode)opcode : ws->opcode;
    }
    ws->inside = true;
    ws->control_len = 0;
    return WS_DECODE_MORE;
}

static enum ws_decode
ws_client_on_close(struct ws_client *ws, struct buf *out, struct error *err)
{
    struct span payload = span_of(ws->control, ws->control_len);
    unsigned code = 1005; /* "no status received", RFC 6455 7.4.1 */
    char shown[128];

    ws_client_frame(WS_CLOSE, payload, out);
    if (payload.len >= 2) {
        code = (unsigned)(unsigned char)payload.data[0] << 8 |
               (unsigned char)payload.data[1];
        payload = span_after(payload, 2);
    }
    ws->close_code = code;
    (void)error_set(err, "the server closed the WebSocket with code %u%s%s",
                    code, payload.len > 0 ? ": " : "",
                    span_escape(payload, shown, sizeof(shown)));
    return WS_DECODE_CLOSED;
}

/* A frame is complete. */
static enum ws_decode
ws_client_on_end(struct ws_client *ws, struct buf *out, struct error *err)
{
    unsigned opcode = ws->header[0] & 0x0FU;

    ws->inside = false;
    ws->header_len = 0;
    if (opcode == WS_PING) {
        ws_client_frame(WS_PONG, span_of(ws->control, ws->control_len), out);
    }
    ws->pongs += opcode == WS_PONG ? 1 : 0;
    if (opcode < WS_CLOSE && !ws->in_message && ws->on_message != NULL) {
        ws->on_message(ws->on_message_ctx, ws->opcode);
    }
    return opcode == WS_CLOSE ? ws_client_on_close(ws, out, err)
                              : WS_DECODE_MORE;
}

static void
ws_client_on_payload(struct ws_client *ws, struct span payload,
                     struct buf *stream)
{
    if ((ws->header[0] & 0x0FU) < WS_CLOSE) {
        buf_append_span(stream, payload);
    } else {
        memcpy(ws->control + ws->control_len, payload.data, payload.len);
        ws->control_len += payload.len;
    }
    ws->left -= payload.len;
}

enum ws_decode
ws_client_decode(struct ws_client *ws, struct span in, struct buf *stream,
                 struct buf *out, struct error *err)
{
    enum ws_decode result = WS_DECODE_MORE;

    while (in.len > 0 && result == WS_DECODE_MORE) {
        if (!ws->inside) {
            ws->header[ws->header_len++] = (unsigned char)in.data[0];
            in = span_after(in, 1);
            if (ws->header_len < 2 ||
                ws->header_len < ws_client_header_need(ws)) {
                continue;
            }
            result = ws_client_on_header(ws, err);
        } else {
            size_t len = in.len < ws->left ? in.len : (size_t)ws->left;

            ws_client_on_payload(ws, span_of(in.data, len), stream);
            in = span_after(in, len);
        }
        if (result == WS_DECODE_MORE && ws->inside && ws->left == 0) {
            result = ws_client_on_end(ws, out, err);
        }
    }
    return result;
}
