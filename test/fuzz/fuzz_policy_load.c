/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the policy file.  What must hold: a map or a fault, never both; each
 * fault has a place within the text and a sentence on one line; the faults are
 * in the order of the file, and a map can be searched.
 */
#include "policy/policy_load.h"

#include "test/fuzz/fuzz_target.h"

#include <assert.h>
#include <string.h>

static void
fuzz_check_faults(const struct faults *faults, struct span text)
{
    unsigned lines = 1;

    for (size_t i = 0; i < text.len; i++) {
        lines += text.data[i] == '\n';
    }
    assert(faults->count > 0 && faults->count <= FAULTS_MAX);
    assert(faults->total >= faults->count);
    for (size_t i = 0; i < faults->count; i++) {
        const struct error *err = &faults->errors[i];

        assert(strcmp(err->source, "fuzz") == 0);
        assert(err->line >= 1 && err->line <= lines);
        assert(err->column >= 1 && err->column <= text.len + 1);
        assert(err->text[0] != '\0');
        assert(strpbrk(err->text, "\n\r\t\x1b") == NULL);
        assert(i == 0 || err->line >= faults->errors[i - 1].line);
    }
}

static void
fuzz_check_virtual(void *ctx, struct virtual_destination *virtual)
{
    const enum destination_kind *kind = ctx;

    assert(virtual->refs > 0 && virtual->name[0] != '\0');
    assert(virtual->type->source == *kind);
    for (size_t i = 0; i < virtual->target_count; i++) {
        assert(virtual->targets[i].name[0] != '\0');
    }
}

static void
fuzz_check_map(struct policy_map *map, struct span text)
{
    struct span name = text;

    name.len = name.len < 64 ? name.len : 64;
    for (unsigned i = 0; i < DESTINATION_KIND_COUNT; i++) {
        enum destination_kind kind = (enum destination_kind)i;
        const struct policy *policy = policy_map_find(map, kind, name);

        policy_map_visit_virtuals(map, kind, name, fuzz_check_virtual, &kind);
        assert(policy->refs > 0);
        assert(policy->queue_prefetch > 0);
        assert(policy->recovery != NULL && policy->dead_letter != NULL);
        assert(policy->message_groups != NULL);
        assert(policy->recovery_parameters.wrapped != &recovery_retained);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of((const char *)data, size);
    struct policy_map *map = NULL;
    struct faults faults;

    if (policy_load_text(text, "fuzz", &map, &faults) != 0) {
        assert(map == NULL);
        fuzz_check_faults(&faults, text);
        return 0;
    }
    assert(map != NULL && faults.total == 0);
    fuzz_check_map(map, text);
    policy_map_free(&map);
    return 0;
}
