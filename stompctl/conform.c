/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the statements in order and prints one line each. */
#include "stompctl/conform.h"

#include <fnmatch.h>
#include <string.h>

static const struct conform_chapter *const conform_chapters[] = {
    &conform_frames,    &conform_escapes,   &conform_bodies,
    &conform_connect,   &conform_heartbeat, &conform_send,
    &conform_subscribe, &conform_ack,       &conform_transaction,
    &conform_answers,   &conform_stomp_1_1, &conform_stomp_1_0,
    &conform_websocket, &conform_transport, &conform_interop,
};
enum {
    CONFORM_CHAPTERS = sizeof(conform_chapters) / sizeof(conform_chapters[0])
};

enum conform_result {
    CONFORM_HOLDS,
    CONFORM_FAILS,
    CONFORM_NOT_APPLICABLE,
    CONFORM_ELSEWHERE, /* a test of the broker's insides proves it */
    CONFORM_OPEN,      /* nothing proves it yet */
    CONFORM_RESULTS
};
static const char *const conform_result_names[CONFORM_RESULTS] = {
    "holds", "fails", "not applicable", "elsewhere", "open",
};

struct conform {
    const struct conform_options *options;
    FILE *out;
    unsigned counts[CONFORM_RESULTS];
    unsigned printed;
    bool must_fails;
};

const char *
conform_strength_name(enum conform_strength strength)
{
    static const char *const names[] = { "MUST", "SHOULD", "MAY", "DERIVED" };

    return names[strength];
}

static bool
conform_is_wanted(const struct conform *run,
                  const struct conform_statement *statement)
{
    const char *only = run->options->only;

    return only == NULL || fnmatch(only, statement->number, 0) == 0;
}

static bool
conform_applies(const struct conform *run,
                const struct conform_statement *statement)
{
    bool tcp = run->options->target.transport == STEP_TCP;

    switch (statement->where) {
    case CONFORM_BOTH:
        return true;
    case CONFORM_TCP:
        return tcp;
    case CONFORM_WEBSOCKET:
        return !tcp;
    }
    return true;
}

/* Puts the text into quotes as JSON wants, each octet beyond ASCII as the
 * character of that number: a broker may have sent anything. */
static void
conform_print_json_text(FILE *out, const char *text, size_t len)
{
    (void)fputc('"', out);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\') {
            (void)fprintf(out, "\\%c", c);
        } else if (c < 0x20 || c > 0x7E) {
            (void)fprintf(out, "\\u%04x", c);
        } else {
            (void)fputc(c, out);
        }
    }
    (void)fputc('"', out);
}

static void
conform_print_json(struct conform *run,
                   const struct conform_statement *statement,
                   enum conform_result result, struct span remark)
{
    FILE *out = run->out;

    (void)fprintf(out,
                  "%s\n{\"number\":\"%s\",\"strength\":\"%s\","
                  "\"result\":\"%s\",\"sentence\":",
                  run->printed > 0 ? "," : "", statement->number,
                  conform_strength_name(statement->strength),
                  conform_result_names[result]);
    conform_print_json_text(out, statement->sentence,
                            strlen(statement->sentence));
    if (remark.len > 0) {
        (void)fputs(",\"remark\":", out);
        conform_print_json_text(out, remark.data, remark.len);
    }
    if (statement->decision != NULL) {
        (void)fputs(",\"decision\":", out);
        conform_print_json_text(out, statement->decision,
                                strlen(statement->decision));
    }
    (void)fputc('}', out);
}

static void
conform_print_markdown(const struct conform *run,
                       const struct conform_statement *statement,
                       enum conform_result result, struct span remark)
{
    FILE *out = run->out;

    (void)fprintf(out, "| %s | %s | %s | %s | %s%s", statement->number,
                  conform_strength_name(statement->strength),
                  conform_result_names[result], statement->sentence,
                  statement->decision != NULL ? statement->decision : "",
                  statement->decision != NULL && remark.len > 0 ? "; " : "");
    for (size_t i = 0; i < remark.len; i++) {
        char c = remark.data[i];

        (void)fprintf(out, "%s%c", c == '|' || c == '\\' ? "\\" : "", c);
    }
    (void)fputs(" |\n", out);
}

static void
conform_print_tap(const struct conform *run,
                  const struct conform_statement *statement,
                  enum conform_result result, struct span remark)
{
    static const char *const transports[] = { "tcp", "ws-text", "ws-binary" };
    bool skipped = result == CONFORM_NOT_APPLICABLE ||
                   result == CONFORM_ELSEWHERE || result == CONFORM_OPEN;

    /* A '#' of the sentence would begin a directive; none has one. */
    (void)fprintf(run->out, "%sok %u - %s%s %s: %s",
                  result == CONFORM_FAILS ? "not " : "", run->printed + 1,
                  transports[run->options->target.transport],
                  run->options->target.cut ? " cut" : "", statement->number,
                  statement->sentence);
    if (skipped) {
        (void)fprintf(run->out, " # SKIP %s: %.*s",
                      conform_result_names[result], (int)remark.len,
                      remark.data);
    } else if (remark.len > 0) {
        (void)fprintf(run->out, "\n# %.*s", (int)remark.len, remark.data);
    }
    (void)fputc('\n', run->out);
}

static void
conform_print_text(const struct conform *run,
                   const struct conform_statement *statement,
                   enum conform_result result, struct span remark)
{
    (void)fprintf(run->out, "%-7s  %-7s  %-14s  %s", statement->number,
                  conform_strength_name(statement->strength),
                  conform_result_names[result], statement->sentence);
    if (remark.len > 0) {
        (void)fprintf(run->out, " -- %.*s", (int)remark.len, remark.data);
    }
    (void)fputc('\n', run->out);
}

static void
conform_print(struct conform *run, const struct conform_statement *statement,
              enum conform_result result, struct span remark)
{
    switch (run->options->format) {
    case CONFORM_TEXT:
        conform_print_text(run, statement, result, remark);
        break;
    case CONFORM_JSON:
        conform_print_json(run, statement, result, remark);
        break;
    case CONFORM_MARKDOWN:
        conform_print_markdown(run, statement, result, remark);
        break;
    case CONFORM_TAP:
        conform_print_tap(run, statement, result, remark);
        break;
    }
    (void)fflush(run->out);
    run->printed++;
    run->counts[result]++;
    run->must_fails = run->must_fails || (result == CONFORM_FAILS &&
                                          statement->strength == CONFORM_MUST);
}

static void
conform_run_statement(struct conform *run,
                      const struct conform_statement *statement)
{
    static const enum conform_result results[] = {
        [STEP_HOLDS] = CONFORM_HOLDS,
        [STEP_FAILS] = CONFORM_FAILS,
        [STEP_NOT_APPLICABLE] = CONFORM_NOT_APPLICABLE,
    };
    struct step step;

    if (!conform_applies(run, statement)) {
        conform_print(run, statement, CONFORM_NOT_APPLICABLE,
                      SPAN("another transport"));
        return;
    }
    if (statement->check == NULL) {
        bool proved = statement->elsewhere != NULL;

        conform_print(run, statement, proved ? CONFORM_ELSEWHERE : CONFORM_OPEN,
                      proved ? span_of_text(statement->elsewhere)
                             : SPAN("not to be seen from outside"));
        return;
    }
    step_begin(&step, &run->options->target);
    statement->check(&step);
    conform_print(run, statement, results[step.outcome],
                  buf_span(&step.remark));
    step_end(&step);
}

static void
conform_print_begin(const struct conform *run)
{
    if (run->options->format == CONFORM_JSON) {
        (void)fputc('[', run->out);
    } else if (run->options->format == CONFORM_MARKDOWN) {
        (void)fputs("| number | strength | result | statement | remark |\n"
                    "|---|---|---|---|---|\n",
                    run->out);
    }
}

static void
conform_print_end(const struct conform *run)
{
    switch (run->options->format) {
    case CONFORM_TEXT:
        (void)fprintf(run->out,
                      "%u hold, %u fail, %u do not apply, %u are "
                      "proved elsewhere, %u are open\n",
                      run->counts[CONFORM_HOLDS], run->counts[CONFORM_FAILS],
                      run->counts[CONFORM_NOT_APPLICABLE],
                      run->counts[CONFORM_ELSEWHERE],
                      run->counts[CONFORM_OPEN]);
        break;
    case CONFORM_JSON:
        (void)fputs("\n]\n", run->out);
        break;
    case CONFORM_MARKDOWN:
        break;
    case CONFORM_TAP:
        (void)fprintf(run->out, "1..%u\n", run->printed);
        break;
    }
}

int
conform_run(const struct conform_options *options, FILE *out)
{
    struct conform run = { .options = options, .out = out };

    conform_print_begin(&run);
    for (size_t i = 0; i < CONFORM_CHAPTERS; i++) {
        for (size_t j = 0; j < conform_chapters[i]->count; j++) {
            const struct conform_statement *statement =
                &conform_chapters[i]->statements[j];

            if (conform_is_wanted(&run, statement)) {
                conform_run_statement(&run, statement);
            }
        }
    }
    conform_print_end(&run);
    return run.must_fails ? 1 : 0;
}
