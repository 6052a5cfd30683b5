/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plug-ins that a policy file names, and the strategies in them.
 */
#include "base/alloc.h"
#include "policy/plugin.h"
#include "policy/policy_loader.h"

#include <string.h>

void
policy_load_plugins(struct policy_loader *loader, const json_t *root)
{
    const json_t *array = json_object_get(root, "plugins");
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    size_t size = sizeof(*loader->plugins);

    loader->plugins = xcalloc(json_array_size(array) + 1, size);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *path = json_string_value(json_array_get(array, i));
        struct error unused = ERROR_INIT; /* the check below says it */
        const struct plugin *plugin =
            path != NULL ? plugin_load(path, &unused) : NULL;

        if (plugin != NULL) {
            loader->plugins[loader->plugin_count++] = plugin;
        }
    }
}

static bool
plugin_name_is_taken(const struct policy_loader *loader,
                     const struct plugin *plugin)
{
    for (size_t i = 0; i < loader->plugin_count; i++) {
        const struct plugin *other = loader->plugins[i];

        if (other != plugin &&
            strcmp(plugin_name(other), plugin_name(plugin)) == 0) {
            return true;
        }
    }
    return false;
}

static void
plugin_check_element(struct json_check *check, const json_t *element)
{
    const char *path = json_string_value(element);
    struct error err = ERROR_INIT;
    const struct plugin *plugin;
    struct buf sentence = BUF_INIT;

    if (path == NULL) {
        json_check_expected(check, element,
                            "the absolute path of a shared object");
        return;
    }
    plugin = plugin_load(path, &err);
    json_check_append_quoted(&sentence, span_of_text(path));
    if (plugin == NULL) {
        json_check_fault(check, "the plug-in %.*s: %s", (int)sentence.len,
                         sentence.data, err.text);
    } else if (plugin_name_is_taken(check->ctx, plugin)) {
        json_check_fault(check, "the plug-in %.*s: another is called %s too",
                         (int)sentence.len, sentence.data, plugin_name(plugin));
    }
    buf_fini(&sentence);
}

void
policy_load_check_plugins(struct json_check *check, json_t *value, void *target)
{
    size_t index;
    json_t *element;

    (void)target;
    if (!json_is_array(value)) {
        json_check_expected(check, value, "an array of paths");
        return;
    }
    json_array_foreach(value, index, element)
    {
        struct json_check_mark mark = json_check_enter_index(check, index);

        plugin_check_element(check, element);
        json_check_leave(check, mark);
    }
}

/* A queue asks its dispatch policy whose turn it is; not every one can say. */
static bool
plugin_serves(enum plugin_family family, const struct plugin_strategy *strategy)
{
    return family != PLUGIN_QUEUE_DISPATCH ||
           ((const struct dispatch_policy *)strategy)->pick != NULL;
}

bool
policy_load_plugin_strategy(const struct json_check *check,
                            const struct json_family *family, const char *name,
                            struct json_strategy *out)
{
    const struct policy_loader *loader = check->ctx;
    enum plugin_family wanted = (enum plugin_family)family->plugin_family;
    const struct plugin_strategy *strategy;

    for (size_t i = 0; i < loader->plugin_count; i++) {
        for (size_t j = 0; (strategy = plugin_strategy_at(loader->plugins[i],
                                                          wanted, j)) != NULL;
             j++) {
            if (strcmp(strategy->name, name) == 0 &&
                plugin_serves(wanted, strategy)) {
                *out = (struct json_strategy){
                    .name = strategy->name,
                    .long_name = strategy->long_name,
                    .doc = strategy->doc,
                    .strategy = strategy,
                };
                return true;
            }
        }
    }
    return false;
}
