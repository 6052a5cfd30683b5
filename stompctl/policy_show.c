/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/policy_show.h"

#include "policy/units.h"
#include "stompctl/table.h"

#include <string.h>

int
policy_show_parse(const char *text, struct destination_name *name_out,
                  struct error *err)
{
    struct destination_name names[DESTINATION_COMPOSITE_COUNT];
    struct destination_name_options options = { .refuse_plain = false };
    size_t count;

    if (destination_name_parse(span_of_text(text), &options, names, &count,
                               err) != 0) {
        return -1;
    }
    if (count != 1) {
        return error_set(err, "one destination at a time, not %s", text);
    }
    *name_out = names[0];
    return 0;
}

static const char *
show_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

/* A strategy as its name; what it takes is in rows of its own. */
static const json_t *
show_parameters(const json_t *value, const char **name_out)
{
    void *iter = json_object_iter((json_t *)(uintptr_t)value);
    const json_t *inner;

    *name_out = NULL;
    if (iter == NULL || json_object_size(value) != 1) {
        return value;
    }
    inner = json_object_iter_value(iter);
    if (!json_is_object(inner)) {
        return value;
    }
    *name_out = json_object_iter_key(iter);
    return inner;
}

/* A value that is no object; of a part also what it comes to. */
static void
show_value(struct table *table, const json_t *key)
{
    const json_t *bytes = json_object_get(key, "bytes");
    char size[UNITS_TEXT_MAX];
    char text[64];

    if (bytes == NULL) {
        table_add_json(table, json_object_get(key, "value"));
        return;
    }
    (void)snprintf(text, sizeof(text), "%s = %s", show_text(key, "value"),
                   units_format_size(json_integer_value(bytes), size));
    table_add(table, text);
}

static void
show_key(struct table *table, const json_t *key)
{
    const json_t *value = json_object_get(key, "value");
    const char *name = NULL;
    const char *parameter;
    json_t *inner;

    table_add(table, show_text(key, "key"));
    if (json_is_object(value)) {
        value = show_parameters(value, &name);
        table_add(table, name != NULL ? name : "");
    } else {
        show_value(table, key);
    }
    table_add(table, show_text(key, "from"));
    table_add(table, json_is_true(json_object_get(key, "live"))
                         ? "live"
                         : "new destinations only");
    json_object_foreach((json_t *)(uintptr_t)value, parameter, inner)
    {
        char indented[128];

        (void)snprintf(indented, sizeof(indented), "  %s", parameter);
        table_add(table, indented);
        table_add_json(table, inner);
        table_add(table, "");
        table_add(table, "");
    }
}

static void
show_entry(const json_t *entry, FILE *out)
{
    const char *from = show_text(entry, "from");
    const json_t *line = json_object_get(entry, "line");

    if (line == NULL) {
        (void)fputs("no entry: the built-in defaults apply\n", out);
        return;
    }
    (void)fprintf(out, "%s %s%s%s%s:%lld\n", from, show_text(entry, "pattern"),
                  json_object_get(entry, "pattern") != NULL ? " " : "", "at ",
                  json_object_get(entry, "file") != NULL
                      ? show_text(entry, "file")
                      : "line",
                  (long long)json_integer_value(line));
}

void
policy_show_explanation(const json_t *tree, bool given, FILE *out)
{
    struct table table = TABLE_INIT(4, 0);
    size_t index;
    json_t *key;

    (void)fprintf(out, "%s %s: ", show_text(tree, "kind"),
                  show_text(tree, "name"));
    show_entry(json_object_get(tree, "entry"), out);
    table_add(&table, "KEY");
    table_add(&table, "VALUE");
    table_add(&table, "FROM");
    table_add(&table, "RELOAD");
    json_array_foreach(json_object_get(tree, "keys"), index, key)
    {
        if (!given || strcmp(show_text(key, "from"), "built-in") != 0) {
            show_key(&table, key);
        }
    }
    table_print(&table, out);
    table_fini(&table);
}

/* A value as the name of a strategy (NULL for none) and its parameters, or as
 * the members of an object. */
static const json_t *
show_split(const json_t *value, const char **name_out)
{
    *name_out = NULL;
    if (json_is_object(value)) {
        return show_parameters(value, name_out);
    }
    *name_out = json_string_value(value);
    return NULL;
}

static void
show_change_row(struct table *table, const char *indent, const char *key,
                const json_t *from, const json_t *to)
{
    char indented[128];

    (void)snprintf(indented, sizeof(indented), "%s%s", indent, key);
    table_add(table, indented);
    table_add_json(table, from);
    table_add(table, "->");
    table_add_json(table, to);
}

/* The members of from and to that differ. */
static void
show_change_members(struct table *table, const json_t *from, const json_t *to)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)from, key, value)
    {
        const json_t *other = json_object_get(to, key);

        if (!json_equal(value, other)) {
            show_change_row(table, "    ", key, value, other);
            table_add(table, "");
        }
    }
    json_object_foreach((json_t *)(uintptr_t)to, key, value)
    {
        if (json_object_get(from, key) == NULL) {
            show_change_row(table, "    ", key, NULL, value);
            table_add(table, "");
        }
    }
}

/* An object that is no strategy has no name, nor has what is not set. */
static const char *
show_name(const char *name, const json_t *value)
{
    if (name != NULL) {
        return name;
    }
    return json_is_null(value) ? "-" : "";
}

static void
show_change(struct table *table, const json_t *change)
{
    const json_t *from = json_object_get(change, "from");
    const json_t *to = json_object_get(change, "to");
    const char *live = json_is_true(json_object_get(change, "live"))
                           ? "live"
                           : "new destinations only";
    const char *names[2];
    const json_t *members[2] = { show_split(from, &names[0]),
                                 show_split(to, &names[1]) };
    char indented[128];

    if (members[0] == NULL && members[1] == NULL) {
        show_change_row(table, "  ", show_text(change, "key"), from, to);
        table_add(table, live);
        return;
    }
    (void)snprintf(indented, sizeof(indented), "  %s",
                   show_text(change, "key"));
    table_add(table, indented);
    table_add(table, show_name(names[0], from));
    table_add(table, "->");
    table_add(table, show_name(names[1], to));
    table_add(table, live);
    show_change_members(table, members[0], members[1]);
}

void
policy_show_changes(const char *destination, const json_t *changes, FILE *out)
{
    struct table table = TABLE_INIT(5, 0);
    size_t index;
    json_t *change;

    (void)fprintf(out, "%s\n", destination);
    json_array_foreach(changes, index, change)
    {
        show_change(&table, change);
    }
    table_print(&table, out);
    table_fini(&table);
}

void
policy_show_json(const json_t *tree, FILE *out)
{
    (void)json_dumpf(tree, out, JSON_INDENT(2));
    (void)fputc('\n', out);
}
