/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selectors: the condition over a message's headers that a subscription may
 * carry (`color = 'red' AND size > 5`), SQL-92 as ActiveMQ defines it without
 * its faults.  docs/selectors.md is the language and the list of differences.
 *
 * A selector is parsed once, into a flat program, and is immutable then: any
 * number of threads may evaluate it.  An evaluation allocates nothing, calls
 * back only to look a header up, and cannot fail: what has no answer is
 * UNKNOWN.  Source: activemq.md 11.7 and appendix A; JMS 1.1, 3.8.1.
 */
#pragma once
#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a client may make us keep and do.  64 KiB is the longest header too. */
enum {
    SELECTOR_TEXT_MAX = 65536, /* bytes */
    SELECTOR_NODES_MAX = 4096, /* operators, operands, parts of a LIKE */
    SELECTOR_NAMES_MAX = 256,  /* different ones */
    SELECTOR_DEPTH_MAX = 256,  /* parentheses, NOTs and signs inside another */
    SELECTOR_LIKE_ANY_MAX = 256, /* `_` in one pattern: bounds its search */
};

struct selector; /* opaque: defined in selector_program.h */

/* Kleene's three values; a message is selected only by TRUE. */
enum selector_result {
    SELECTOR_FALSE,
    SELECTOR_TRUE,
    SELECTOR_UNKNOWN,
};

/* Names that are not those of a header of the sender's.  Their case counts. */
enum selector_field {
    SELECTOR_FIELD_NONE, /* a header: look its text up */
    SELECTOR_FIELD_JMS_CORRELATION_ID,
    SELECTOR_FIELD_JMS_DELIVERY_MODE, /* `PERSISTENT` or `NON_PERSISTENT` */
    SELECTOR_FIELD_JMS_DESTINATION,   /* `queue://NAME` or `topic://NAME` */
    SELECTOR_FIELD_JMS_EXPIRATION,    /* integer, 0 for never */
    SELECTOR_FIELD_JMS_MESSAGE_ID,
    SELECTOR_FIELD_JMS_PRIORITY,    /* integer */
    SELECTOR_FIELD_JMS_REDELIVERED, /* boolean */
    SELECTOR_FIELD_JMS_REPLY_TO,
    SELECTOR_FIELD_JMS_TIMESTAMP, /* integer, ms since the epoch */
    SELECTOR_FIELD_JMS_TYPE,
    SELECTOR_FIELD_JMSX_DELIVERY_COUNT,           /* integer, from 1 */
    SELECTOR_FIELD_JMSX_GROUP_FIRST_FOR_CONSUMER, /* boolean */
    SELECTOR_FIELD_JMSX_GROUP_ID,
    SELECTOR_FIELD_JMSX_GROUP_SEQ, /* integer */
    SELECTOR_FIELD_JMSX_USER_ID,
    SELECTOR_FIELD_COUNT,
};

/* A name that the selector uses. */
struct selector_name {
    struct span text; /* as the header is called, without quotes */
    unsigned index;   /* among the names of this selector, from 0 */
    enum selector_field field;
};

enum selector_value_kind {
    SELECTOR_VALUE_NULL,
    SELECTOR_VALUE_BOOLEAN,
    SELECTOR_VALUE_INTEGER,
    SELECTOR_VALUE_REAL,
    SELECTOR_VALUE_TEXT,
};

struct selector_value {
    enum selector_value_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;      /* finite */
        struct span text; /* borrowed until the evaluation ends */
    };
};

/*
 * Finds what name stands for in the message of ctx.  Returns false, or sets
 * the kind NULL, when it has none.  Called each time the evaluation reaches
 * the name: who wants to search once only keeps values by name->index.
 */
typedef bool selector_lookup_fn(void *ctx, const struct selector_name *name,
                                struct selector_value *value_out);

/*
 * Makes a selector of text, which is copied.  On failure returns -1 with
 * err->column the position of the fault, in characters from 1, and err->text
 * what was found there and what would be accepted, or which limit was passed.
 * A text of blanks only is a fault: an empty header means no selector, and
 * that is for the caller to see.
 */
int selector_parse(struct span text, struct selector **selector_out,
                   struct error *err);

/* Frees *selector and sets it to NULL; NULL is fine. */
void selector_free(struct selector **selector);

enum selector_result selector_evaluate(const struct selector *selector,
                                       selector_lookup_fn *lookup, void *ctx);

/* The text it was made of; borrowed, as all that follows. */
struct span selector_text(const struct selector *selector);

/* The names in the order of their index. */
const struct selector_name *selector_names(const struct selector *selector,
                                           size_t *count_out);

/*
 * Whether no message is selected unless the text of *name_out is *value_out,
 * byte for byte: `name = 'text'` stands alone or between top-level ANDs.  The
 * first such term is told.  Numbers and booleans are never told, nor are the
 * fields that hold them: their values have more than one spelling.
 */
bool selector_equality(const struct selector *selector,
                       const struct selector_name **name_out,
                       struct span *value_out);
