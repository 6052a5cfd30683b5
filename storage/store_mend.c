/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_mend.h"

#include "storage/store_build.h"
#include "storage/store_place.h"
#include "storage/store_quarantine.h"
#include "storage/store_stopped.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct mend {
    struct store_build *build;
    char *quarantine;
    const struct store_check_sink *progress;
};

static int
mend_on_journal(void *ctx, struct store_checked *journal, struct error *err)
{
    struct mend *mend = ctx;

    return store_build_journal(mend->build, journal->kind,
                               store_checked_name(journal), journal->next,
                               &journal->tag, err);
}

static int
mend_on_definition(void *ctx, struct span name, struct span value,
                   struct error *err)
{
    struct mend *mend = ctx;

    return store_build_definition(mend->build, name, value, err);
}

static int
mend_on_record(void *ctx, const struct store_checked *journal,
               const struct store_record *record, struct error *err)
{
    struct mend *mend = ctx;

    /* What was only spilled would be dropped at the next start. */
    return record->persistent
               ? store_build_record(mend->build, journal->tag, record, err)
               : 0;
}

static int
mend_on_bad(void *ctx, struct span key, struct span value, struct error *err)
{
    const struct mend *mend = ctx;

    return store_quarantine_entry(mend->quarantine, key, value, err);
}

static int
mend_on_progress(void *ctx, uint64_t records, struct error *err)
{
    const struct mend *mend = ctx;
    const struct store_check_sink *progress = mend->progress;

    return progress != NULL && progress->progress != NULL
               ? progress->progress(progress->ctx, records, err)
               : 0;
}

static int
mend_read(struct mend *mend, struct store_stopped *stopped,
          struct store_check *check, struct error *err)
{
    struct store_check_sink sink = {
        .journal = mend_on_journal,
        .definition = mend_on_definition,
        .record = mend_on_record,
        .bad = mend_on_bad,
        .progress = mend_on_progress,
        .ctx = mend,
    };

    if (store_check_run(check, stopped, &sink, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < check->journal_count; i++) {
        const struct store_checked *journal = check->journals[i];

        if (!journal->removed) {
            store_build_next(mend->build, journal->tag, journal->next);
        }
    }
    return 0;
}

static int
mend_build(struct store_stopped *stopped, const char *place,
           const struct store_check_sink *progress, struct store_check *check,
           struct error *err)
{
    struct mend mend = { .progress = progress };
    int status;

    if (store_build_open(&store_leveldb, place, &mend.build, err) != 0) {
        return -1;
    }
    mend.quarantine = xasprintf("%s/quarantine", stopped->directory);
    status = mend_read(&mend, stopped, check, err);
    free(mend.quarantine);
    if (status != 0) {
        store_build_abandon(&mend.build);
        return -1;
    }
    if (store_build_finish(&mend.build, err) != 0) {
        return -1;
    }
    return check->has_format ? store_place_format(place, &check->format, err)
                             : 0;
}

/* A name that is free and says since when it is of no use. */
static char *
mend_aside(const char *directory)
{
    time_t now = time(NULL);
    char stamp[32];
    struct tm tm;
    char *aside;

    (void)gmtime_r(&now, &tm);
    (void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
    aside = xasprintf("%s/journal.damaged-%s", directory, stamp);
    for (int i = 2; access(aside, F_OK) == 0; i++) {
        free(aside);
        aside = xasprintf("%s/journal.damaged-%s-%d", directory, stamp, i);
    }
    return aside;
}

int
store_mend(struct store_stopped *stopped,
           const struct store_check_sink *progress, struct store_check *check,
           char **aside_out, struct error *err)
{
    char *place =
        store_place_make(stopped->directory, STORE_PLACE_REPAIRING, err);
    char *aside;

    *check = (struct store_check){ .sink = NULL };
    if (place == NULL) {
        return -1;
    }
    aside = mend_aside(stopped->directory);
    if (mend_build(stopped, place, progress, check, err) != 0 ||
        store_place_move(place, stopped->directory, aside, err) != 0) {
        (void)store_stopped_remove(place, NULL);
        free(aside);
        free(place);
        return -1;
    }
    free(place);
    *aside_out = aside;
    return 0;
}
