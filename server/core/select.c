/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/select.h"

#include "protocol/headers.h"
#include "server/core/core.h"

/* Names whose values are kept for the evaluation; further ones are looked up
 * each time they are reached. */
enum { SELECT_KEPT = 16, SELECT_SCRATCH_BYTES = 2048 };

struct select_context {
    const struct destination *dest;
    const struct message *msg;
    uint32_t attempts;
    uint32_t kept; /* bit per index */
    struct selector_value values[SELECT_KEPT];
    /* Values whose escapes had to be undone, and made-up texts. */
    char scratch[SELECT_SCRATCH_BYTES];
    size_t scratch_len;
};

static void
select_set_integer(struct selector_value *value, int64_t integer)
{
    value->kind = SELECTOR_VALUE_INTEGER;
    value->integer = integer;
}

static void
select_set_boolean(struct selector_value *value, bool boolean)
{
    value->kind = SELECTOR_VALUE_BOOLEAN;
    value->boolean = boolean;
}

/* A header by name; NULL when there is none, or when it is too long to be
 * compared with its escapes undone. */
static void
select_set_header(struct select_context *ctx, struct span name,
                  struct selector_value *value)
{
    struct span text = headers_block_find(ctx->msg->headers, name);
    char *out = ctx->scratch + ctx->scratch_len;
    size_t bad;
    ptrdiff_t len;

    if (text.data == NULL) {
        return;
    }
    if (memchr(text.data, '\\', text.len) != NULL) {
        if (text.len > sizeof(ctx->scratch) - ctx->scratch_len) {
            return;
        }
        len = header_unescape(text, STOMP_1_2, out, &bad);
        if (len < 0) {
            return;
        }
        ctx->scratch_len += (size_t)len;
        text = span_of(out, (size_t)len);
    }
    value->kind = SELECTOR_VALUE_TEXT;
    value->text = text;
}

static void
select_set_destination(struct select_context *ctx, struct selector_value *value)
{
    static const char *const schemes[] = { "queue://", "topic://",
                                           "temp-queue://", "temp-topic://" };
    struct span scheme = span_of_text(schemes[ctx->dest->kind]);
    struct span name = destination_name_get(ctx->dest);
    char *out = ctx->scratch + ctx->scratch_len;

    if (scheme.len + name.len > sizeof(ctx->scratch) - ctx->scratch_len) {
        return;
    }
    memcpy(out, scheme.data, scheme.len);
    memcpy(out + scheme.len, name.data, name.len);
    ctx->scratch_len += scheme.len + name.len;
    value->kind = SELECTOR_VALUE_TEXT;
    value->text = span_of(out, scheme.len + name.len);
}

static void
select_set_text(struct selector_value *value, struct span text)
{
    value->kind = SELECTOR_VALUE_TEXT;
    value->text = text;
}

static void
select_set_field(struct select_context *ctx, enum selector_field field,
                 struct selector_value *value)
{
    const struct message *msg = ctx->msg;

    switch (field) {
    case SELECTOR_FIELD_JMS_CORRELATION_ID:
        select_set_header(ctx, SPAN("correlation-id"), value);
        break;
    case SELECTOR_FIELD_JMS_DELIVERY_MODE:
        select_set_text(value, msg->persistent ? SPAN("PERSISTENT")
                                               : SPAN("NON_PERSISTENT"));
        break;
    case SELECTOR_FIELD_JMS_DESTINATION:
        select_set_destination(ctx, value);
        break;
    case SELECTOR_FIELD_JMS_EXPIRATION:
        select_set_integer(value, msg->expires_ms);
        break;
    case SELECTOR_FIELD_JMS_MESSAGE_ID:
        select_set_header(ctx, SPAN("message-id"), value);
        break;
    case SELECTOR_FIELD_JMS_PRIORITY:
        select_set_integer(value, msg->priority);
        break;
    case SELECTOR_FIELD_JMS_REDELIVERED:
        select_set_boolean(value, ctx->attempts > 0);
        break;
    case SELECTOR_FIELD_JMS_REPLY_TO:
        select_set_header(ctx, SPAN("reply-to"), value);
        break;
    case SELECTOR_FIELD_JMS_TIMESTAMP:
        select_set_integer(value, msg->timestamp_ms);
        break;
    case SELECTOR_FIELD_JMS_TYPE:
        select_set_header(ctx, SPAN("type"), value);
        break;
    case SELECTOR_FIELD_JMSX_DELIVERY_COUNT:
        select_set_integer(value, (int64_t)ctx->attempts + 1);
        break;
    case SELECTOR_FIELD_JMSX_GROUP_ID:
        if (msg->group.data != NULL) {
            select_set_text(value, msg->group);
        }
        break;
    case SELECTOR_FIELD_JMSX_GROUP_SEQ:
        select_set_integer(value, msg->group_seq);
        break;
    case SELECTOR_FIELD_JMSX_USER_ID:
        select_set_header(ctx, SPAN("JMSXUserID"), value);
        break;
    case SELECTOR_FIELD_NONE:
    case SELECTOR_FIELD_JMSX_GROUP_FIRST_FOR_CONSUMER:
    case SELECTOR_FIELD_COUNT:
        break;
    }
}

static bool
select_lookup(void *opaque, const struct selector_name *name,
              struct selector_value *value_out)
{
    struct select_context *ctx = opaque;
    struct selector_value value = { .kind = SELECTOR_VALUE_NULL };

    if (name->index < SELECT_KEPT && (ctx->kept & (1U << name->index)) != 0) {
        *value_out = ctx->values[name->index];
        return value_out->kind != SELECTOR_VALUE_NULL;
    }
    if (name->field == SELECTOR_FIELD_NONE) {
        select_set_header(ctx, name->text, &value);
    } else {
        select_set_field(ctx, name->field, &value);
    }
    if (name->index < SELECT_KEPT) {
        ctx->kept |= 1U << name->index;
        ctx->values[name->index] = value;
    }
    *value_out = value;
    return value.kind != SELECTOR_VALUE_NULL;
}

bool
select_matches(const struct selector *selector, const struct destination *dest,
               const struct message *msg, uint32_t attempts)
{
    struct select_context ctx;

    ctx.dest = dest;
    ctx.msg = msg;
    ctx.attempts = attempts;
    ctx.kept = 0;
    ctx.scratch_len = 0;
    return selector_evaluate(selector, select_lookup, &ctx) == SELECTOR_TRUE;
}

bool
select_for(struct subscription *sub, const struct destination *dest,
           const struct message *msg, uint32_t attempts)
{
    bool picked;

    if (sub->selector == NULL) {
        return true;
    }
    picked = select_matches(sub->selector, dest, msg, attempts);
    sub->selector_looks++;
    sub->selector_picks += picked;
    return picked;
}

int
select_parse(struct span text, struct selector **selector_out,
             struct error *err)
{
    return selector_parse(text, selector_out, err);
}
