/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/table.h"

#include "base/alloc.h"

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

    for (size_t i = 0; i < table->count; i++) {
        size_t width = table_width(table->text.data + table->cells[i]);
        size_t *widest = &widths[i % table->columns];

        *widest = width > *widest ? width : *widest;
    }
    for (size_t row = 0; row * table->columns < table->count; row++) {
        table_print_row(table, row, widths, out);
    }
}
