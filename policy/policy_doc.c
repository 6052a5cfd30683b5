/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what is made from the table of policy keys: `manual`, `schema` or
 * `defaults`.  For `make update-policy-docs`; not installed.
 */
#include "policy/policy_schema_print.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const struct {
    const char *name;
    void (*print)(FILE *out);
} policy_doc_parts[] = {
    { "manual", policy_schema_print_manual },
    { "schema", policy_schema_print_json },
    { "defaults", policy_schema_print_defaults },
};

int
main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof(policy_doc_parts) /
                                            sizeof(policy_doc_parts[0]);
         i++) {
        if (strcmp(argv[1], policy_doc_parts[i].name) == 0) {
            policy_doc_parts[i].print(stdout);
            return fflush(stdout) == 0 ? EXIT_SUCCESS : EX_IOERR;
        }
    }
    (void)fprintf(stderr, "usage: %s manual|schema|defaults\n", argv[0]);
    return EX_USAGE;
}
