/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/selector_field.h"

struct field_row {
    const char *name;
    bool is_text;
};

static const struct field_row field_rows[SELECTOR_FIELD_COUNT] = {
    [SELECTOR_FIELD_NONE] = { "", true },
    [SELECTOR_FIELD_JMS_CORRELATION_ID] = { "JMSCorrelationID", true },
    [SELECTOR_FIELD_JMS_DELIVERY_MODE] = { "JMSDeliveryMode", true },
    [SELECTOR_FIELD_JMS_DESTINATION] = { "JMSDestination", true },
    [SELECTOR_FIELD_JMS_EXPIRATION] = { "JMSExpiration", false },
    [SELECTOR_FIELD_JMS_MESSAGE_ID] = { "JMSMessageID", true },
    [SELECTOR_FIELD_JMS_PRIORITY] = { "JMSPriority", false },
    [SELECTOR_FIELD_JMS_REDELIVERED] = { "JMSRedelivered", false },
    [SELECTOR_FIELD_JMS_REPLY_TO] = { "JMSReplyTo", true },
    [SELECTOR_FIELD_JMS_TIMESTAMP] = { "JMSTimestamp", false },
    [SELECTOR_FIELD_JMS_TYPE] = { "JMSType", true },
    [SELECTOR_FIELD_JMSX_DELIVERY_COUNT] = { "JMSXDeliveryCount", false },
    [SELECTOR_FIELD_JMSX_GROUP_FIRST_FOR_CONSUMER] = { "JMSXGroupFirstForConsum"
                                                       "er",
                                                       false },
    [SELECTOR_FIELD_JMSX_GROUP_ID] = { "JMSXGroupID", true },
    [SELECTOR_FIELD_JMSX_GROUP_SEQ] = { "JMSXGroupSeq", false },
    [SELECTOR_FIELD_JMSX_USER_ID] = { "JMSXUserID", true },
};

enum selector_field
selector_field_of(struct span name)
{
    int field = SELECTOR_FIELD_COUNT - 1;

    while (field > SELECTOR_FIELD_NONE &&
           !span_equal(name, span_of_text(field_rows[field].name))) {
        field--;
    }
    return (enum selector_field)field;
}

bool
selector_field_is_text(enum selector_field field)
{
    return field_rows[field].is_text;
}
