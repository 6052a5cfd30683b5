/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/ws_client.h"

#include "stompctl/sha1.h"
#include "test/testutil.h"

#include <stdio.h>

static struct ws_client ws;
static struct buf stream;
static struct buf out;
static struct error err;

static void
ws_setup(void)
{
    ws = WS_CLIENT_INIT;
    err = ERROR_INIT;
}

static void
ws_teardown(void)
{
    buf_fini(&stream);
    buf_fini(&out);
}

static enum ws_decode
ws_feed(const void *bytes, size_t len)
{
    return ws_client_decode(&ws, span_of(bytes, len), &stream, &out, &err);
}

START_TEST(sha1_gives_the_digests_of_rfc_3174)
{
    static const struct {
        const char *text;
        const char *digest;
    } rows[] = {
        { "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
        { "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned char digest[SHA1_BYTES];
        char text[2 * SHA1_BYTES + 1];

        sha1(rows[i].text, strlen(rows[i].text), digest);
        for (size_t k = 0; k < SHA1_BYTES; k++) {
            (void)snprintf(text + 2 * k, 3, "%02x", digest[k]);
        }
        ck_assert_str_eq(text, rows[i].digest);
    }
}
END_TEST

/* The key and its answer from RFC 6455, section 1.3. */
static const char sample_key[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char sample_answer[] =
    "HTTP/1.1 101 Switching Protocols\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

START_TEST(the_sample_answer_of_rfc_6455_is_taken)
{
    struct span answer = span_of_text(sample_answer);

    (void)snprintf(ws.key, sizeof(ws.key), "%s", sample_key);
    ck_assert_int_eq(ws_client_answer(&ws, answer, &err),
                     (ptrdiff_t)answer.len);
    answer.len--;
    ck_assert_int_eq(ws_client_answer(&ws, answer, &err), 0);
}
END_TEST

START_TEST(an_answer_to_another_key_is_refused)
{
    ws_client_request(&ws, "h", "80", "/stomp", "", &out);
    ck_assert_int_eq(ws_client_answer(&ws, span_of_text(sample_answer), &err),
                     -1);
    ck_assert_ptr_nonnull(strstr(err.text, "Sec-WebSocket-Accept"));
}
END_TEST

START_TEST(an_answer_that_is_no_upgrade_is_refused_with_its_first_line)
{
    ck_assert_int_eq(
        ws_client_answer(&ws, SPAN("HTTP/1.1 404 Not Found\r\n\r\n"), &err),
        -1);
    ck_assert_ptr_nonnull(strstr(err.text, "404 Not Found"));
}
END_TEST

START_TEST(the_request_names_host_path_and_subprotocols)
{
    ws_client_request(&ws, "::1", "8080", "/a", WS_CLIENT_SUBPROTOCOLS, &out);
    buf_append_char(&out, '\0');
    ck_assert_ptr_nonnull(strstr(out.data, "GET /a HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "Host: [::1]:8080\r\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "v12.stomp"));
    ck_assert_ptr_nonnull(strstr(out.data, ws.key));
    ck_assert_uint_eq(strlen(ws.key), WS_CLIENT_KEY_BYTES);
}
END_TEST

/* Payload lengths on both sides of each form of the length field. */
static const size_t frame_lengths[] = { 0, 1, 125, 126, 65535, 65536 };

START_TEST(a_frame_sent_is_masked_and_decodes_to_its_payload)
{
    size_t len = frame_lengths[_i];
    size_t header = len < 126 ? 6 : len < 65536 ? 8 : 14;
    struct buf payload = BUF_INIT;
    const unsigned char *bytes;

    memset(buf_reserve(&payload, len + 1), 'p', len + 1);
    payload.len = len;
    ws_client_frame(WS_BINARY, buf_span(&payload), &out);
    bytes = (const unsigned char *)out.data;
    ck_assert_uint_eq(out.len, header + len);
    ck_assert_uint_eq(bytes[0], 0x82);
    ck_assert_uint_eq(bytes[1] & 0x80U, 0x80U);
    for (size_t i = 0; i < len; i++) {
        ck_assert_uint_eq(bytes[header + i] ^ bytes[header - 4 + (i & 3)], 'p');
    }
    buf_fini(&payload);
}
END_TEST

START_TEST(a_frame_received_in_single_bytes_is_joined)
{
    static const char bytes[] = "\x82\x7e\x00\x80";
    struct buf in = BUF_INIT;

    buf_append(&in, bytes, 4);
    memset(buf_reserve(&in, 128), 'y', 128);
    in.len += 128;
    for (size_t i = 0; i < in.len; i++) {
        ck_assert_int_eq(ws_feed(in.data + i, 1), WS_DECODE_MORE);
    }
    ck_assert_uint_eq(stream.len, 128);
    ck_assert_int_eq(ws_feed("\x81\x01z", 3), WS_DECODE_MORE);
    ck_assert_uint_eq(stream.len, 129);
    buf_fini(&in);
}
END_TEST

START_TEST(fragments_with_a_ping_between_make_one_stream_and_a_pong)
{
    ck_assert_int_eq(ws_feed("\x01\x02"
                             "ab\x89\x01!\x80\x01"
                             "c",
                             10),
                     WS_DECODE_MORE);
    ck_assert(span_equal(buf_span(&stream), SPAN("abc")));
    ck_assert_uint_eq(out.len, 7);
    ck_assert_uint_eq((unsigned char)out.data[0], 0x8A);
    ck_assert_int_eq(out.data[6] ^ out.data[2], '!');
}
END_TEST

/* Notes where each message ended and its opcode. */
static void
ws_note_message(void *ctx, enum ws_opcode opcode)
{
    struct buf *notes = ctx;

    buf_appendf(notes, "%d:%zu ", (int)opcode, stream.len);
}

START_TEST(who_asks_is_told_where_messages_end)
{
    struct buf notes = BUF_INIT;

    ws.on_message = ws_note_message;
    ws.on_message_ctx = &notes;
    ck_assert_int_eq(ws_feed("\x01\x01"
                             "a"
                             "\x8A\x00"
                             "\x80\x01"
                             "b"
                             "\x82\x01"
                             "c"
                             "\x81\x00",
                             13),
                     WS_DECODE_MORE);
    buf_append_char(&notes, '\0');
    ck_assert_str_eq(notes.data, "1:2 2:3 1:3 ");
    ck_assert_uint_eq(ws.pongs, 1);
    buf_fini(&notes);
}
END_TEST

START_TEST(a_close_is_answered_and_told_with_code_and_reason)
{
    ck_assert_int_eq(ws_feed("\x88\x05\x03\xea"
                             "bad",
                             7),
                     WS_DECODE_CLOSED);
    ck_assert_ptr_nonnull(strstr(err.text, "1002: bad"));
    ck_assert_uint_eq((unsigned char)out.data[0], 0x88);
}
END_TEST

static const struct span broken_frames[] = {
    { "\xc2\x00", 2 },         /* reserved bit */
    { "\x82\x80", 2 },         /* masked by the server */
    { "\x80\x00", 2 },         /* continuation of nothing */
    { "\x01\x00\x01\x00", 4 }, /* a message inside a message */
    { "\x09\x00", 2 },         /* fragmented Ping */
    { "\x89\x7e\x00\x7e", 4 }, /* long Ping */
    { "\x83\x00", 2 },         /* unknown data opcode */
    { "\x8b\x00", 2 },         /* unknown control opcode */
};

START_TEST(a_frame_against_rfc_6455_is_refused)
{
    ck_assert_int_eq(ws_feed(broken_frames[_i].data, broken_frames[_i].len),
                     WS_DECODE_INVALID);
    ck_assert_str_ne(err.text, "");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("stompctl/ws_client");
    TCase *tcase = tcase_create("ws_client");

    tcase_add_checked_fixture(tcase, ws_setup, ws_teardown);
    tcase_add_test(tcase, sha1_gives_the_digests_of_rfc_3174);
    tcase_add_test(tcase, the_sample_answer_of_rfc_6455_is_taken);
    tcase_add_test(tcase, an_answer_to_another_key_is_refused);
    tcase_add_test(tcase,
                   an_answer_that_is_no_upgrade_is_refused_with_its_first_line);
    tcase_add_test(tcase, the_request_names_host_path_and_subprotocols);
    tcase_add_loop_test(
        tcase, a_frame_sent_is_masked_and_decodes_to_its_payload, 0,
        (int)(sizeof(frame_lengths) / sizeof(frame_lengths[0])));
    tcase_add_test(tcase, a_frame_received_in_single_bytes_is_joined);
    tcase_add_test(tcase,
                   fragments_with_a_ping_between_make_one_stream_and_a_pong);
    tcase_add_test(tcase, who_asks_is_told_where_messages_end);
    tcase_add_test(tcase, a_close_is_answered_and_told_with_code_and_reason);
    tcase_add_loop_test(
        tcase, a_frame_against_rfc_6455_is_refused, 0,
        (int)(sizeof(broken_frames) / sizeof(broken_frames[0])));
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
