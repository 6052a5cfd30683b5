/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/advisory.h"

#include "base/json_out.h"
#include "policy/selector.h"
#include "protocol/headers.h"
#include "server/core/advisory_private.h"
#include "server/core/core_private.h"

#include <assert.h>

/* As topics spell the kind; temporary ones count as their base kind where
 * ActiveMQ says so. */
const char *const advisory_kinds[] = { "Queue", "Topic", "TempQueue",
                                       "TempTopic" };
static const char *const advisory_base_kinds[] = { "Queue", "Topic", "Queue",
                                                   "Topic" };
static const char *const advisory_schemes[] = { "queue://", "topic://",
                                                "temp-queue://",
                                                "temp-topic://" };

bool
advisory_is_listener(struct span topic_name)
{
    struct span rest = topic_name;
    struct span level = span_split(&rest, '.');

    return span_equal(level, SPAN("ActiveMQ")) && rest.data != NULL;
}

bool
advisory_is_about_advisories(const struct destination *dest)
{
    return dest->kind == DESTINATION_TOPIC &&
           span_starts_with(destination_name_get(dest), SPAN(ADVISORY_PREFIX));
}

bool
advisory_pattern_fits(struct span pattern, const struct destination *dest)
{
    return !advisory_is_about_advisories(dest) || advisory_is_listener(pattern);
}

static bool
advisory_on_pattern(void *ctx, void *value)
{
    const struct subscription_pattern *pattern = value;
    bool *heard = ctx;

    *heard = advisory_is_listener(span_of_text(pattern->text));
    return !*heard; /* one is enough */
}

/* The topic, made only when somebody would hear it: a topic for each queue that
 * ever was would grow without end. */
static struct destination *
advisory_topic(struct core *core, struct span name)
{
    struct destination *dest = destination_find(core, DESTINATION_TOPIC, name);
    bool heard = false;

    if (dest != NULL) {
        return dest->attachment_count > 0 ? dest : NULL;
    }
    trie_match(core->wildcards[DESTINATION_TOPIC], name, advisory_on_pattern,
               &heard);
    return heard ? destination_get(core, DESTINATION_TOPIC, name, NULL) : NULL;
}

static void
advisory_json_destination(struct buf *out, const char *key,
                          const struct destination *dest)
{
    struct buf text = BUF_INIT;

    buf_append_span(&text, span_of_text(advisory_schemes[dest->kind]));
    buf_append_span(&text, destination_name_get(dest));
    json_out_text(out, key, buf_span(&text));
    buf_fini(&text);
}

/* --- making and sending --------------------------------------------------- */

/* Begins one on the topic prefix + kind + "." + name (either may be empty).
 * False when nobody would get it. */
bool
advisory_begin(struct advisory *advisory, struct core *core, const char *what,
               const char *kind, struct span name)
{
    struct buf text = BUF_INIT;
    struct span full;

    buf_append_span(&text, SPAN(ADVISORY_PREFIX));
    buf_append_span(&text, span_of_text(what));
    buf_append_span(&text, span_of_text(kind));
    if (name.len > 0) {
        buf_append_char(&text, '.');
        buf_append_span(&text, name);
    }
    full = buf_span(&text);
    *advisory = (struct advisory){ .core = core };
    advisory->topic = advisory_topic(core, full);
    if (advisory->topic == NULL) {
        buf_fini(&text);
        return false;
    }
    buf_append_span(&advisory->headers, SPAN("destination:/topic/"));
    buf_append_span(&advisory->headers, full);
    buf_append_char(&advisory->headers, '\n');
    header_append(&advisory->headers, SPAN("type"), SPAN("Advisory"),
                  STOMP_1_2);
    header_append(&advisory->headers, SPAN("content-type"),
                  SPAN("application/json"), STOMP_1_2);
    header_append(&advisory->headers, SPAN("transformation"),
                  SPAN("jms-advisory-json"), STOMP_1_2);
    header_append(&advisory->headers, SPAN("originBrokerName"),
                  span_of_text(core->options.broker_name), STOMP_1_2);
    buf_fini(&text);
    return true;
}

static void
advisory_header(struct advisory *advisory, const char *name, struct span value)
{
    header_append(&advisory->headers, span_of_text(name), value, STOMP_1_2);
}

static void
advisory_header_number(struct advisory *advisory, const char *name,
                       uint64_t value)
{
    header_append_u64(&advisory->headers, span_of_text(name), value);
}

static void
advisory_header_destination(struct advisory *advisory,
                            const struct destination *dest)
{
    struct buf text = BUF_INIT;

    buf_append_span(&text, span_of_text(advisory_schemes[dest->kind]));
    buf_append_span(&text, destination_name_get(dest));
    advisory_header(advisory, "orignalDestination", buf_span(&text));
    buf_fini(&text);
}

/* Publishes what has been made, or gives it to the one it is replayed to. */
void
advisory_end(struct advisory *advisory)
{
    /* Names are what clients of 1.0 made of them. */
    struct message_facts facts = { .priority = 0, .maybe_not_utf8 = true };
    struct message *msg = message_new(&advisory->core->quota, &facts,
                                      buf_span(&advisory->headers), SPAN_NONE,
                                      buf_span(&advisory->body));

    if (msg != NULL) {
        if (advisory->only != NULL) {
            topic_give(advisory->only, msg);
        } else {
            topic_publish(topic_of(advisory->topic), msg, NULL);
        }
        message_unref(&msg);
    }
    buf_fini(&advisory->headers);
    buf_fini(&advisory->body);
}

/* --- connections, destinations, consumers ----------------------------------
 */

void
advisory_write_connection(struct advisory *advisory,
                          const struct client *client, bool connected)
{
    struct buf *body = &advisory->body;

    buf_append_span(body, connected ? SPAN("{\"ConnectionInfo\":{")
                                    : SPAN("{\"RemoveInfo\":{"));
    json_out_text(body, "connectionId", span_of_text(client->name));
    if (connected) {
        json_out_text(body, "clientId", span_of_text(client->name));
        json_out_text(body, "clientIp", span_of_text(client->peer));
    }
    buf_append_span(body, SPAN("}}"));
}

void
advisory_connection(struct core *core, const struct client *client,
                    bool connected)
{
    struct advisory advisory;

    if (core->advisory_listeners == 0 ||
        !advisory_begin(&advisory, core, "Connection", "", SPAN_NONE)) {
        return;
    }
    advisory_write_connection(&advisory, client, connected);
    advisory_end(&advisory);
}

void
advisory_write_destination(struct advisory *advisory,
                           const struct destination *dest, bool created)
{
    buf_append_span(&advisory->body, SPAN("{\"DestinationInfo\":{"));
    advisory_json_destination(&advisory->body, "destination", dest);
    json_out_integer(&advisory->body, "operationType", created ? 0 : 1);
    buf_append_span(&advisory->body, SPAN("}}"));
}

void
advisory_destination(struct core *core, const struct destination *dest,
                     bool created)
{
    struct advisory advisory;

    if (core->advisory_listeners == 0 || advisory_is_about_advisories(dest) ||
        !advisory_begin(&advisory, core, advisory_kinds[dest->kind], "",
                        SPAN_NONE)) {
        return;
    }
    advisory_write_destination(&advisory, dest, created);
    advisory_end(&advisory);
}

void
advisory_write_consumer(struct advisory *advisory,
                        const struct attachment *attachment, bool subscribed)
{
    const struct subscription *sub = attachment->sub;
    struct buf *body = &advisory->body;

    advisory_header_number(advisory, "consumerCount",
                           attachment->dest->attachment_count);
    buf_append_span(body, subscribed ? SPAN("{\"ConsumerInfo\":{")
                                     : SPAN("{\"RemoveInfo\":{"));
    json_out_text(body, "connectionId", span_of_text(sub->client->name));
    json_out_integer(body, "consumerId", (int64_t)sub->order);
    advisory_json_destination(body, "destination", attachment->dest);
    if (subscribed) {
        json_out_integer(body, "prefetchSize", sub->prefetch);
        json_out_integer(body, "priority", sub->priority);
        if (sub->selector != NULL) {
            json_out_text(body, "selector", selector_text(sub->selector));
        }
    }
    buf_append_span(body, SPAN("}}"));
}

void
advisory_consumer(struct core *core, const struct attachment *attachment,
                  bool subscribed)
{
    const struct destination *dest = attachment->dest;
    struct advisory advisory;

    if (core->advisory_listeners == 0 || advisory_is_about_advisories(dest) ||
        !advisory_begin(&advisory, core, "Consumer.",
                        advisory_base_kinds[dest->kind],
                        destination_name_get(dest))) {
        return;
    }
    advisory_write_consumer(&advisory, attachment, subscribed);
    advisory_end(&advisory);
}

/* --- messages ----------------------------------------------------------------
 */

static const char *const advisory_topics[] = {
    [ADVISORY_EXPIRED] = "Expired.",
    [ADVISORY_DEAD_LETTERED] = "MessageDLQd.",
    [ADVISORY_NO_CONSUMERS] = "NoConsumer.",
    [ADVISORY_DELIVERED] = "MessageDelivered.",
    [ADVISORY_DISPATCHED] = "MessageDispatched.",
    [ADVISORY_CONSUMED] = "MessageConsumed.",
    [ADVISORY_DISCARDED] = "MessageDiscarded.",
};

static bool
advisory_is_wanted(const struct policy_advisories *flags,
                   enum advisory_event event)
{
    switch (event) {
    case ADVISORY_EXPIRED:
    case ADVISORY_DEAD_LETTERED:
        return true;
    case ADVISORY_NO_CONSUMERS:
        return flags->no_consumers;
    case ADVISORY_DELIVERED:
        return flags->delivery;
    case ADVISORY_DISPATCHED:
        return flags->dispatched;
    case ADVISORY_CONSUMED:
        return flags->consumed;
    case ADVISORY_DISCARDED:
        return flags->discarding;
    }
    return false;
}

static void
advisory_write_message(struct advisory *advisory,
                       const struct destination *dest,
                       const struct message *msg)
{
    struct buf *body = &advisory->body;

    buf_append_span(body, SPAN("{\"ActiveMQMessage\":{"));
    advisory_json_destination(body, "destination", dest);
    json_out_integer(body, "timestamp", msg->timestamp_ms);
    json_out_integer(body, "expiration", msg->expires_ms);
    json_out_integer(body, "priority", msg->priority);
    json_out_key(body, "persistent");
    buf_append_span(body, msg->persistent ? SPAN("true") : SPAN("false"));
    json_out_text(body, "headers", msg->headers);
    if (dest->policy->advisories.include_body && span_is_utf8(msg->body)) {
        json_out_text(body, "text", msg->body);
    }
    buf_append_span(body, SPAN("}}"));
}

void
advisory_message(struct core *core, enum advisory_event event,
                 const struct destination *dest, const struct message *msg,
                 const struct subscription *sub)
{
    struct advisory advisory;
    bool base_kind =
        event == ADVISORY_EXPIRED || event == ADVISORY_NO_CONSUMERS;

    if (core->advisory_listeners == 0 ||
        !advisory_is_wanted(&dest->policy->advisories, event) ||
        advisory_is_about_advisories(dest) ||
        !advisory_begin(
            &advisory, core, advisory_topics[event],
            (base_kind ? advisory_base_kinds : advisory_kinds)[dest->kind],
            destination_name_get(dest))) {
        return;
    }
    advisory_header_destination(&advisory, dest);
    if (sub != NULL) {
        advisory_header_number(&advisory, "consumerId", sub->order);
        advisory_header(&advisory, "connectionId",
                        span_of_text(sub->client->name));
    }
    advisory_write_message(&advisory, dest, msg);
    advisory_end(&advisory);
}

void
advisory_full(struct core *core, const struct destination *dest,
              const struct client *producer)
{
    static const char *const topics[] = { "FULL.", "FastProducer." };
    const bool wanted[] = { dest->policy->advisories.when_full,
                            dest->policy->advisories.fast_producers };

    for (size_t i = 0; i < 2 && core->advisory_listeners > 0; i++) {
        struct advisory advisory;

        if (!wanted[i] || !advisory_begin(&advisory, core, topics[i],
                                          advisory_kinds[dest->kind],
                                          destination_name_get(dest))) {
            continue;
        }
        advisory_header(&advisory, "producerId", span_of_text(producer->name));
        buf_append_span(&advisory.body, SPAN("{\"ProducerInfo\":{"));
        json_out_text(&advisory.body, "connectionId",
                      span_of_text(producer->name));
        buf_append_span(&advisory.body, SPAN("}}"));
        advisory_end(&advisory);
    }
}

void
advisory_slow_consumer(struct core *core, const struct attachment *attachment)
{
    const struct destination *dest = attachment->dest;
    struct advisory advisory;

    if (core->advisory_listeners == 0 ||
        !dest->policy->advisories.slow_consumers ||
        !advisory_begin(&advisory, core, "SlowConsumer.",
                        advisory_kinds[dest->kind],
                        destination_name_get(dest))) {
        return;
    }
    advisory_header_number(&advisory, "consumerId", attachment->sub->order);
    advisory_write_consumer(&advisory, attachment, true);
    advisory_end(&advisory);
}
