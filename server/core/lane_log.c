/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the log says of reading a queue back.
 */
#include "server/core/lane.h"
#include "server/core/queue.h"
#include "server/log.h"

static void __attribute__((cold))
lane_log_failure(struct lane *lane, const struct error *err)
{
    if (!lane->read_failed) {
        lane->read_failed = true;
        log_event(LOG_LEVEL_ERROR, "queue", "cannot be read",
                  "destination=%s reason=\"%s\"",
                  LOG_TEXT(destination_name_get(&lane->queue->base)),
                  err->text);
    }
}

void
lane_log_page(struct lane *lane, const struct store_page *page)
{
    if (page->err != NULL) {
        lane_log_failure(lane, page->err);
    } else if (lane->read_failed) {
        lane->read_failed = false;
        log_event(LOG_LEVEL_INFO, "queue", "can be read again",
                  "destination=%s",
                  LOG_TEXT(destination_name_get(&lane->queue->base)));
    }
}
