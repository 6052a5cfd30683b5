/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser when memory is out: the n-th growth fails, for n = 1, 2, 3 …
 * until a run needs no more of them.  try_malloc and try_realloc are wrapped
 * by the linker.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "protocol/frame_parser.h"
#include "test/testutil.h"

#include <stdlib.h>

enum { MEMORY_HEADERS = 40, MEMORY_BODY_BYTES = 200000 };

void *__real_try_malloc(size_t size);
void *__real_try_realloc(void *ptr, size_t size);
void *__wrap_try_malloc(size_t size);
void *__wrap_try_realloc(void *ptr, size_t size);

static unsigned memory_left; /* growths that still work; 0 = fail */

static bool
memory_is_out(void)
{
    if (memory_left == 0) {
        return true;
    }
    memory_left--;
    return false;
}

void *
__wrap_try_malloc(size_t size)
{
    return memory_is_out() ? NULL : __real_try_malloc(size);
}

void *
__wrap_try_realloc(void *ptr, size_t size)
{
    return memory_is_out() ? NULL : __real_try_realloc(ptr, size);
}

/* A frame that makes every buffer of the parser grow. */
static void
memory_fill(struct buf *text)
{
    buf_append_span(text, SPAN("SEND\nreceipt:1\n"));
    for (int i = 0; i < MEMORY_HEADERS; i++) {
        buf_appendf(text, "header-%d:some\\cvalue\n", i);
    }
    buf_appendf(text, "content-length:%d\n\n", MEMORY_BODY_BYTES);
    memset(buf_reserve(text, MEMORY_BODY_BYTES), 'b', MEMORY_BODY_BYTES);
    text->len += MEMORY_BODY_BYTES;
    buf_append_char(text, '\0');
}

static enum frame_parse
memory_feed(struct frame_parser *parser, struct span text, size_t piece_bytes,
            struct error *err)
{
    enum frame_parse outcome = FRAME_PARSE_MORE;
    const struct frame *frame = NULL;

    while (text.len > 0 && outcome == FRAME_PARSE_MORE) {
        size_t count = piece_bytes < text.len ? piece_bytes : text.len;
        struct span in = span_of(text.data, count);

        outcome = frame_parser_feed(parser, &in, &frame, err);
        text = span_after(text, count);
    }
    if (outcome == FRAME_PARSE_FRAME) {
        ck_assert_uint_eq(frame->header_count, MEMORY_HEADERS + 2);
        ck_assert_uint_eq(frame->body.len, MEMORY_BODY_BYTES);
    }
    return outcome;
}

/* Returns how many growths failed, one per run, before a run went well. */
static unsigned
memory_fail_each(struct span text, size_t piece_bytes)
{
    for (unsigned growths = 0;; growths++) {
        struct frame_parser *parser = frame_parser_new(&frame_limits_default);
        struct error err = ERROR_INIT;
        enum frame_parse outcome;

        frame_parser_set_version(parser, STOMP_1_2);
        memory_left = growths;
        outcome = memory_feed(parser, text, piece_bytes, &err);
        if (outcome == FRAME_PARSE_FRAME) {
            frame_parser_free(&parser);
            return growths;
        }
        ck_assert_int_eq(outcome, FRAME_PARSE_TOO_BIG);
        ck_assert_ptr_nonnull(strstr(err.text, "out of memory for the frame"));
        /* What is told of the frame must not point at what is gone. */
        for (size_t i = 0; i < frame_parser_rejected(parser)->header_count;
             i++) {
            struct frame_header header =
                frame_parser_rejected(parser)->headers[i];

            ck_assert(i == 0 ? span_equal(header.name, SPAN("receipt"))
                             : span_starts_with(header.name, SPAN("header-")) ||
                                   header.id == HEADER_CONTENT_LENGTH);
        }
        frame_parser_free(&parser);
    }
}

START_TEST(out_of_memory_is_too_big_wherever_it_strikes)
{
    static const size_t pieces[] = { 1000000, 4096, 100, 1 };
    struct buf text = BUF_INIT;

    memory_fill(&text);
    ck_assert_uint_gt(memory_fail_each(buf_span(&text), pieces[_i]), 3);
    buf_fini(&text);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("frame_parser_memory");
    TCase *tcase = tcase_create("memory");

    tcase_add_loop_test(tcase, out_of_memory_is_too_big_wherever_it_strikes, 0,
                        4);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
