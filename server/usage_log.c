/* SPDX-License-Identifier: Apache-2.0 */
#include "server/usage_log.h"

#include "server/log.h"

static const unsigned usage_log_marks[] = { 70, 90, 100 };
enum {
    USAGE_LOG_MARKS = sizeof(usage_log_marks) / sizeof(usage_log_marks[0]),
    /* It is over below this: so far below the first mark that what swings about
     * one, as memory does while producers are held, is told once. */
    USAGE_LOG_OVER_PERCENT = 60,
};

static void __attribute__((cold))
usage_log_write(const char *what, const struct quota *quota, bool rising)
{
    log_event(rising ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "usage",
              rising ? "filling up" : "has room again",
              "of=%s percent=%u used=%zu limit=%zu", what, quota_percent(quota),
              quota->used, quota->limit);
}

static void
usage_log_look_at(const char *what, const struct quota *quota, unsigned *told)
{
    unsigned before = *told;

    while (*told < USAGE_LOG_MARKS &&
           quota_reaches(quota, usage_log_marks[*told])) {
        (*told)++;
    }
    if (*told > before) {
        usage_log_write(what, quota, true);
    } else if (*told > 0 && !quota_reaches(quota, USAGE_LOG_OVER_PERCENT)) {
        *told = 0;
        usage_log_write(what, quota, false);
    }
}

void
usage_log_look(struct usage_log *log, const struct core *core)
{
    struct core_usage usage;

    core_usage_get(core, &usage);
    usage_log_look_at("memory", &usage.memory, &log->memory);
    usage_log_look_at("store", &usage.store, &log->store);
    usage_log_look_at("temp", &usage.temp, &log->temp);
}
