/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/subscription.h"

#include "base/hash.h"
#include "policy/selector.h"
#include "server/core/core_private.h"

#include <stdlib.h>

bool
subscription_has_credit(const struct subscription *sub)
{
    if (sub->closed || sub->client->congested || sub->client->stopped) {
        return false;
    }
    if (sub->in_flight_count == 0) {
        return sub->prefetch > 0;
    }
    return sub->in_flight_count < sub->prefetch &&
           sub->in_flight_bytes < sub->prefetch_bytes;
}

void
subscription_free_if_done(struct subscription *sub)
{
    if (!sub->closed || sub->in_flight_count > 0) {
        return;
    }
    DL_DELETE(sub->client->subscriptions, sub);
    sub->client->core->stats.subscriptions--;
    selector_free(&sub->selector);
    free(sub);
}
