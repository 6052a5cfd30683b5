/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/net/ws_client.h"

#include "base/alloc.h"
#include "test/testutil.h"
#include "test/unit/net/net_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
ws_client_open(int port, const char *path, const char *extra, char *answer,
               size_t size)
{
    char request[2048];
    int fd = client_connect(port);
    size_t used = 0;
    int len = snprintf(request, sizeof(request),
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                       "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                       "Sec-WebSocket-Version: 13\r\n%s\r\n",
                       path, port, extra);

    client_send(fd, span_of(request, (size_t)len));
    while (used + 1 < size &&
           (used < 4 || memcmp(answer + used - 4, "\r\n\r\n", 4) != 0)) {
        ssize_t count = recv(fd, answer + used, 1, 0);

        if (count <= 0) {
            break;
        }
        used++;
    }
    answer[used] = '\0';
    return fd;
}

int
ws_client_connect(int port)
{
    char answer[1024];
    int fd =
        ws_client_open(port, "/stomp", "Sec-WebSocket-Protocol: v12.stomp\r\n",
                       answer, sizeof(answer));

    ck_assert_msg(strncmp(answer, "HTTP/1.1 101 ", 13) == 0, "%s", answer);
    ck_assert_ptr_nonnull(strstr(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    return fd;
}

void
ws_client_send(int fd, int opcode, bool fin, struct span payload)
{
    static const char mask[4] = { 0x12, 0x34, 0x56, 0x78 };
    char *frame = xmalloc(payload.len + 14);
    size_t used = 0;

    frame[used++] = (char)(opcode | (fin ? 0x80 : 0));
    if (payload.len < 126) {
        frame[used++] = (char)(0x80 | payload.len);
    } else {
        int bytes = payload.len < 65536 ? 2 : 8;

        frame[used++] = (char)(0x80 | (bytes == 2 ? 126 : 127));
        for (int i = bytes - 1; i >= 0; i--) {
            frame[used++] = (char)(payload.len >> (8 * i) & 0xFF);
        }
    }
    memcpy(frame + used, mask, 4);
    used += 4;
    for (size_t i = 0; i < payload.len; i++) {
        frame[used++] = (char)(payload.data[i] ^ mask[i % 4]);
    }
    client_send(fd, span_of(frame, used));
    free(frame);
}

struct ws_message
ws_client_read(int fd)
{
    struct ws_message message = { .opcode = 0, .data = xcalloc(1, 1) };
    bool fin = false;

    while (!fin) {
        unsigned char head[10];
        size_t len;

        client_read(fd, (char *)head, 2);
        fin = (head[0] & 0x80) != 0;
        ck_assert_int_eq(head[0] & 0x70, 0);
        ck_assert_int_eq(head[1] & 0x80, 0); /* servers do not mask */
        len = head[1] & 0x7F;
        if (len >= 126) {
            int bytes = len == 126 ? 2 : 8;

            client_read(fd, (char *)head + 2, (size_t)bytes);
            len = 0;
            for (int i = 0; i < bytes; i++) {
                len = len << 8 | head[2 + i];
            }
        }
        if (message.frames++ == 0) {
            message.opcode = head[0] & 0x0F;
        } else if ((head[0] & 0x0F) >= 8) { /* a control frame in between */
            char control[125];

            client_read(fd, control, len);
            message.frames--;
            fin = false;
            continue;
        } else {
            ck_assert_int_eq(head[0] & 0x0F, OP_CONT);
        }
        message.data = xrealloc(message.data, message.len + len + 1);
        client_read(fd, message.data + message.len, len);
        message.len += len;
        message.data[message.len] = '\0';
    }
    return message;
}

void
ws_client_expect(int fd, int opcode, struct span bytes)
{
    struct ws_message message = ws_client_read(fd);

    ck_assert_msg(span_equal(span_of(message.data, message.len), bytes),
                  "expected %.60s, got %.60s (opcode %d)", bytes.data,
                  message.data, message.opcode);
    ck_assert_int_eq(message.opcode, opcode);
    free(message.data);
}

void
ws_client_expect_close(int fd, int code, const char *reason)
{
    struct ws_message message = ws_client_read(fd);

    ck_assert_int_eq(message.opcode, OP_CLOSE);
    ck_assert_uint_ge(message.len, 2);
    ck_assert_int_eq((unsigned char)message.data[0] << 8 |
                         (unsigned char)message.data[1],
                     code);
    ck_assert_str_eq(message.data + 2, reason);
    ws_client_send(fd, OP_CLOSE, true, span_of(message.data, 2));
    client_expect_eof(fd);
    free(message.data);
}
