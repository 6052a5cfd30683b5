/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_check_private.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIND_NAME_MAX = 300 };

/* The kinds as they begin a destination. */
static const char *const find_prefixes[DESTINATION_KIND_COUNT] = {
    [DESTINATION_QUEUE] = "/queue/",
    [DESTINATION_TOPIC] = "/topic/",
    [DESTINATION_TEMP_QUEUE] = "/temp-queue/",
    [DESTINATION_TEMP_TOPIC] = "/temp-topic/",
};

bool
store_check_destination(struct span headers, enum destination_kind *kind_out,
                        struct span *name_out)
{
    struct span rest = headers;

    while (rest.len > 0) {
        struct span line = span_split(&rest, '\n');

        if (!span_starts_with(line, SPAN("destination:"))) {
            continue;
        }
        line = span_after(line, strlen("destination:"));
        for (int i = 0; i < DESTINATION_KIND_COUNT; i++) {
            struct span prefix = span_of_text(find_prefixes[i]);

            if (span_starts_with(line, prefix) &&
                memchr(line.data, '\\', line.len) == NULL) {
                *kind_out = (enum destination_kind)i;
                *name_out = span_after(line, prefix.len);
                return name_out->len > 0;
            }
        }
        return false;
    }
    return false;
}

/* ------------------------------------------------------------ findings -- */

/* The next finding to fill in; NULL when there are too many already. */
static struct store_finding *
find_add(struct store_check *check, const char *what)
{
    struct store_finding *finding;

    check->finding_total++;
    if (check->finding_count == STORE_CHECK_FINDINGS) {
        return NULL;
    }
    if (check->finding_count == check->finding_capacity) {
        check->finding_capacity =
            check->finding_capacity > 0 ? check->finding_capacity * 2 : 16;
        check->findings =
            xrealloc(check->findings,
                     check->finding_capacity * sizeof(*check->findings));
    }
    finding = &check->findings[check->finding_count++];
    *finding = (struct store_finding){ .what = what };
    return finding;
}

/* "/queue/ORDERS", or "journal 7" when its name is lost. */
static const char *
find_name(const struct store_check *check, uint32_t number, char *text,
          size_t size)
{
    const struct store_checked *journal = store_check_journal(check, number);
    size_t len;

    if (journal == NULL) {
        (void)snprintf(text, size, "journal %u", number);
        return text;
    }
    len = (size_t)snprintf(text, size, "%s", find_prefixes[journal->kind]);
    (void)span_escape(store_checked_name(journal), text + len, size - len);
    return text;
}

void
store_check_find_open(struct store_check *check,
                      const struct store_stopped *stopped)
{
    struct store_finding *finding;

    if (!stopped->mended) {
        return;
    }
    finding = find_add(check, "open");
    assert(finding != NULL);
    finding->text = xasprintf("the journal cannot be opened (%s); what follows "
                              "is what a repaired copy of it holds",
                              stopped->why.text);
    for (size_t i = 0; i < stopped->note_count; i++) {
        finding = find_add(check, "open");
        assert(finding != NULL);
        finding->text = xasprintf("repairing the copy: %s", stopped->notes[i]);
    }
}

/* How many rescued records are of that journal. */
static uint64_t
find_rescued(const struct store_scan_damage *damage, uint32_t number)
{
    uint64_t count = 0;
    uint32_t journal;
    uint64_t seq;

    for (size_t i = 0; i < damage->rescued_count; i++) {
        count += store_key_record_parse(damage->rescued[i], &journal, &seq) &&
                         journal == number
                     ? 1
                     : 0;
    }
    return count;
}

/* What a part has of one journal: the only records that can be affected are
 * between these numbers. */
static void
find_part_of(struct store_check *check, const struct store_checked *journal,
             uint64_t from, uint64_t to, const struct store_scan_damage *damage)
{
    uint64_t rescued = find_rescued(damage, journal->number);
    struct store_finding *finding;
    char name[FIND_NAME_MAX];

    if (from < journal->head) {
        from = journal->head;
    }
    if (journal->removed || to < from || to - from + 1 <= rescued) {
        return; /* nothing that counts */
    }
    finding = find_add(check, "part");
    if (finding == NULL) {
        return;
    }
    (void)find_name(check, journal->number, name, sizeof(name));
    finding->destination = xstrdup(name);
    finding->from = from;
    finding->to = to;
    finding->lost_most = to - from + 1 - rescued;
    finding->text =
        xasprintf("%s: numbers %llu to %llu: a damaged block; %llu of them can "
                  "be read all the same, at most %llu cannot (%s)",
                  name, (unsigned long long)from, (unsigned long long)to,
                  (unsigned long long)rescued,
                  (unsigned long long)finding->lost_most, damage->text);
}

/* Where a part begins or ends, in words. */
static const char *
find_end(const struct store_check *check, struct span key, const char *none,
         char *text, size_t size)
{
    char name[FIND_NAME_MAX];
    struct span definition;
    uint32_t number;
    uint64_t seq;

    if (store_key_record_parse(key, &number, &seq)) {
        (void)snprintf(text, size, "%s number %llu",
                       find_name(check, number, name, sizeof(name)),
                       (unsigned long long)seq);
    } else if (store_key_queue_parse(key, &number)) {
        (void)snprintf(text, size, "the entry of %s",
                       find_name(check, number, name, sizeof(name)));
    } else if (store_definition_key_parse(key, &definition)) {
        (void)snprintf(text, size, "definition %s",
                       span_escape(definition, name, sizeof(name)));
    } else {
        (void)snprintf(text, size, "%s", none);
    }
    return text;
}

/* A part that is not of records alone, in words. */
static void
find_part_around(struct store_check *check,
                 const struct store_scan_damage *damage)
{
    struct store_finding *finding = find_add(check, "part");
    char from[FIND_NAME_MAX + 40];
    char to[FIND_NAME_MAX + 40];

    if (finding != NULL) {
        finding->text = xasprintf(
            "a damaged block between %s and %s: %zu entries there can be read "
            "all the same, %zu were seen that cannot (%s)",
            find_end(check, damage->after, "the start", from, sizeof(from)),
            find_end(check, damage->before, "the end", to, sizeof(to)),
            damage->rescued_count, damage->bad, damage->text);
    }
}

void
store_check_find_part(struct store_check *check,
                      const struct store_scan_damage *damage)
{
    uint32_t first = 0;
    uint32_t last = UINT32_MAX;
    uint64_t after = 0;
    uint64_t before = UINT64_MAX;
    bool begins = store_key_record_parse(damage->after, &first, &after);
    bool ends = store_key_record_parse(damage->before, &last, &before);
    size_t told = check->finding_total;

    if (damage->before.len > 0 && !ends) {
        last = 0; /* it ends before the first record */
    }
    for (size_t i = 0; i < check->journal_count; i++) {
        const struct store_checked *journal = check->journals[i];

        if (journal->number >= first && journal->number <= last) {
            find_part_of(check, journal,
                         begins && journal->number == first ? after + 1 : 1,
                         ends && journal->number == last ? before - 1
                                                         : journal->next - 1,
                         damage);
        }
    }
    if (!begins || check->finding_total == told) {
        find_part_around(check, damage);
    }
}

void
store_check_find_record(struct store_check *check, uint32_t number,
                        uint64_t seq)
{
    struct store_checked *journal = store_check_journal(check, number);
    struct store_finding *finding;
    char name[FIND_NAME_MAX];

    if (journal != NULL) {
        journal->damaged++;
    }
    finding = find_add(check, "record");
    if (finding == NULL) {
        return;
    }
    finding->destination =
        xstrdup(find_name(check, number, name, sizeof(name)));
    finding->from = seq;
    finding->to = seq;
    finding->lost = 1;
    finding->lost_most = 1;
    finding->text =
        xasprintf("%s: number %llu is damaged", name, (unsigned long long)seq);
}

/* Nothing is lost by it: its journal is counted anew at the next start, and
 * has no counts here. */
void
store_check_find_block(struct store_check *check, uint32_t number)
{
    struct store_checked *journal = store_check_journal(check, number);
    struct store_finding *finding = find_add(check, "counts");
    char name[FIND_NAME_MAX];

    if (journal != NULL) {
        journal->counted_to = 0;
    }
    if (finding != NULL) {
        finding->destination =
            xstrdup(find_name(check, number, name, sizeof(name)));
        finding->text = xasprintf("%s: its counts are damaged; stompd counts "
                                  "it anew when it starts",
                                  name);
    }
}

void
store_check_find_journal(struct store_check *check, uint32_t number)
{
    struct store_finding *finding = find_add(check, "journal");

    if (finding != NULL) {
        finding->text = xasprintf(
            "the entry of journal %u is damaged: its destination is told by "
            "its records only",
            number);
    }
}

void
store_check_find_orphans(struct store_check *check,
                         const struct store_checked *journal)
{
    struct store_finding *finding = find_add(check, "journal");
    char name[FIND_NAME_MAX];

    if (finding != NULL) {
        finding->destination =
            xstrdup(find_name(check, journal->number, name, sizeof(name)));
        finding->text = xasprintf(
            "journal %u has records and no entry: by their headers they are "
            "of %s",
            journal->number, name);
    }
}

void
store_check_find_next(struct store_check *check,
                      const struct store_checked *journal, uint64_t seq)
{
    struct store_finding *finding = find_add(check, "journal");
    char name[FIND_NAME_MAX];

    if (finding != NULL) {
        finding->destination =
            xstrdup(find_name(check, journal->number, name, sizeof(name)));
        finding->text = xasprintf(
            "%s: there is a number %llu, but its entry says that none from "
            "%llu on was used",
            name, (unsigned long long)seq, (unsigned long long)journal->next);
    }
}

void
store_check_find_definition(struct store_check *check, struct span name)
{
    struct store_finding *finding = find_add(check, "definition");
    char text[FIND_NAME_MAX];

    if (finding != NULL) {
        finding->text = xasprintf("definition %s is damaged",
                                  span_escape(name, text, sizeof(text)));
    }
}

void
store_check_find_unknown(struct store_check *check, struct span key)
{
    struct store_finding *finding = find_add(check, "unknown");
    char text[FIND_NAME_MAX];

    if (finding != NULL) {
        finding->text = xasprintf("an entry that no stompd makes, with key %s",
                                  span_escape(key, text, sizeof(text)));
    }
}

/* More records are counted than were found, good or damaged, or fewer. */
static void
find_counts(struct store_check *check, const struct store_checked *journal)
{
    struct store_finding *finding;
    char name[FIND_NAME_MAX];

    if (journal->removed || journal->counted_to == 0 ||
        (journal->counted >= journal->below &&
         journal->counted <= journal->below + journal->damaged)) {
        return;
    }
    finding = find_add(check, "counts");
    if (finding != NULL) {
        finding->destination =
            xstrdup(find_name(check, journal->number, name, sizeof(name)));
        finding->text = xasprintf(
            "%s: it should have %llu messages before number %llu, and has %llu",
            name, (unsigned long long)journal->counted,
            (unsigned long long)journal->counted_to,
            (unsigned long long)journal->below);
    }
}

void
store_check_find_rest(struct store_check *check)
{
    struct store_finding *finding;

    for (size_t i = 0; i < check->journal_count; i++) {
        find_counts(check, check->journals[i]);
    }

    if (!check->has_format) {
        finding = find_add(check, "format");
        if (finding != NULL) {
            finding->text = xstrdup("the format record is missing or damaged");
        }
    }
}
