/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The version table and the choice of a version.
 * Source: STOMP 1.2, "Protocol Negotiation"; stomp.md 4.1-4.3, I14.
 */
#include "protocol/version.h"

static const struct version_rules version_table[] = {
    [STOMP_NONE] = { .text = "" },
    [STOMP_1_0] = {
        .text = "1.0",
        .trims_values = true,
        .drops_empty_values = true,
    },
    [STOMP_1_1] = {
        .text = "1.1",
        .escapes = true,
        .checks_utf8 = true,
        .refuses_bodies = true,
        .heart_beats = true,
        .needs_subscription_id = true,
    },
    [STOMP_1_2] = {
        .text = "1.2",
        .escapes = true,
        .escapes_cr = true,
        .bare_cr_is_error = true,
        .checks_utf8 = true,
        .refuses_bodies = true,
        .heart_beats = true,
        .ack_by_id = true,
        .needs_subscription_id = true,
    },
};

const struct version_rules *
version_rules(enum stomp_version version)
{
    return &version_table[version];
}

enum stomp_version
version_negotiate(struct span accept_version)
{
    enum stomp_version best = STOMP_NONE;
    struct span rest = accept_version;

    if (accept_version.data == NULL) {
        return STOMP_1_0;
    }
    while (rest.data != NULL) {
        struct span item = span_trim(span_split(&rest, ','));

        for (enum stomp_version v = STOMP_1_2; v > best; v--) {
            if (span_equal(item, span_of_text(version_table[v].text))) {
                best = v;
            }
        }
    }
    return best;
}
