/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/delivery.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

/* Enough for a burst; more go back to malloc. */
enum { DELIVERY_SPARE_MAX = 65536 };

struct delivery *
delivery_new(struct delivery_pool *pool, struct message *msg)
{
    struct delivery *delivery = pool->spare;

    if (delivery != NULL) {
        pool->spare = delivery->next;
        pool->spare_count--;
    } else {
        delivery = xmalloc(sizeof(*delivery));
    }
    *delivery = (struct delivery){
        .msg = msg,
        .slot = STORE_SLOT_NONE,
    };
    return delivery;
}

void
delivery_free(struct delivery_pool *pool, struct delivery **delivery)
{
    struct delivery *gone = *delivery;

    *delivery = NULL;
    assert(gone->tx == NULL);
    if (gone->quota != NULL) {
        quota_release(gone->quota, message_bytes(gone->msg));
    }
    message_unref(&gone->msg);
    if (pool->spare_count >= DELIVERY_SPARE_MAX) {
        free(gone);
        return;
    }
    gone->next = pool->spare;
    pool->spare = gone;
    pool->spare_count++;
}

void
delivery_pool_fini(struct delivery_pool *pool)
{
    while (pool->spare != NULL) {
        struct delivery *gone = pool->spare;

        pool->spare = gone->next;
        free(gone);
    }
    pool->spare_count = 0;
}
