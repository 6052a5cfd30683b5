/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

#include "test/testutil.h"

#include <stdio.h>

/* Key and input are 00, 01, 02 …; the results are the reference code's. */
static const struct {
    size_t len;
    const char *hash;
} vectors[] = {
    { 0, "a3817f04ba25a8e66df67214c7550293" },
    { 1, "da87c1d86b99af44347659119b22fc45" },
    { 7, "a1f1ebbed8dbc153c0b84aa61ff08239" },
    { 8, "3b62a9ba6258f5610f83e264f31497b4" },
    { 15, "5493e99933b0a8117e08ec0f97cfc3d9" },
    { 16, "6ee2a4ca67b054bbfd3315bf85230577" },
    { 63, "5150d1772f50834a503e069a973fbd7c" },
};

static void
hash_text(struct span first, struct span second, char text[33])
{
    uint8_t key[16];
    struct siphash hash;
    uint64_t out[2];

    for (uint8_t i = 0; i < sizeof(key); i++) {
        key[i] = i;
    }
    siphash_init(&hash, key);
    siphash_add(&hash, first);
    siphash_add(&hash, second);
    siphash_end(&hash, out);
    for (unsigned i = 0; i < 16; i++) {
        (void)snprintf(text + (size_t)i * 2, 3, "%02x",
                       (unsigned)(out[i / 8] >> (i % 8 * 8) & 0xff));
    }
}

START_TEST(agrees_with_the_reference)
{
    char input[64];
    char text[33];

    for (size_t i = 0; i < sizeof(input); i++) {
        input[i] = (char)i;
    }
    hash_text(span_of(input, vectors[_i].len), SPAN_NONE, text);
    ck_assert_str_eq(text, vectors[_i].hash);
    for (size_t cut = 0; cut <= vectors[_i].len; cut++) {
        hash_text(span_of(input, cut),
                  span_of(input + cut, vectors[_i].len - cut), text);
        ck_assert_str_eq(text, vectors[_i].hash);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("siphash");
    TCase *tc = tcase_create("siphash");

    tcase_add_loop_test(tc, agrees_with_the_reference, 0,
                        sizeof(vectors) / sizeof(vectors[0]));
    suite_add_tcase(suite, tc);
    return testutil_run(suite);
}
