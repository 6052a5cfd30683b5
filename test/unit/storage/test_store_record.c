/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "storage/crc32c.h"
#include "storage/store_record.h"
#include "test/testutil.h"

#include <stdlib.h>

static const struct store_record sample = {
    .seq = 0x0102030405060708,
    .persistent = true,
    .priority = 7,
    .timestamp_ms = 1700000000123,
    .expires_ms = -1,
    .headers = { .data = "a:1\nb:2\n", .len = 8 },
    .body = { .data = "hello\0world", .len = 11 },
};

START_TEST(crc32c_gives_the_values_of_rfc_3720)
{
    char bytes[32];

    memset(bytes, 0, sizeof(bytes));
    ck_assert_uint_eq(crc32c(0, bytes, 32), 0x8a9136aau);
    memset(bytes, 0xff, sizeof(bytes));
    ck_assert_uint_eq(crc32c(0, bytes, 32), 0x62a8ab43u);
    for (int i = 0; i < 32; i++) {
        bytes[i] = (char)i;
    }
    ck_assert_uint_eq(crc32c(0, bytes, 32), 0x46dd794eu);
    ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283u);
}
END_TEST

START_TEST(crc32c_is_the_same_without_the_instruction_and_in_parts)
{
    char bytes[257];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)(uint8_t)(i * 31 + 7);
    }
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        uint32_t whole = crc32c(0, bytes, len);
        size_t cut = len / 3;

        ck_assert_uint_eq(crc32c_portable(0, bytes, len), whole);
        ck_assert_uint_eq(crc32c(crc32c(0, bytes, cut), bytes + cut, len - cut),
                          whole);
    }
}
END_TEST

START_TEST(keys_sort_as_their_numbers_do)
{
    static const uint64_t seqs[] = { 0,     1,          255,       256,
                                     65536, 1ull << 40, UINT64_MAX };

    for (size_t i = 0; i + 1 < sizeof(seqs) / sizeof(seqs[0]); i++) {
        struct store_key a = store_key_record(3, seqs[i]);
        struct store_key b = store_key_record(3, seqs[i + 1]);
        struct store_key c = store_key_record(4, 0);

        ck_assert_int_lt(memcmp(a.bytes, b.bytes, a.len), 0);
        ck_assert_int_lt(memcmp(b.bytes, c.bytes, b.len), 0);
    }
}
END_TEST

START_TEST(keys_are_parsed_as_they_were_made)
{
    struct store_key record = store_key_record(0x01020304, 0xfffefdfc12345678);
    struct store_key queue = store_key_queue(77);
    uint32_t journal = 0;
    uint64_t seq = 0;

    ck_assert(store_key_record_parse(store_key_span(&record), &journal, &seq));
    ck_assert_uint_eq(journal, 0x01020304);
    ck_assert_uint_eq(seq, 0xfffefdfc12345678);
    ck_assert(store_key_queue_parse(store_key_span(&queue), &journal));
    ck_assert_uint_eq(journal, 77);
    ck_assert(!store_key_record_parse(store_key_span(&queue), &journal, &seq));
    ck_assert(!store_key_queue_parse(store_key_span(&record), &journal));
    record.len--;
    ck_assert(!store_key_record_parse(store_key_span(&record), &journal, &seq));
    ck_assert(!store_key_record_parse(SPAN_NONE, &journal, &seq));
    ck_assert(!store_key_queue_parse(SPAN_NONE, &journal));
}
END_TEST

START_TEST(record_comes_back_as_it_was)
{
    struct store_key key = store_key_record(1, sample.seq);
    struct buf value = BUF_INIT;
    struct store_record got;

    store_record_encode(&sample, store_key_span(&key), &value);
    ck_assert_uint_eq(value.len, STORE_RECORD_HEADER_SIZE + 19);
    ck_assert_int_eq(
        store_record_decode(store_key_span(&key), buf_span(&value), &got),
        STORE_DECODE_OK);
    ck_assert_uint_eq(got.seq, sample.seq);
    ck_assert(got.persistent);
    ck_assert_uint_eq(got.priority, 7);
    ck_assert_int_eq(got.timestamp_ms, sample.timestamp_ms);
    ck_assert_int_eq(got.expires_ms, -1);
    ck_assert(span_equal(got.headers, sample.headers));
    ck_assert(span_equal(got.body, sample.body));
    buf_fini(&value);
}
END_TEST

/* Bytes of version 1 as the first release wrote them: whoever changes the
 * layout must still read these. */
START_TEST(layout_of_version_1_is_as_released)
{
    static const char layout[] =
        "\x01\x01\x07\x00\x00\x00\x00\x00"
        "\x00\x00\x01\x8b\xcf\xe5\x68\x7b\xff\xff\xff\xff\xff\xff\xff\xff"
        "\x00\x00\x00\x08\x00\x00\x00\x0b"
        "a:1\nb:2\nhello\0world";
    struct store_key key = store_key_record(1, sample.seq);
    struct buf value = BUF_INIT;

    store_record_encode(&sample, store_key_span(&key), &value);
    ck_assert_uint_eq(value.len, sizeof(layout) - 1);
    memset(value.data + 4, 0, 4); /* the checksum */
    ck_assert_mem_eq(value.data, layout, value.len);
    buf_fini(&value);
}
END_TEST

START_TEST(any_flipped_bit_of_key_or_value_is_noticed)
{
    struct store_key key = store_key_record(1, sample.seq);
    struct buf value = BUF_INIT;
    struct store_record got;
    size_t bits;

    store_record_encode(&sample, store_key_span(&key), &value);
    bits = 8 * value.len;
    for (size_t bit = 0; bit < bits; bit++) {
        value.data[bit / 8] ^= (char)(1 << bit % 8);
        ck_assert_int_eq(
            store_record_decode(store_key_span(&key), buf_span(&value), &got),
            STORE_DECODE_CORRUPT);
        value.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    key.bytes[12] ^= 1;
    ck_assert_int_eq(
        store_record_decode(store_key_span(&key), buf_span(&value), &got),
        STORE_DECODE_CORRUPT);
    buf_fini(&value);
}
END_TEST

/* Exact-size copies, so that a sanitizer sees a read past the end. */
START_TEST(short_value_is_corrupt_whatever_it_claims)
{
    struct store_key key = store_key_record(1, sample.seq);
    struct buf value = BUF_INIT;
    struct store_record got;
    struct store_journal journal;
    struct store_format format;

    store_record_encode(&sample, store_key_span(&key), &value);
    for (size_t len = 0; len < value.len; len++) {
        char *copy = xmalloc(len);
        struct span cut = span_of(copy, len);

        memcpy(copy, value.data, len);
        ck_assert_int_eq(store_record_decode(store_key_span(&key), cut, &got),
                         STORE_DECODE_CORRUPT);
        ck_assert_int_eq(
            store_journal_decode(store_key_span(&key), cut, &journal),
            STORE_DECODE_CORRUPT);
        ck_assert_int_eq(
            store_format_decode(store_key_span(&key), cut, &format),
            STORE_DECODE_CORRUPT);
        free(copy);
    }
    buf_fini(&value);
}
END_TEST

/* Puts a right checksum on whatever value holds. */
static void
reseal(struct span key, struct buf *value)
{
    uint32_t crc = crc32c(0, key.data, key.len);

    crc = crc32c(crc, value->data, 4);
    crc = crc32c(crc, value->data + 8, value->len - 8);
    for (int i = 0; i < 4; i++) {
        value->data[4 + i] = (char)(uint8_t)(crc >> (24 - 8 * i));
    }
}

START_TEST(lengths_are_not_trusted_even_under_a_right_checksum)
{
    struct store_key key = store_key_record(1, sample.seq);
    struct buf value = BUF_INIT;
    struct store_record got;

    store_record_encode(&sample, store_key_span(&key), &value);
    for (int at = 24; at < 32; at++) {
        value.data[at] ^= (char)0xff;
        reseal(store_key_span(&key), &value);
        ck_assert_int_eq(
            store_record_decode(store_key_span(&key), buf_span(&value), &got),
            STORE_DECODE_CORRUPT);
        value.data[at] ^= (char)0xff;
    }
    buf_fini(&value);
}
END_TEST

START_TEST(newer_version_is_told_from_damage)
{
    struct store_key key = store_key_record(1, sample.seq);
    struct buf value = BUF_INIT;
    struct store_record got;

    store_record_encode(&sample, store_key_span(&key), &value);
    value.data[0] = 2;
    ck_assert_int_eq(
        store_record_decode(store_key_span(&key), buf_span(&value), &got),
        STORE_DECODE_CORRUPT);
    reseal(store_key_span(&key), &value);
    ck_assert_int_eq(
        store_record_decode(store_key_span(&key), buf_span(&value), &got),
        STORE_DECODE_NEWER);
    value.data[0] = 0;
    reseal(store_key_span(&key), &value);
    ck_assert_int_eq(
        store_record_decode(store_key_span(&key), buf_span(&value), &got),
        STORE_DECODE_CORRUPT);
    buf_fini(&value);
}
END_TEST

START_TEST(journal_and_format_come_back_as_they_were)
{
    struct store_key key = store_key_queue(9);
    struct store_journal journal = {
        .kind = DESTINATION_TEMP_QUEUE,
        .removed = true,
        .head = 1ull << 50,
        .reserved = UINT64_MAX,
        .name = SPAN("a.b"),
    };
    struct store_format format = { .created_ms = 5, .epoch = 6, .clean = true };
    struct store_journal journal_got;
    struct store_format format_got;
    struct buf value = BUF_INIT;

    store_journal_encode(&journal, store_key_span(&key), &value);
    ck_assert_int_eq(store_journal_decode(store_key_span(&key),
                                          buf_span(&value), &journal_got),
                     STORE_DECODE_OK);
    ck_assert_int_eq(journal_got.kind, DESTINATION_TEMP_QUEUE);
    ck_assert(journal_got.removed);
    ck_assert_uint_eq(journal_got.head, 1ull << 50);
    ck_assert_uint_eq(journal_got.reserved, UINT64_MAX);
    ck_assert(span_equal(journal_got.name, SPAN("a.b")));
    value.data[2] = DESTINATION_KIND_COUNT;
    reseal(store_key_span(&key), &value);
    ck_assert_int_eq(store_journal_decode(store_key_span(&key),
                                          buf_span(&value), &journal_got),
                     STORE_DECODE_CORRUPT);

    key = store_key_format();
    buf_clear(&value);
    memset(format.uuid, 0xab, sizeof(format.uuid));
    store_format_encode(&format, store_key_span(&key), &value);
    ck_assert_int_eq(store_format_decode(store_key_span(&key), buf_span(&value),
                                         &format_got),
                     STORE_DECODE_OK);
    ck_assert_mem_eq(format_got.uuid, format.uuid, STORE_UUID_SIZE);
    ck_assert_int_eq(format_got.created_ms, 5);
    ck_assert_uint_eq(format_got.epoch, 6);
    ck_assert(format_got.clean);
    buf_fini(&value);
}
END_TEST

START_TEST(block_comes_back_as_it_was)
{
    struct store_key key = store_key_block(9, 1ull << 50);
    struct store_head_count count = { .live = 1024,
                                      .spilled = 1024,
                                      .bytes = 1ull << 50 };
    struct store_head_count got = { .live = 0 };
    struct buf value = BUF_INIT;
    uint32_t journal;
    uint64_t number;

    ck_assert(store_key_block_parse(store_key_span(&key), &journal, &number));
    ck_assert_uint_eq(journal, 9);
    ck_assert_uint_eq(number, 1ull << 50);
    store_block_encode(count, store_key_span(&key), &value);
    ck_assert_int_eq(
        store_block_decode(store_key_span(&key), buf_span(&value), &got),
        STORE_DECODE_OK);
    ck_assert_uint_eq(got.live, 1024);
    ck_assert_uint_eq(got.spilled, 1024);
    ck_assert_uint_eq(got.bytes, 1ull << 50);
    /* More than a block has room for, more spilled than there are, too long. */
    for (int i = 0; i < 3; i++) {
        struct span cut = buf_span(&value);

        value.data[11] = (char)(i == 0 ? 1 : 0);
        value.data[10] = (char)(i == 1 ? 3 : 4);
        if (i == 2) {
            buf_append_char(&value, 'x');
            cut = buf_span(&value);
        }
        reseal(store_key_span(&key), &value);
        ck_assert_int_eq(store_block_decode(store_key_span(&key), cut, &got),
                         STORE_DECODE_CORRUPT);
    }
    buf_fini(&value);
}
END_TEST

/* The bytes that stompd wrote before journals were counted. */
START_TEST(journal_of_version_1_is_read_as_not_counted)
{
    struct store_key key = store_key_queue(9);
    struct store_journal journal = { .counted_to = 7, .name = SPAN("a.b") };
    struct store_journal got;
    struct store_format format = { .epoch = 6 };
    struct store_format format_got;
    struct buf value = BUF_INIT;

    store_journal_encode(&journal, store_key_span(&key), &value);
    ck_assert_int_eq(
        store_journal_decode(store_key_span(&key), buf_span(&value), &got),
        STORE_DECODE_OK);
    ck_assert_uint_eq(got.counted_to, 7);
    ck_assert_int_eq(value.data[0], 2);
    value.data[0] = 1;
    memmove(value.data + 24, value.data + 32, value.len - 32);
    value.len -= 8;
    reseal(store_key_span(&key), &value);
    ck_assert_int_eq(
        store_journal_decode(store_key_span(&key), buf_span(&value), &got),
        STORE_DECODE_OK);
    ck_assert_uint_eq(got.counted_to, 0);
    ck_assert(span_equal(got.name, SPAN("a.b")));

    key = store_key_format();
    buf_clear(&value);
    store_format_encode(&format, store_key_span(&key), &value);
    ck_assert_int_eq(value.data[0], 2);
    value.data[0] = 1;
    reseal(store_key_span(&key), &value);
    ck_assert_int_eq(store_format_decode(store_key_span(&key), buf_span(&value),
                                         &format_got),
                     STORE_DECODE_OK);
    ck_assert_uint_eq(format_got.epoch, 6);
    buf_fini(&value);
}
END_TEST

static Suite *
store_record_suite(void)
{
    Suite *suite = suite_create("store_record");
    TCase *tcase = tcase_create("layout");

    tcase_add_test(tcase, crc32c_gives_the_values_of_rfc_3720);
    tcase_add_test(tcase,
                   crc32c_is_the_same_without_the_instruction_and_in_parts);
    tcase_add_test(tcase, keys_sort_as_their_numbers_do);
    tcase_add_test(tcase, keys_are_parsed_as_they_were_made);
    tcase_add_test(tcase, record_comes_back_as_it_was);
    tcase_add_test(tcase, layout_of_version_1_is_as_released);
    tcase_add_test(tcase, any_flipped_bit_of_key_or_value_is_noticed);
    tcase_add_test(tcase, short_value_is_corrupt_whatever_it_claims);
    tcase_add_test(tcase, lengths_are_not_trusted_even_under_a_right_checksum);
    tcase_add_test(tcase, newer_version_is_told_from_damage);
    tcase_add_test(tcase, journal_and_format_come_back_as_they_were);
    tcase_add_test(tcase, block_comes_back_as_it_was);
    tcase_add_test(tcase, journal_of_version_1_is_read_as_not_counted);
    suite_add_tcase(suite, tcase);
    return suite;
}

int
main(void)
{
    return testutil_run(store_record_suite());
}
