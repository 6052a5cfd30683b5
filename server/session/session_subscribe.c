/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SUBSCRIBE, and destination texts.
 * Source: STOMP 1.2, "SUBSCRIBE"; stomp.md V12-170..178, V10-010..015,
 * appendix A; activemq.md 11.3, 11.4.
 */
#include "server/session/session_private.h"

#include "base/alloc.h"
#include "protocol/frame_encoder.h"
#include "server/core/select.h"
#include "server/log.h"

#include <stdlib.h>

bool
session_destination_parse(struct session *session, const struct frame *frame,
                          struct destination_name *names_out, size_t *count_out)
{
    struct span text = frame_get(frame, HEADER_DESTINATION);
    struct error err = ERROR_INIT;

    if (text.len == 0) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                      "no destination",
                      "a %s frame needs a destination header, such as "
                      "destination:/queue/a or destination:/topic/b",
                      SESSION_TEXT(frame->command_text));
        return false;
    }
    if (destination_name_parse(text, &session->config->names, names_out,
                               count_out, &err) != 0) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                      "bad destination", "%s", err.text);
        return false;
    }
    return true;
}

struct span
session_core_name(struct session *session, const struct destination_name *name)
{
    struct buf *out = &session->name_buf;

    if ((name->kind != DESTINATION_TEMP_QUEUE &&
         name->kind != DESTINATION_TEMP_TOPIC) ||
        name->remote) {
        return name->name;
    }
    buf_clear(out);
    buf_append(out, session->name, session->name_len);
    buf_append_char(out, '.');
    buf_append_span(out, name->name);
    return buf_span(out);
}

/* A temporary destination of another connection, or a wildcard of them. */
static bool
subscribe_check_temporary(struct session *session, const struct frame *frame,
                          const struct destination_name *name)
{
    bool own = span_starts_with(name->name,
                                span_of(session->name, session->name_len)) &&
               name->name.len > session->name_len &&
               name->name.data[session->name_len] == '.';

    if ((name->kind != DESTINATION_TEMP_QUEUE &&
         name->kind != DESTINATION_TEMP_TOPIC) ||
        (!name->wildcard &&
         (!name->remote || own ||
          core_allows_stealing(session->core, name->kind, name->name)))) {
        return true;
    }
    session_error(session, frame, TRANSPORT_CLOSE_POLICY, "not yours",
                  "\"%s\": only the connection that made a temporary "
                  "destination may subscribe to it, by its name and without "
                  "wildcards",
                  SESSION_TEXT(frame_get(frame, HEADER_DESTINATION)));
    return false;
}

enum { SUBSCRIBE_PREFETCH_MAX = 1000000 };

/* A number that a SUBSCRIBE may carry, under any of its names. */
struct subscribe_number {
    enum header_id names[4];
    size_t name_count;
    int64_t low, high;
};

/* Leaves *value alone when the frame has none; false after an ERROR. */
static bool
subscribe_take_number(struct session *session, const struct frame *frame,
                      const struct subscribe_number *number, int64_t *value)
{
    struct span text =
        session_header_any(frame, number->names, number->name_count);

    if (text.data == NULL) {
        return true;
    }
    if (span_to_i64(span_trim(text), value) && *value >= number->low &&
        *value <= number->high) {
        return true;
    }
    session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL, "bad number",
                  "header %s was \"%s\"; expected a whole number from %lld to "
                  "%lld",
                  header_name(number->names[0]).data, SESSION_TEXT(text),
                  (long long)number->low, (long long)number->high);
    return false;
}

static bool
subscribe_take_ack(struct session *session, const struct frame *frame,
                   enum ack_mode *ack_out)
{
    struct span ack = frame_get(frame, HEADER_ACK);

    if (ack.data == NULL || span_equal(ack, SPAN("auto"))) {
        *ack_out = ACK_AUTO;
    } else if (span_equal(ack, SPAN("client"))) {
        *ack_out = ACK_CLIENT;
    } else if (span_equal(ack, SPAN("client-individual"))) {
        *ack_out = ACK_CLIENT_INDIVIDUAL;
    } else {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL, "bad ack mode",
                      "ack was \"%s\"; expected auto, client or "
                      "client-individual",
                      SESSION_TEXT(ack));
        return false;
    }
    return true;
}

/* Makes what is subscribed to, if it may be; wildcards wait for theirs. */
static bool
subscribe_make_destination(struct session *session, const struct frame *frame,
                           const struct destination_name *name)
{
    struct destination *dest;

    if (name->wildcard) {
        return true;
    }
    switch (core_destination(session->core, &session->client, name->kind,
                             session_core_name(session, name), !name->remote,
                             &dest)) {
    case CORE_FOUND:
        return true;
    case CORE_NOT_FOUND:
        session_error(session, frame, TRANSPORT_CLOSE_POLICY,
                      "destination does not exist",
                      "the temporary destination \"%s\" is not there (any "
                      "more)",
                      SESSION_TEXT(frame_get(frame, HEADER_DESTINATION)));
        return false;
    case CORE_TOO_MANY:
        session_error(session, frame, TRANSPORT_CLOSE_QUOTA,
                      "too many destinations",
                      "\"%s\" would be one more than maxDestinations of "
                      "its policy allows",
                      SESSION_TEXT(frame_get(frame, HEADER_DESTINATION)));
        return false;
    }
    return false;
}

/* A browser looks at one queue. */
static bool
subscribe_check_browser(struct session *session, const struct frame *frame,
                        const struct destination_name *names, size_t count,
                        struct subscribe_options *options)
{
    struct span end = frame_get(frame, HEADER_BROWSER_END);

    options->browse = span_is_true(frame_get(frame, HEADER_BROWSER));
    if (!options->browse) {
        return true;
    }
    if (count != 1 || names[0].wildcard ||
        !destination_kind_is_queue(names[0].kind)) {
        session_error(session, frame, TRANSPORT_CLOSE_POLICY,
                      "nothing to browse",
                      "browser:true shows one queue, such as /queue/a; found "
                      "\"%s\"",
                      SESSION_TEXT(frame_get(frame, HEADER_DESTINATION)));
        return false;
    }
    options->browse_follow = end.data != NULL && !span_is_true(end);
    return true;
}

/* credit:MESSAGES or credit:MESSAGES,BYTES, as Apollo has it; what has a header
 * of its own stays.  False after an ERROR. */
static bool
subscribe_take_credit(struct session *session, const struct frame *frame,
                      struct subscribe_options *options)
{
    struct span credit = frame_find(frame, SPAN("credit"));
    struct span rest = credit;
    uint64_t messages = 0;
    uint64_t bytes = 0;

    if (credit.data == NULL) {
        return true;
    }
    if (!span_to_u64(span_trim(span_split(&rest, ',')), &messages) ||
        messages == 0 || messages > SUBSCRIBE_PREFETCH_MAX ||
        (memchr(credit.data, ',', credit.len) != NULL &&
         (!span_to_u64(span_trim(rest), &bytes) || bytes == 0 ||
          bytes > INT32_MAX))) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL, "bad number",
                      "header credit was \"%s\"; expected a number of messages "
                      "from 1 to %d, and after a comma one of bytes",
                      SESSION_TEXT(credit), SUBSCRIBE_PREFETCH_MAX);
        return false;
    }
    if (!options->prefetch_set) {
        options->prefetch_set = true;
        options->prefetch = (uint32_t)messages;
    }
    if (options->prefetch_bytes == 0) {
        options->prefetch_bytes = (size_t)bytes;
    }
    return true;
}

enum {
    SUBSCRIBE_PREFETCH,
    SUBSCRIBE_PREFETCH_BYTES,
    SUBSCRIBE_PRIORITY,
    SUBSCRIBE_PENDING_LIMIT,
    SUBSCRIBE_NUMBERS,
};

static const struct subscribe_number subscribe_numbers[SUBSCRIBE_NUMBERS] = {
    [SUBSCRIBE_PREFETCH] = {
        .names = { HEADER_PREFETCH, HEADER_ACTIVEMQ_PREFETCH_SIZE,
                   HEADER_PREFETCH_COUNT, HEADER_CONSUMER_PREFETCH_SIZE },
        .name_count = 4,
        .low = 1,
        .high = SUBSCRIBE_PREFETCH_MAX,
    },
    [SUBSCRIBE_PREFETCH_BYTES] = {
        .names = { HEADER_PREFETCH_BYTES, HEADER_CONSUMER_WINDOW_SIZE },
        .name_count = 2,
        .low = 1,
        .high = INT32_MAX,
    },
    [SUBSCRIBE_PRIORITY] = {
        .names = { HEADER_CONSUMER_PRIORITY, HEADER_ACTIVEMQ_PRIORITY,
                   HEADER_X_PRIORITY },
        .name_count = 3,
        .low = -128,
        .high = 127,
    },
    [SUBSCRIBE_PENDING_LIMIT] = {
        .names = { HEADER_MAX_PENDING, HEADER_ACTIVEMQ_PENDING_LIMIT },
        .name_count = 2,
        .low = -1,
        .high = INT32_MAX,
    },
};

static const enum header_id subscribe_retroactive[] = {
    HEADER_RETROACTIVE, HEADER_ACTIVEMQ_RETROACTIVE
};
static const enum header_id subscribe_exclusive[] = {
    HEADER_EXCLUSIVE, HEADER_ACTIVEMQ_EXCLUSIVE
};
static const enum header_id subscribe_no_local[] = { HEADER_NO_LOCAL,
                                                     HEADER_ACTIVEMQ_NO_LOCAL };

static bool
subscribe_take_options(struct session *session, const struct frame *frame,
                       struct subscribe_options *options)
{
    int64_t values[SUBSCRIBE_NUMBERS] = { [SUBSCRIBE_PENDING_LIMIT] = -1 };

    if (!subscribe_take_ack(session, frame, &options->ack)) {
        return false;
    }
    for (size_t i = 0; i < SUBSCRIBE_NUMBERS; i++) {
        if (!subscribe_take_number(session, frame, &subscribe_numbers[i],
                                   &values[i])) {
            return false;
        }
    }
    options->prefetch_set = values[SUBSCRIBE_PREFETCH] > 0;
    options->prefetch = (uint32_t)values[SUBSCRIBE_PREFETCH];
    options->prefetch_bytes = (size_t)values[SUBSCRIBE_PREFETCH_BYTES];
    options->priority = (int)values[SUBSCRIBE_PRIORITY];
    options->pending_limit = values[SUBSCRIBE_PENDING_LIMIT];
    options->retroactive =
        span_is_true(session_header_any(frame, subscribe_retroactive, 2));
    options->no_local =
        span_is_true(session_header_any(frame, subscribe_no_local, 2));
    options->exclusive =
        span_is_true(session_header_any(frame, subscribe_exclusive, 2));
    return subscribe_take_credit(session, frame, options);
}

static bool
subscribe_check_id(struct session *session, const struct frame *frame,
                   struct span id)
{
    if (session_subscription_find(session, id) != NULL) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                      "subscription id in use",
                      "this connection has a subscription with id \"%s\" "
                      "already; use another id or UNSUBSCRIBE first",
                      SESSION_TEXT(id));
        return false;
    }
    if (HASH_COUNT(session->subscriptions) >=
        session->config->subscriptions_max) {
        session_error(session, frame, TRANSPORT_CLOSE_QUOTA,
                      "too many subscriptions",
                      "one connection may have %u subscriptions",
                      session->config->subscriptions_max);
        return false;
    }
    return true;
}

/* Last of the checks, as the selector is the core's from then on. */
static bool
subscribe_take_selector(struct session *session, const struct frame *frame,
                        struct subscribe_options *options)
{
    struct span text = frame_get(frame, HEADER_SELECTOR);
    struct error err = ERROR_INIT;

    if (text.len == 0) {
        return true;
    }
    if (select_parse(text, &options->selector, &err) != 0) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL, "bad selector",
                      "selector, character %u: %s", err.column,
                      secret_is_name(text) ? "this is not shown, as the "
                                             "selector may hold a secret"
                                           : err.text);
        return false;
    }
    return true;
}

/* no-local on a queue would leave messages to nobody in particular. */
static bool
subscribe_check_no_local(struct session *session, const struct frame *frame,
                         const struct subscribe_options *options)
{
    for (size_t i = 0; options->no_local && i < options->target_count; i++) {
        if (destination_kind_is_queue(options->targets[i].kind)) {
            session_error(session, frame, TRANSPORT_CLOSE_POLICY,
                          "not supported",
                          "no-local works on topics only, \"%s\" has a queue",
                          SESSION_TEXT(frame_get(frame, HEADER_DESTINATION)));
            return false;
        }
    }
    return true;
}

/* A SUBSCRIBE while it is being looked at. */
struct subscribe_request {
    const struct frame *frame;
    struct span id;
    struct destination_name names[DESTINATION_COMPOSITE_COUNT];
    size_t count;
    struct subscription_target targets[DESTINATION_COMPOSITE_COUNT];
    struct buf texts[DESTINATION_COMPOSITE_COUNT];
    struct subscribe_options options;
    struct session_durable durable;
};

/* The checks, in the order in which a client would want to hear of them; false
 * after an ERROR. */
static bool
subscribe_read(struct session *session, struct subscribe_request *request)
{
    const struct frame *frame = request->frame;

    if (!session_destination_parse(session, frame, request->names,
                                   &request->count)) {
        return false;
    }
    request->id = session_subscription_id(session, frame);
    if (request->id.data == NULL ||
        !subscribe_check_id(session, frame, request->id) ||
        !subscribe_take_options(session, frame, &request->options) ||
        !subscribe_check_browser(session, frame, request->names, request->count,
                                 &request->options)) {
        return false;
    }
    request->options.targets = request->targets;
    request->options.target_count = request->count;
    for (size_t i = 0; i < request->count; i++) {
        request->targets[i] = (struct subscription_target){
            .kind = request->names[i].kind,
            .wildcard = request->names[i].wildcard,
        };
        if (!subscribe_check_temporary(session, frame, &request->names[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < request->count; i++) {
        if (!subscribe_make_destination(session, frame, &request->names[i])) {
            return false;
        }
    }
    return subscribe_check_no_local(session, frame, &request->options) &&
           session_durable_read(session, frame, request->id, &request->options,
                                &request->durable);
}

void
session_subscribe(struct session *session, const struct frame *frame)
{
    struct subscribe_request request = { .frame = frame };
    struct session_subscription *mine;
    bool claimed;

    if (!subscribe_read(session, &request)) {
        return;
    }
    for (size_t i = 0; i < request.count; i++) {
        request.texts[i] = BUF_INIT; /* one name is lent at a time */
        buf_append_span(&request.texts[i],
                        session_core_name(session, &request.names[i]));
        request.targets[i].name = buf_span(&request.texts[i]);
    }
    claimed = request.durable.name.data != NULL
                  ? session_durable_claim(session, frame, &request.durable,
                                          &request.options)
                  : subscribe_take_selector(session, frame, &request.options);
    if (claimed) {
        mine = session_subscription_new(session, request.id,
                                        frame_get(frame, HEADER_DESTINATION));
        mine->browser = request.options.browse;
        mine->browser_ack =
            request.options.browse && request.options.ack != ACK_AUTO;
        mine->sub = core_subscribe(session->core, &session->client,
                                   &request.options, mine);
        session_receipt(
            session, frame,
            request.options.durable != NULL ? core_ticket(session->core) : 0);
    }
    for (size_t i = 0; i < request.count; i++) {
        buf_fini(&request.texts[i]);
    }
}
