/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes destination texts.  The first octet switches refuse_plain.  What
 * must hold: names lie in the text, are valid and not repeated; written again
 * with their prefixes they read the same.
 */
#include "protocol/destination_name.h"

#include "base/buf.h"
#include "test/fuzz/fuzz_target.h"

#include <assert.h>
#include <stdlib.h>

static void
fuzz_check_name(const struct destination_name *name, struct span text)
{
    assert(name->name.len > 0 && name->name.len <= DESTINATION_NAME_BYTES);
    assert(name->name.data >= text.data &&
           name->name.data + name->name.len <= text.data + text.len);
    assert(memchr(name->name.data, ',', name->name.len) == NULL);
    assert(memchr(name->name.data, '?', name->name.len) == NULL);
    assert(name->wildcard == destination_name_has_wildcard(name->name));
    for (size_t i = 0; i < name->name.len; i++) {
        unsigned char c = (unsigned char)name->name.data[i];

        assert(c >= 0x20 && c != 0x7F);
    }
}

static bool
fuzz_same(const struct destination_name *a, const struct destination_name *b)
{
    return a->kind == b->kind && a->remote == b->remote &&
           span_equal(a->name, b->name);
}

static void
fuzz_write_names(struct buf *out, const struct destination_name *names,
                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct span prefix = destination_name_prefix(names[i].kind);

        if (names[i].remote) {
            buf_append_span(out, SPAN("/remote-"));
            prefix = span_after(prefix, 1);
        }
        buf_append_span(out, prefix);
        buf_append_span(out, names[i].name);
        buf_append_char(out, ',');
    }
}

static void
fuzz_read_again(const struct destination_name *names, size_t count)
{
    struct destination_name again[DESTINATION_COMPOSITE_COUNT];
    struct destination_name_options options = { .refuse_plain = true };
    struct buf text = BUF_INIT;
    size_t again_count = 0;

    fuzz_write_names(&text, names, count);
    if (destination_name_parse(buf_span(&text), &options, again, &again_count,
                               NULL) != 0 ||
        again_count != count) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        assert(fuzz_same(&names[i], &again[i]));
    }
    buf_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct destination_name names[DESTINATION_COMPOSITE_COUNT];
    struct destination_name_options options;
    struct error err = ERROR_INIT;
    size_t count = 0;
    struct span text;

    if (size < 1) {
        return 0;
    }
    options.refuse_plain = data[0] == '!';
    text = span_of((const char *)data + 1, size - 1);
    if (destination_name_parse(text, &options, names, &count, &err) != 0) {
        assert(err.text[0] != '\0');
        return 0;
    }
    assert(count > 0 && count <= DESTINATION_COMPOSITE_COUNT);
    for (size_t i = 0; i < count; i++) {
        fuzz_check_name(&names[i], text);
        for (size_t k = 0; k < i; k++) {
            assert(!fuzz_same(&names[i], &names[k]));
        }
    }
    fuzz_read_again(names, count);
    return 0;
}
