/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/queue_browse.h"

#include "base/alloc.h"
#include "server/core/core_private.h"
#include "server/core/queue_walk.h"

#include <stdlib.h>

struct queue_browser {
    struct queue_walk walk;
    struct subscription *sub;
    uint64_t left; /* copies until maxBrowsePageSize */
    bool follow;
};

static struct queue_browser *
browser_of(struct queue_walk *walk)
{
    return container_of(walk, struct queue_browser, walk);
}

static size_t
browser_room(struct queue_walk *walk)
{
    const struct queue_browser *browser = browser_of(walk);
    const struct subscription *sub = browser->sub;
    uint64_t room = sub->prefetch - sub->in_flight_count;

    if (!subscription_has_credit(sub)) {
        return 0;
    }
    return (size_t)(room < browser->left ? room : browser->left);
}

static void
browser_show(struct queue_browser *browser, struct message *msg)
{
    struct subscription *sub = browser->sub;

    if (message_is_expired(msg, sub->client->core->now_ms)) {
        return;
    }
    sub->in_flight_count++;
    sub->in_flight_bytes += msg->tail.len;
    sub->client->ops->deliver(sub->client->ctx, sub, msg, NULL);
    if (--browser->left == 0) {
        browser->walk.end = 0; /* that was all */
    }
}

static void
browser_on_held(struct queue_walk *walk, struct delivery *delivery)
{
    browser_show(browser_of(walk), delivery->msg);
}

static void
browser_on_paged(struct queue_walk *walk, const struct store_record *record,
                 struct message *msg)
{
    (void)record;
    browser_show(browser_of(walk), msg);
}

static void
browser_on_ended(struct queue_walk *walk, bool whole)
{
    struct queue_browser *browser = browser_of(walk);
    struct subscription *sub = browser->sub;

    if (whole && browser->follow) {
        return;
    }
    queue_browser_free(&sub->browser);
    sub->client->ops->browsed(sub->client->ctx, sub);
}

static const struct queue_walk_ops browser_ops = {
    .room = browser_room,
    .held = browser_on_held,
    .paged = browser_on_paged,
    .ended = browser_on_ended,
};

struct queue_browser *
queue_browser_new(struct queue *queue, struct subscription *sub, uint32_t max,
                  bool follow)
{
    struct queue_browser *browser = xcalloc(1, sizeof(*browser));

    browser->sub = sub;
    browser->follow = follow;
    browser->left = max > 0 && !follow ? max : UINT64_MAX;
    queue_walk_begin(&browser->walk, queue, sub->selector, &browser_ops);
    return browser;
}

void
queue_browser_resume(struct queue_browser *browser)
{
    queue_mark_dirty(browser->walk.queue);
}

void
queue_browser_free(struct queue_browser **browser)
{
    struct queue_browser *gone = *browser;

    *browser = NULL;
    if (gone != NULL) {
        queue_walk_end(&gone->walk);
        free(gone);
    }
}
