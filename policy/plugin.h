/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plug-ins: shared objects with strategies of their own (stompd/plugin.h).  One
 * that has been loaded stays as long as the process, as policies point into it;
 * loading it again gives the same.  Blocks; any thread.
 */
#pragma once
#include "base/error.h"

#include <stddef.h>

struct plugin; /* opaque: defined in plugin.c */

/* The kinds of strategies that there may be in one. */
enum plugin_family {
    PLUGIN_NONE,
    PLUGIN_DISPATCH,       /* struct dispatch_policy */
    PLUGIN_QUEUE_DISPATCH, /* the same, of those that have `pick` */
    PLUGIN_RECOVERY,       /* struct recovery_policy */
    PLUGIN_EVICTION,       /* struct eviction_strategy */
    PLUGIN_DEAD_LETTER,    /* struct dead_letter_strategy */
    PLUGIN_FAMILY_COUNT
};

/* NULL with the reason: the path is not absolute, anybody may write to the
 * file, it is not a plug-in or one of another version, or it is at fault
 * itself. */
const struct plugin *plugin_load(const char *path, struct error *err);

const char *plugin_name(const struct plugin *plugin);

/* What every strategy has for its first members. */
struct plugin_strategy {
    const char *name; /* "plugin:strategy" */
    const char *long_name;
    const char *doc;
};

/* Strategy number index of a family, of that family's type; NULL behind the
 * last. */
const struct plugin_strategy *plugin_strategy_at(const struct plugin *plugin,
                                                 enum plugin_family family,
                                                 size_t index);
