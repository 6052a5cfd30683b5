/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a check of a store found, for people and for programs.
 */
#pragma once
#include "storage/store_check.h"

#include <stdio.h>

void store_report_text(const struct store_check *check, FILE *out);
void store_report_json(const struct store_check *check, FILE *out);

/* The findings alone, a line each. */
void store_report_findings(const struct store_check *check, FILE *out);
