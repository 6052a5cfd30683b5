/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One that browses, and one that purges.  A browser is shown, in order and
 * once, what is held when it comes by; at its end it has been shown all that
 * was there when it began and still is.  A purge removes what waits, and says
 * how much that was.
 */
#include "test/unit/core/property.h"

#include "policy/selector.h"

#include <stdio.h>
#include <string.h>

enum { PURGE_TURNS_MAX = 1000 };

bool purging;

static struct {
    struct client client;
    struct subscription *sub; /* NULL: looks at nothing */
    struct model_sub wants;
    uint64_t end;  /* place: what was there when it began */
    int last;      /* id of the one shown last, or -1 */
    unsigned sent; /* shown, and not left yet */
    size_t sent_bytes;
    bool shown[MESSAGES_MAX];
} viewer;

static bool
is_held(const struct model_message *msg)
{
    return msg->state == WAITING || msg->state == DELAYED ||
           msg->state == IN_FLIGHT;
}

/* Whether the one comes before the other where the queue is browsed. */
static bool
is_before(const struct model_message *one, const struct model_message *other)
{
    bool prioritized = queue_at(one->queue)->base.policy->prioritized_messages;

    if (prioritized && one->priority != other->priority) {
        return one->priority > other->priority;
    }
    return one->place < other->place;
}

static void
on_shown(void *ctx, struct subscription *sub, struct message *msg,
         struct delivery *delivery)
{
    int id = body_number(msg->body.data); /* a NUL follows */

    (void)ctx;
    ck_assert_ptr_null(delivery);
    ck_assert_int_lt(id, message_count);
    ck_assert_int_eq(messages[id].queue, viewer.wants.queue);
    ck_assert_uint_lt(messages[id].place, viewer.end);
    ck_assert_msg(is_held(&messages[id]), "%d was shown in state %d", id,
                  (int)messages[id].state);
    ck_assert(selects(&viewer.wants, messages[id].key));
    ck_assert(!has_expired(messages[id].expires_ms));
    ck_assert_uint_le(sub->in_flight_count, sub->prefetch);
    ck_assert(viewer.last < 0 ||
              is_before(&messages[viewer.last], &messages[id]));
    viewer.last = id;
    viewer.shown[id] = true;
    viewer.sent++;
    viewer.sent_bytes += msg->tail.len;
}

static void
on_browsed(void *ctx, struct subscription *sub)
{
    (void)ctx;
    ck_assert_ptr_eq(sub, viewer.sub);
    for (int i = 0; i < message_count; i++) {
        const struct model_message *msg = &messages[i];

        ck_assert_msg(viewer.shown[i] || msg->queue != viewer.wants.queue ||
                          !is_held(msg) || msg->doomed ||
                          msg->place >= viewer.end ||
                          has_expired(msg->expires_ms) ||
                          !selects(&viewer.wants, msg->key),
                      "%d was not shown: state %d, place %d of %d", i,
                      (int)msg->state, (int)msg->place, (int)viewer.end);
    }
}

static void
on_nothing_stored(void *ctx, store_ticket ticket, enum store_result result,
                  const struct error *err)
{
    (void)ctx;
    (void)ticket;
    (void)result;
    (void)err;
}

static const struct client_ops viewer_ops = { .deliver = on_shown,
                                              .browsed = on_browsed,
                                              .stored = on_nothing_stored };

static void
viewer_leaves(void)
{
    if (viewer.sent > 0) {
        core_sent(viewer.sub, viewer.sent, viewer.sent_bytes);
        viewer.sent = 0;
        viewer.sent_bytes = 0;
    }
}

void
viewer_open(void)
{
    memset(&viewer, 0, sizeof(viewer));
    core_client_open(f.core, &viewer.client, &viewer_ops, &viewer);
    viewer.client.name = "v";
    viewer.client.peer = "p";
}

void
viewer_close(void)
{
    viewer_leaves();
    core_client_close(&viewer.client);
}

static struct selector *
selector_for(const struct model_sub *wants)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "k = %d", wants->key);
    return wants->key >= 0 ? selector_of(text) : NULL;
}

static void
browse(void)
{
    struct subscribe_options options = options_of(ACK_AUTO, 1 + draw(20));
    struct subscription_target target = {
        .kind = DESTINATION_QUEUE,
        .name = span_of_text(queue_name(viewer.wants.queue)),
    };
    struct destination *dest;

    (void)core_destination(f.core, NULL, DESTINATION_QUEUE, target.name, true,
                           &dest);
    options.targets = &target;
    options.target_count = 1;
    options.browse = true;
    options.selector = selector_for(&viewer.wants);
    viewer.sub = core_subscribe(f.core, &viewer.client, &options, &viewer);
}

void
do_look(void)
{
    if (viewer.sub != NULL && draw(8) != 0) {
        viewer_leaves();
        return;
    }
    viewer_close();
    viewer_open();
    viewer.wants =
        (struct model_sub){ .queue = (int)draw(QUEUES),
                            .key = draw(2) == 0 ? (int)draw(3) : -1 };
    viewer.end = accepted;
    viewer.last = -1;
    browse();
}

static void
on_purged(void *ctx, const struct core_purge_result *result)
{
    uint64_t *purged = ctx;

    *purged = result->purged;
}

void
do_purge(void)
{
    struct model_sub wants = { .queue = (int)draw(QUEUES),
                               .key = draw(2) == 0 ? (int)draw(3) : -1 };
    struct selector *selector = selector_for(&wants);
    uint64_t purged = UINT64_MAX;
    uint64_t gone = 0;
    uint64_t perhaps_expired = 0;

    notice_expired();
    for (int i = 0; i < message_count; i++) {
        messages[i].doomed = messages[i].queue == wants.queue &&
                             selects(&wants, messages[i].key);
    }
    if (!core_purge(f.core, DESTINATION_QUEUE,
                    span_of_text(queue_name(wants.queue)), &selector, on_purged,
                    &purged)) {
        selector_free(&selector);
        return;
    }
    purging = true;
    for (int i = 0; i < PURGE_TURNS_MAX && purged == UINT64_MAX; i++) {
        fixture_turn(&f);
    }
    purging = false;
    for (int i = 0; i < message_count; i++) {
        struct model_message *msg = &messages[i];

        msg->doomed = false;
        if (msg->queue == wants.queue && selects(&wants, msg->key) &&
            (msg->state == WAITING || msg->state == DELAYED)) {
            bool late = has_expired(msg->expires_ms);

            msg->state = late ? EXPIRED_OR_PURGED : DONE;
            perhaps_expired += late ? 1 : 0;
            gone++;
        }
    }
    ck_assert_uint_le(purged, gone);
    ck_assert_uint_le(gone - purged, perhaps_expired);
    count_expired(wants.queue, gone - purged);
    check_all();
}
