/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/store_report.h"

#include "stompctl/policy_show.h"
#include "stompctl/table.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum { REPORT_COLUMNS = 7, REPORT_NAME_MAX = 300 };

/* A prioritized queue has a journal for each priority: its name, this mark and
 * the digit (server/core/lane.c). */
enum { REPORT_LANE_MARK = 0x01 };

/* "/queue/ORDERS", "/queue/ORDERS priority 7". */
static const char *
report_destination(const struct store_checked *journal, char *text, size_t size)
{
    static const char *const prefixes[DESTINATION_KIND_COUNT] = {
        "/queue/", "/topic/", "/temp-queue/", "/temp-topic/"
    };
    struct span name = store_checked_name(journal);
    char priority[16] = "";
    size_t len;

    if (name.len > 2 && name.data[name.len - 2] == REPORT_LANE_MARK) {
        (void)snprintf(priority, sizeof(priority), " priority %c",
                       name.data[name.len - 1]);
        name.len -= 2;
    }
    len = (size_t)snprintf(text, size, "%s", prefixes[journal->kind]);
    (void)span_escape(name, text + len, size - sizeof(priority) - len);
    len = strlen(text);
    (void)snprintf(text + len, size - len, "%s", priority);
    return text;
}

static void
report_add_number(struct table *table, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    table_add(table, text);
}

static void
report_journals(const struct store_check *check, FILE *out)
{
    static const char *const headings[REPORT_COLUMNS] = {
        "DESTINATION", "RECORDS", "BYTES", "FIRST", "LAST", "NEXT", "DAMAGED"
    };
    struct table table = TABLE_INIT(REPORT_COLUMNS, 0x7E);
    char name[REPORT_NAME_MAX];

    for (size_t i = 0; i < REPORT_COLUMNS; i++) {
        table_add(&table, headings[i]);
    }
    for (size_t i = 0; i < check->journal_count; i++) {
        const struct store_checked *journal = check->journals[i];

        if (!journal->removed) {
            table_add(&table, report_destination(journal, name, sizeof(name)));
            report_add_number(&table, journal->records);
            report_add_number(&table, journal->bytes);
            report_add_number(&table, journal->first);
            report_add_number(&table, journal->last);
            report_add_number(&table, journal->next);
            report_add_number(&table, journal->damaged);
        }
    }
    table_print(&table, out);
    table_fini(&table);
}

void
store_report_findings(const struct store_check *check, FILE *out)
{
    for (size_t i = 0; i < check->finding_count; i++) {
        (void)fprintf(out, "damage: %s\n", check->findings[i].text);
    }
    if (check->finding_total > check->finding_count) {
        (void)fprintf(out, "damage: %zu more\n",
                      check->finding_total - check->finding_count);
    }
}

void
store_report_text(const struct store_check *check, FILE *out)
{
    (void)fprintf(out, "%s: format %u, %s, opened %llu times\n",
                  check->directory, check->version,
                  check->format.clean ? "closed in good order"
                                      : "not closed in good order",
                  (unsigned long long)check->format.epoch);
    report_journals(check, out);
    (void)fprintf(out, "%llu records, %llu bytes, %llu definitions\n",
                  (unsigned long long)check->records,
                  (unsigned long long)check->bytes,
                  (unsigned long long)check->definitions);
    store_report_findings(check, out);
    (void)fputs(check->finding_total == 0 ? "no damage\n" : "", out);
}

/* ---------------------------------------------------------------- JSON -- */

static json_t *
report_number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *
report_json_journal(const struct store_checked *journal)
{
    char name[REPORT_NAME_MAX];

    return json_pack(
        "{s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "destination",
        report_destination(journal, name, sizeof(name)), "entryLost",
        (int)journal->found, "records", report_number(journal->records),
        "notPersistent", report_number(journal->spilled), "bytes",
        report_number(journal->bytes), "first", report_number(journal->first),
        "last", report_number(journal->last), "next",
        report_number(journal->next), "damaged",
        report_number(journal->damaged));
}

static json_t *
report_json_finding(const struct store_finding *finding)
{
    json_t *tree =
        json_pack("{s:s, s:s?, s:s}", "what", finding->what, "destination",
                  finding->destination, "text", finding->text);

    if (finding->from != 0) {
        (void)json_object_set_new(tree, "from", report_number(finding->from));
        (void)json_object_set_new(tree, "to", report_number(finding->to));
        (void)json_object_set_new(tree, "lostMost",
                                  report_number(finding->lost_most));
    }
    return tree;
}

void
store_report_json(const struct store_check *check, FILE *out)
{
    json_t *journals = json_array();
    json_t *findings = json_array();
    json_t *tree;

    for (size_t i = 0; i < check->journal_count; i++) {
        if (!check->journals[i]->removed) {
            (void)json_array_append_new(
                journals, report_json_journal(check->journals[i]));
        }
    }
    for (size_t i = 0; i < check->finding_count; i++) {
        (void)json_array_append_new(findings,
                                    report_json_finding(&check->findings[i]));
    }
    tree = json_pack(
        "{s:s, s:i, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "directory",
        check->directory, "format", (int)check->version, "closedInGoodOrder",
        (int)check->format.clean, "opened", report_number(check->format.epoch),
        "records", report_number(check->records), "bytes",
        report_number(check->bytes), "definitions",
        report_number(check->definitions), "damage",
        report_number(check->finding_total), "journals", journals, "findings",
        findings);
    policy_show_json(tree, out);
    json_decref(tree);
}
