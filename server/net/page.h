/* SPDX-License-Identifier: Apache-2.0 */
/* page.html as bytes; page.c is made from it when stompd is built. */
#pragma once
#include <stddef.h>

extern const char page_html[];
extern const size_t page_html_len;
