/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/ws_frame.h"

#include <assert.h>

enum {
    WS_FIN = 0x80,
    WS_LENGTH_16 = 126, /* two bytes of length follow */
};

size_t
ws_frame_header_len(size_t len)
{
    assert(len <= WS_FRAGMENT_MAX);
    return len < WS_LENGTH_16 ? 2 : 4;
}

void
ws_frame_header(char *place, enum ws_opcode opcode, bool fin, size_t len)
{
    place[0] = (char)((fin ? WS_FIN : 0) | (int)opcode);
    if (ws_frame_header_len(len) == 2) {
        place[1] = (char)len;
        return;
    }
    place[1] = (char)WS_LENGTH_16;
    place[2] = (char)(len >> 8);
    place[3] = (char)(len & 0xFF);
}

size_t
ws_frame_whole(const char *data, size_t len)
{
    size_t used = 0;

    while (len - used >= 2) {
        const unsigned char *frame = (const unsigned char *)data + used;
        size_t size = 2 + (size_t)frame[1];

        assert(frame[1] <= WS_LENGTH_16);
        if (frame[1] == WS_LENGTH_16) {
            if (len - used < 4) {
                break;
            }
            size = 4 + ((size_t)frame[2] << 8 | frame[3]);
        }
        if (len - used < size) {
            break;
        }
        used += size;
    }
    return used;
}
