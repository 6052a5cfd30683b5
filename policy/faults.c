/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/faults.h"

void
faults_clear(struct faults *faults)
{
    faults->count = 0;
    faults->total = 0;
}

struct error *
faults_next(struct faults *faults)
{
    struct error *err;

    faults->total++;
    if (faults->count == FAULTS_MAX) {
        return NULL;
    }
    err = &faults->errors[faults->count++];
    *err = ERROR_INIT;
    return err;
}

void
faults_print(const struct faults *faults, FILE *out)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct error *err = &faults->errors[i];

        if (err->line > 0) {
            (void)fprintf(out, "%s:%u:%u: %s\n", err->source, err->line,
                          err->column, err->text);
        } else {
            (void)fprintf(out, "%s: %s\n", err->source, err->text);
        }
    }
    if (faults->total > faults->count) {
        (void)fprintf(out, "%s: %zu more faults\n", faults->errors[0].source,
                      faults->total - faults->count);
    }
}
