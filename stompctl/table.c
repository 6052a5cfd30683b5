/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/table.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

enum { TABLE_GAP = 2 };

void
table_fini(struct table *table)
{
    buf_fini(&table->text);
    free(table->cells);
    table->cells = NULL;
    table->count = 0;
}

void
table_add(struct table *table, const char *text)
{
    if ((table->count & (table->count - 1)) == 0) {
        table->cells =
            xrealloc(table->cells, (table->count > 0 ? table->count * 2 : 1) *
                                       sizeof(*table->cells));
    }
    table->cells[table->count++] = table->text.len;
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c == 0x7F) {
            buf_appendf(&table->text, "\\x%02x", c);
        } else {
            buf_append_char(&table->text, (char)c);
        }
    }
    buf_append_char(&table->text, '\0');
}

void
table_add_json(struct table *table, const json_t *value)
{
    char *text;

    if (value == NULL || json_is_null(value)) {
        table_add(table, "-");
    } else if (json_is_string(value)) {
        table_add(table, json_string_value(value));
    } else {
        text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        table_add(table, text != NULL ? text : "?");
        free(text);
    }
}

/* Characters, not bytes: UTF-8 goes on with 10xxxxxx. */
static size_t
table_width(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return width;
}

static void
table_pad(size_t count, FILE *out)
{
    while (count-- > 0) {
        (void)fputc(' ', out);
    }
}

static const char *
table_cell(const struct table *table, size_t row, size_t column)
{
    size_t index = row * table->columns + column;

    return index < table->count ? table->text.data + table->cells[index] : "";
}

/* Without blanks behind the last cell that has something in it. */
static void
table_print_row(const struct table *table, size_t row, const size_t *widths,
                FILE *out)
{
    size_t blanks = 0;

    for (size_t column = 0; column < table->columns; column++) {
        const char *text = table_cell(table, row, column);
        size_t pad = widths[column] - table_width(text);
        bool right = (table->right >> column & 1) != 0;

        if (text[0] != '\0') {
            table_pad(blanks + (right ? pad : 0), out);
            (void)fputs(text, out);
            blanks = 0;
            pad = right ? 0 : pad;
        }
        blanks += pad + TABLE_GAP;
    }
    (void)fputc('\n', out);
}

void
table_print(const struct table *table, FILE *out)
{
    size_t widths[TABLE_COLUMNS] = { 0 };

    assert(table->columns > 0 && table->columns <= TABLE_COLUMNS);
    for (size_t i = 0; i < table->count; i++) {
        size_t width = table_width(table->text.data + table->cells[i]);
        size_t *widest = &widths[i % table->columns];

        *widest = width > *widest ? width : *widest;
    }
    for (size_t row = 0; row * table->columns < table->count; row++) {
        table_print_row(table, row, widths, out);
    }
}

static void
table_add_member(struct table *table, const json_t *object,
                 const struct table_column *column)
{
    const json_t *first = json_object_get(object, column->members[0]);
    char *pair;

    if (column->members[1] == NULL) {
        table_add_json(table, first);
        return;
    }
    pair = xasprintf("%lld/%lld", (long long)json_integer_value(first),
                     (long long)json_integer_value(
                         json_object_get(object, column->members[1])));
    table_add(table, pair);
    free(pair);
}

void
table_print_objects(const struct table_column *columns, const json_t *objects,
                    FILE *out)
{
    struct table table = TABLE_INIT(0, 0);
    size_t index;
    json_t *object;

    for (; columns[table.columns].heading != NULL; table.columns++) {
        table_add(&table, columns[table.columns].heading);
        table.right |= columns[table.columns].right ? 1U << table.columns : 0;
    }
    json_array_foreach(objects, index, object)
    {
        for (size_t i = 0; i < table.columns; i++) {
            table_add_member(&table, object, &columns[i]);
        }
    }
    table_print(&table, out);
    table_fini(&table);
}

void
table_print_list(const struct table_column *columns, const json_t *tree,
                 const char *name, FILE *out)
{
    const json_t *objects = json_object_get(tree, name);
    long long shown = (long long)json_array_size(objects);
    long long total = json_integer_value(json_object_get(tree, "total"));

    table_print_objects(columns, objects, out);
    if (total > shown) {
        (void)fprintf(out, "and %lld more (--limit)\n", total - shown);
    }
}
