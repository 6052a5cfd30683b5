/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/crc32c.h"

#include <pthread.h>
#include <string.h>

enum { CRC32C_TABLES = 8 };
static const uint32_t crc32c_polynomial = 0x82f63b78u; /* reflected */

static uint32_t crc32c_table[CRC32C_TABLES][256];
static pthread_once_t crc32c_once = PTHREAD_ONCE_INIT;

static void
crc32c_table_init(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;

        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1u) != 0 ? crc32c_polynomial : 0);
        }
        crc32c_table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++) {
        for (int t = 1; t < CRC32C_TABLES; t++) {
            uint32_t before = crc32c_table[t - 1][i];

            crc32c_table[t][i] =
                (before >> 8) ^ crc32c_table[0][before & 0xffu];
        }
    }
}

static uint32_t
crc32c_step(uint32_t crc, uint8_t byte)
{
    return (crc >> 8) ^ crc32c_table[0][(crc ^ byte) & 0xffu];
}

uint32_t
crc32c_portable(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;

    (void)pthread_once(&crc32c_once, crc32c_table_init);
    crc = ~crc;
    for (; len >= CRC32C_TABLES; p += CRC32C_TABLES, len -= CRC32C_TABLES) {
        uint32_t next = 0;

        for (unsigned i = 0; i < CRC32C_TABLES; i++) {
            uint32_t folded = i < 4 ? (crc >> (8 * i)) & 0xffu : 0;

            next ^= crc32c_table[CRC32C_TABLES - 1 - i][p[i] ^ folded];
        }
        crc = next;
    }
    for (; len > 0; p++, len--) {
        crc = crc32c_step(crc, *p);
    }
    return ~crc;
}

#ifdef __x86_64__
static uint32_t __attribute__((target("sse4.2")))
crc32c_sse42(uint32_t crc, const uint8_t *p, size_t len)
{
    uint64_t wide = ~crc;

    for (; len >= sizeof(uint64_t);
         p += sizeof(uint64_t), len -= sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, p, sizeof(word));
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; len > 0; p++, len--) {
        crc = __builtin_ia32_crc32qi(crc, *p);
    }
    return ~crc;
}

uint32_t
crc32c(uint32_t crc, const void *data, size_t len)
{
    return __builtin_cpu_supports("sse4.2") ? crc32c_sse42(crc, data, len)
                                            : crc32c_portable(crc, data, len);
}
#else
uint32_t
crc32c(uint32_t crc, const void *data, size_t len)
{
    return crc32c_portable(crc, data, len);
}
#endif
