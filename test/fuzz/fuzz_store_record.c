/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes what is read from a disk: a key, its length in the first octet, and
 * the value behind it.  The checksum is put right first, or nothing would get
 * past it.  What must hold: what is decoded lies within the value, and is the
 * same once encoded and decoded again.
 */
#include "storage/store_record.h"

#include "storage/crc32c.h"
#include "test/fuzz/fuzz_target.h"

#include <assert.h>

enum { FUZZ_CRC_OFFSET = 4, FUZZ_PREFIX_SIZE = 8 };

static void
fuzz_seal(struct span key, struct buf *value)
{
    uint32_t crc = crc32c(0, key.data, key.len);

    if (value->len < FUZZ_PREFIX_SIZE) {
        return;
    }
    crc = crc32c(crc, value->data, FUZZ_CRC_OFFSET);
    crc = crc32c(crc, value->data + FUZZ_PREFIX_SIZE,
                 value->len - FUZZ_PREFIX_SIZE);
    for (int i = 0; i < 4; i++) {
        value->data[FUZZ_CRC_OFFSET + i] = (char)(uint8_t)(crc >> (24 - 8 * i));
    }
}

static void
fuzz_record(struct span key, struct span value)
{
    struct store_record record;
    struct store_record again;
    struct buf out = BUF_INIT;

    if (store_record_decode(key, value, &record) != STORE_DECODE_OK) {
        return;
    }
    assert(STORE_RECORD_HEADER_SIZE + record.headers.len + record.body.len ==
           value.len);
    assert(record.headers.data >= value.data &&
           record.body.data + record.body.len == value.data + value.len);
    store_record_encode(&record, key, &out);
    assert(store_record_decode(key, buf_span(&out), &again) == STORE_DECODE_OK);
    assert(again.seq == record.seq && again.persistent == record.persistent &&
           again.priority == record.priority &&
           again.timestamp_ms == record.timestamp_ms &&
           again.expires_ms == record.expires_ms &&
           span_equal(again.headers, record.headers) &&
           span_equal(again.body, record.body));
    buf_fini(&out);
}

static void
fuzz_journal(struct span key, struct span value)
{
    struct store_journal journal;
    struct store_journal again;
    struct buf out = BUF_INIT;

    if (store_journal_decode(key, value, &journal) != STORE_DECODE_OK) {
        return;
    }
    store_journal_encode(&journal, key, &out);
    assert(store_journal_decode(key, buf_span(&out), &again) ==
           STORE_DECODE_OK);
    assert(again.kind == journal.kind && again.removed == journal.removed &&
           again.head == journal.head && again.reserved == journal.reserved &&
           span_equal(again.name, journal.name));
    buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of((const char *)data, size);
    struct store_format format;
    struct buf value = BUF_INIT;
    struct span key;

    if (size == 0 || size - 1 < data[0]) {
        return 0;
    }
    key = span_of(input.data + 1, data[0]);
    buf_append_span(&value, span_after(input, 1 + key.len));
    fuzz_seal(key, &value);
    fuzz_record(key, buf_span(&value));
    fuzz_journal(key, buf_span(&value));
    (void)store_format_decode(key, buf_span(&value), &format);
    buf_fini(&value);
    return 0;
}
