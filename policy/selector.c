/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/selector.h"

#include "policy/selector_build.h"
#include "policy/selector_parser.h"

#include <assert.h>
#include <stdlib.h>

int
selector_parse(struct span text, struct selector **selector_out,
               struct error *err)
{
    struct selector_builder *builder;
    bool fine;

    if (text.len > SELECTOR_TEXT_MAX) {
        return error_set_at(err, "", 0, 1,
                            "the selector is too long: %zu bytes, at most %d",
                            text.len, SELECTOR_TEXT_MAX);
    }
    if (!span_is_utf8(text)) {
        return error_set_at(err, "", 0, 1, "the selector is not valid UTF-8");
    }
    builder = selector_builder_new(text.len > 0 ? text : SPAN(""), err);
    if (builder == NULL) {
        return -1;
    }
    fine = selector_parser_run(builder) &&
           selector_build_finish(builder, selector_out);
    selector_builder_free(&builder);
    return fine ? 0 : -1;
}

void
selector_free(struct selector **selector)
{
    free(*selector);
    *selector = NULL;
}

struct span
selector_text(const struct selector *selector)
{
    return selector->text;
}

const struct selector_name *
selector_names(const struct selector *selector, size_t *count_out)
{
    *count_out = selector->name_count;
    return selector->names;
}

bool
selector_equality(const struct selector *selector,
                  const struct selector_name **name_out, struct span *value_out)
{
    const struct selector_step *left;
    const struct selector_step *right;

    if (selector->equality == 0) {
        return false;
    }
    left = &selector->steps[selector->equality - 2];
    right = &selector->steps[selector->equality - 1];
    if (left->op == SELECTOR_OP_CONSTANT) {
        const struct selector_step *swapped = left;

        left = right;
        right = swapped;
    }
    assert(left->op == SELECTOR_OP_NAME);
    *name_out = &selector->names[left->arg];
    *value_out = selector->constants[right->arg].text;
    return true;
}
