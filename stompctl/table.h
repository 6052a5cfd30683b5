/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of text, or of JSON objects, in columns as wide as they have to be, for
 * a terminal.
 */
#pragma once
#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS = 16 };

/* The caller's, TABLE_INIT at first. */
struct table {
    struct buf text; /* the cells, each with its NUL */
    size_t *cells;   /* where each begins; rows of `columns` */
    size_t count;
    size_t columns;
    unsigned right; /* bits of the columns that are numbers */
};
#define TABLE_INIT(columns_, right_)                                           \
    ((struct table){ .columns = (columns_), .right = (right_) })

/* Frees all of it. */
void table_fini(struct table *table);

/* The next cell; rows fill from left to right.  What a terminal would take for
 * a command is shown as \xNN. */
void table_add(struct table *table, const char *text);

/* The same with a value: a text without its quotes, null as "-", anything else
 * as JSON.  value may be NULL. */
void table_add_json(struct table *table, const json_t *value);

/* Prints the rows. */
void table_print(const struct table *table, FILE *out);

/* A column of JSON objects: the member that it shows, or two that are numbers
 * as "a/b". */
struct table_column {
    const char *heading;
    const char *members[2];
    bool right; /* numbers stand right */
};

/* Prints the headings and a row for each object of the array; columns end with
 * one that has no heading. */
void table_print_objects(const struct table_column *columns,
                         const json_t *objects, FILE *out);

/* Prints a list as the admin API writes it, its objects under `name`, and says
 * how many more than those are there. */
void table_print_list(const struct table_column *columns, const json_t *tree,
                      const char *name, FILE *out);
