/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ActiveMQ configuration (activemq.xml) as a policy file.  What is read is
 * <destinationPolicy>, <destinationInterceptors>, <redeliveryPlugin> and the
 * flags useMirroredQueues and useVirtualTopics; the rest of a broker's
 * configuration is none of a policy's business.  The loader of the policy file
 * is the judge of each value, so that what comes out is always a file that
 * stompd takes.  Source: activemq.md 2 to 6, 9.
 */
#pragma once
#include "base/error.h"
#include "base/span.h"

#include <jansson.h>

/* Something that has no counterpart, and why: one sentence. */
typedef void activemq_note_fn(void *ctx, unsigned line, const char *text);

/*
 * Makes a policy file of the XML text, to be released with json_decref; note is
 * called for all that is left out.  NULL with an error when the text is not XML
 * or has nothing of it.  No entity is expanded, nothing is fetched, a
 * document type is refused.
 */
json_t *activemq_import(struct span text, activemq_note_fn *note, void *ctx,
                        struct error *err);
