/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/plugin.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "policy/dead_letter.h"
#include "policy/dispatch.h"
#include "policy/eviction.h"
#include "policy/recovery.h"
#include "policy/stompd/plugin.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PLUGIN_STRATEGIES_MAX = 1000, PLUGIN_NAME_MAX = 64 };

/*
 * The types of the public header are ours by another name: a plug-in's tables
 * are copied and used as they are.  What fails here has to raise
 * STOMPD_PLUGIN_ABI.
 */
#define SAME_SIZE(ours, theirs)                                                \
    static_assert(sizeof(struct ours) == sizeof(struct theirs) &&              \
                      _Alignof(struct ours) == _Alignof(struct theirs),        \
                  #ours " and " #theirs " differ")
#define SAME_FIELD(ours, our_field, theirs, their_field)                       \
    static_assert(offsetof(struct ours, our_field) ==                          \
                          offsetof(struct theirs, their_field) &&              \
                      sizeof(((struct ours *)NULL)->our_field) ==              \
                          sizeof(((struct theirs *)NULL)->their_field),        \
                  #ours "." #our_field " and " #theirs "." #their_field        \
                        " differ")

SAME_SIZE(span, stompd_text);
SAME_FIELD(span, data, stompd_text, data);
SAME_FIELD(span, len, stompd_text, len);
static_assert(sizeof(enum destination_kind) == sizeof(enum stompd_kind) &&
                  (int)DESTINATION_QUEUE == (int)STOMPD_QUEUE &&
                  (int)DESTINATION_TOPIC == (int)STOMPD_TOPIC &&
                  (int)DESTINATION_TEMP_QUEUE == (int)STOMPD_TEMP_QUEUE &&
                  (int)DESTINATION_TEMP_TOPIC == (int)STOMPD_TEMP_TOPIC,
              "destination_kind and stompd_kind differ");

/* NOLINTBEGIN(bugprone-sizeof-expression): sizes of pointers are compared */
SAME_SIZE(dispatch_member, stompd_member);
SAME_FIELD(dispatch_member, prev, stompd_member, prev);
SAME_FIELD(dispatch_member, next, stompd_member, next);
SAME_FIELD(dispatch_member, priority, stompd_member, priority);
SAME_FIELD(dispatch_member, order, stompd_member, order);
SAME_SIZE(dispatch_offer, stompd_offer);
SAME_FIELD(dispatch_offer, destination, stompd_offer, destination);
SAME_SIZE(dispatch_policy, stompd_dispatch);
SAME_FIELD(dispatch_policy, name, stompd_dispatch, name);
SAME_FIELD(dispatch_policy, long_name, stompd_dispatch, long_name);
SAME_FIELD(dispatch_policy, doc, stompd_dispatch, doc);
SAME_FIELD(dispatch_policy, insert, stompd_dispatch, insert);
SAME_FIELD(dispatch_policy, pick, stompd_dispatch, pick);
SAME_FIELD(dispatch_policy, offered, stompd_dispatch, offered);
SAME_FIELD(dispatch_policy, accepts, stompd_dispatch, accepts);

SAME_SIZE(recovery_item, stompd_item);
SAME_FIELD(recovery_item, message, stompd_item, message);
SAME_FIELD(recovery_item, bytes, stompd_item, bytes);
SAME_FIELD(recovery_item, sent_us, stompd_item, sent_us);
SAME_FIELD(recovery_item, expires_ms, stompd_item, expires_ms);
SAME_FIELD(recovery_item, retain, stompd_item, reserved);
SAME_FIELD(recovery_parameters, hold, stompd_recovery_hooks, hold);
SAME_FIELD(recovery_parameters, release, stompd_recovery_hooks, release);
SAME_SIZE(recovery_policy, stompd_recovery);
SAME_FIELD(recovery_policy, name, stompd_recovery, name);
SAME_FIELD(recovery_policy, long_name, stompd_recovery, long_name);
SAME_FIELD(recovery_policy, doc, stompd_recovery, doc);
SAME_FIELD(recovery_policy, open, stompd_recovery, open);
SAME_FIELD(recovery_policy, close, stompd_recovery, close);
SAME_FIELD(recovery_policy, record, stompd_recovery, record);
SAME_FIELD(recovery_policy, visit_all, stompd_recovery, visit_all);
SAME_FIELD(recovery_policy, sweep, stompd_recovery, sweep);

SAME_SIZE(eviction_node, stompd_node);
SAME_FIELD(eviction_node, prev, stompd_node, prev);
SAME_FIELD(eviction_node, next, stompd_node, next);
SAME_FIELD(eviction_node, priority, stompd_node, priority);
SAME_FIELD(eviction_node, timestamp_ms, stompd_node, timestamp_ms);
SAME_SIZE(eviction_strategy, stompd_eviction);
SAME_FIELD(eviction_strategy, name, stompd_eviction, name);
SAME_FIELD(eviction_strategy, long_name, stompd_eviction, long_name);
SAME_FIELD(eviction_strategy, doc, stompd_eviction, doc);
SAME_FIELD(eviction_strategy, pick, stompd_eviction, pick);

SAME_SIZE(dead_letter_source, stompd_source);
SAME_FIELD(dead_letter_source, kind, stompd_source, kind);
SAME_FIELD(dead_letter_source, name, stompd_source, name);
SAME_FIELD(dead_letter_source, subscriber, stompd_source, subscriber);
SAME_SIZE(dead_letter_strategy, stompd_dead_letter);
SAME_FIELD(dead_letter_strategy, name, stompd_dead_letter, name);
SAME_FIELD(dead_letter_strategy, long_name, stompd_dead_letter, long_name);
SAME_FIELD(dead_letter_strategy, doc, stompd_dead_letter, doc);
SAME_FIELD(dead_letter_strategy, dead_letter_name, stompd_dead_letter,
           dead_letter_name);
/* NOLINTEND(bugprone-sizeof-expression) */

/* One copied table, with the name under which the file knows it. */
union plugin_table {
    struct plugin_strategy strategy;
    struct dispatch_policy dispatch;
    struct recovery_policy recovery;
    struct eviction_strategy eviction;
    struct dead_letter_strategy dead_letter;
};

struct plugin {
    struct plugin *next;
    const struct stompd_plugin *theirs;
    union plugin_table *tables[PLUGIN_FAMILY_COUNT];
    size_t counts[PLUGIN_FAMILY_COUNT];
};

static pthread_mutex_t plugin_lock = PTHREAD_MUTEX_INITIALIZER;
static struct plugin *plugins; /* all that are loaded; guarded by the lock */

static void
plugin_append(struct stompd_name *name, const char *data, size_t len)
{
    buf_append((struct buf *)name, data, len);
}

static const struct stompd_host plugin_host = {
    .abi = STOMPD_PLUGIN_ABI,
    .append = plugin_append,
};

/* The beginnings of all tables are alike: their lists can be read as one. */
static const struct plugin_strategy *const *
plugin_list(const struct stompd_plugin *theirs, enum plugin_family family)
{
    const void *list = NULL;

    switch (family) {
    case PLUGIN_DISPATCH:
    case PLUGIN_QUEUE_DISPATCH:
        list = theirs->dispatch;
        break;
    case PLUGIN_RECOVERY:
        list = theirs->recovery;
        break;
    case PLUGIN_EVICTION:
        list = theirs->eviction;
        break;
    case PLUGIN_DEAD_LETTER:
        list = theirs->dead_letter;
        break;
    case PLUGIN_NONE:
    case PLUGIN_FAMILY_COUNT:
        break;
    }
    return list;
}

static size_t
plugin_table_size(enum plugin_family family)
{
    static const size_t sizes[PLUGIN_FAMILY_COUNT] = {
        [PLUGIN_DISPATCH] = sizeof(struct dispatch_policy),
        [PLUGIN_QUEUE_DISPATCH] = sizeof(struct dispatch_policy),
        [PLUGIN_RECOVERY] = sizeof(struct recovery_policy),
        [PLUGIN_EVICTION] = sizeof(struct eviction_strategy),
        [PLUGIN_DEAD_LETTER] = sizeof(struct dead_letter_strategy),
    };

    return sizes[family];
}

static bool
plugin_name_is_fine(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    return name != NULL && name[0] != '\0' &&
           strnlen(name, PLUGIN_NAME_MAX) < PLUGIN_NAME_MAX &&
           name[strspn(name, allowed)] == '\0';
}

/* Whether everything that the broker will call is there. */
static bool
plugin_table_is_whole(enum plugin_family family,
                      const union plugin_table *table)
{
    switch (family) {
    case PLUGIN_DISPATCH:
    case PLUGIN_QUEUE_DISPATCH:
        return table->dispatch.insert != NULL;
    case PLUGIN_RECOVERY:
        return table->recovery.open != NULL && table->recovery.close != NULL &&
               table->recovery.record != NULL &&
               table->recovery.visit_all != NULL;
    case PLUGIN_EVICTION:
        return table->eviction.pick != NULL;
    case PLUGIN_DEAD_LETTER:
        return table->dead_letter.dead_letter_name != NULL;
    case PLUGIN_NONE:
    case PLUGIN_FAMILY_COUNT:
        break;
    }
    return false;
}

static int
plugin_check_table(enum plugin_family family,
                   const struct plugin_strategy *theirs, struct error *err)
{
    union plugin_table table = { .strategy = { .name = NULL } };

    memcpy(&table, theirs, plugin_table_size(family));
    if (!plugin_name_is_fine(table.strategy.name) ||
        table.strategy.doc == NULL) {
        return error_set(err, "one of its strategies has no name made of "
                              "letters, digits, `_` and `-`, or no doc");
    }
    if (!plugin_table_is_whole(family, &table)) {
        return error_set(err, "its strategy %s lacks a function",
                         table.strategy.name);
    }
    return 0;
}

/* Everything that can be wrong with what the symbol points at. */
static int
plugin_check(const struct stompd_plugin *theirs, struct error *err)
{
    if (theirs->magic != STOMPD_PLUGIN_MAGIC) {
        return error_set(err, "its stompd_plugin does not begin with "
                              "STOMPD_PLUGIN_MAGIC: it is no plug-in");
    }
    if (theirs->abi != STOMPD_PLUGIN_ABI) {
        return error_set(err,
                         "it is made for plug-in version %u, this stompd has "
                         "version %u: build it again with this <stompd/"
                         "plugin.h>",
                         theirs->abi, STOMPD_PLUGIN_ABI);
    }
    if (!plugin_name_is_fine(theirs->name)) {
        return error_set(err, "its name is not made of letters, digits, `_` "
                              "and `-`");
    }
    for (int i = PLUGIN_NONE + 1; i < PLUGIN_FAMILY_COUNT; i++) {
        const struct plugin_strategy *const *list =
            plugin_list(theirs, (enum plugin_family)i);

        for (size_t j = 0; list != NULL && list[j] != NULL; j++) {
            if (j == PLUGIN_STRATEGIES_MAX) {
                return error_set(err, "a list of its strategies has no end");
            }
            if (plugin_check_table((enum plugin_family)i, list[j], err) != 0) {
                return -1;
            }
        }
    }
    if (theirs->start != NULL && !theirs->start(&plugin_host)) {
        return error_set(err, "it refuses to start");
    }
    return 0;
}

static void
plugin_copy_family(struct plugin *plugin, enum plugin_family family)
{
    const struct plugin_strategy *const *list =
        plugin_list(plugin->theirs, family);
    size_t count = 0;

    while (list != NULL && list[count] != NULL) {
        count++;
    }
    plugin->counts[family] = count;
    plugin->tables[family] = xcalloc(count + 1, sizeof(union plugin_table));
    for (size_t i = 0; i < count; i++) {
        union plugin_table *table = &plugin->tables[family][i];
        struct buf name = BUF_INIT;

        memcpy(table, list[i], plugin_table_size(family));
        buf_appendf(&name, "%s:%s", plugin->theirs->name, list[i]->name);
        table->strategy.name = xstrndup(name.data, name.len);
        table->strategy.long_name = table->strategy.name;
        buf_fini(&name);
    }
}

/* The file may be changed by its owner and root alone, as it is run with the
 * rights of the broker. */
static int
plugin_check_file(const char *path, struct error *err)
{
    struct stat status;

    if (path[0] != '/') {
        return error_set(err, "a plug-in is given by its absolute path");
    }
    if (stat(path, &status) != 0) {
        return error_set(err, "cannot look at it: %s", strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(err, "it is not a file");
    }
    if ((status.st_mode & S_IWOTH) != 0) {
        return error_set(err,
                         "anybody may write to it, and it would run "
                         "inside the broker: chmod o-w %s",
                         path);
    }
    return 0;
}

/* The symbol of the object, which is open for good; NULL after an error. */
static const struct stompd_plugin *
plugin_open(const char *path, struct error *err)
{
    void *object;
    const struct stompd_plugin *theirs;

    if (plugin_check_file(path, err) != 0) {
        return NULL;
    }
    object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        (void)error_set(err, "cannot be loaded: %s", dlerror());
        return NULL;
    }
    theirs = dlsym(object, "stompd_plugin");
    if (theirs == NULL) {
        (void)error_set(err, "it has no symbol stompd_plugin: it is no "
                             "plug-in of stompd");
        (void)dlclose(object);
    }
    return theirs;
}

static const struct plugin *
plugin_take(const struct stompd_plugin *theirs, struct error *err)
{
    struct plugin *plugin;

    for (plugin = plugins; plugin != NULL; plugin = plugin->next) {
        if (plugin->theirs == theirs) {
            return plugin;
        }
    }
    if (plugin_check(theirs, err) != 0) {
        return NULL;
    }
    plugin = xcalloc(1, sizeof(*plugin));
    plugin->theirs = theirs;
    for (int i = PLUGIN_NONE + 1; i < PLUGIN_FAMILY_COUNT; i++) {
        plugin_copy_family(plugin, (enum plugin_family)i);
    }
    plugin->next = plugins;
    plugins = plugin;
    return plugin;
}

const struct plugin *
plugin_load(const char *path, struct error *err)
{
    const struct stompd_plugin *theirs;
    const struct plugin *plugin = NULL;

    (void)pthread_mutex_lock(&plugin_lock);
    theirs = plugin_open(path, err);
    if (theirs != NULL) {
        plugin = plugin_take(theirs, err);
    }
    (void)pthread_mutex_unlock(&plugin_lock);
    return plugin;
}

const char *
plugin_name(const struct plugin *plugin)
{
    return plugin->theirs->name;
}

const struct plugin_strategy *
plugin_strategy_at(const struct plugin *plugin, enum plugin_family family,
                   size_t index)
{
    return index < plugin->counts[family]
               ? &plugin->tables[family][index].strategy
               : NULL;
}
