/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/subscription.h"

#include "server/core/core.h"

bool
subscription_has_credit(const struct subscription *sub)
{
    if (sub->closed || sub->client->congested) {
        return false;
    }
    if (sub->in_flight_count == 0) {
        return sub->prefetch > 0;
    }
    return sub->in_flight_count < sub->prefetch &&
           sub->in_flight_bytes < sub->prefetch_bytes;
}
