/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plug-ins that must be refused, one for each FAULT.
 */
#include <stompd/plugin.h>

#define FAULT_MAGIC 1
#define FAULT_ABI 2
#define FAULT_SYMBOL 3
#define FAULT_NAME 4
#define FAULT_FUNCTION 5
#define FAULT_START 6

static const struct stompd_eviction strategy = {
    .name = "e",
    .long_name = "e",
    .doc = "lacks its function",
};
static const struct stompd_eviction *const eviction[] = { &strategy, NULL };

static bool
refuse(const struct stompd_host *host)
{
    (void)host;
    return false;
}

#if FAULT == FAULT_SYMBOL
extern const struct stompd_plugin something_else;
const struct stompd_plugin something_else = {
#else
const struct stompd_plugin stompd_plugin = {
#endif
    .magic = FAULT == FAULT_MAGIC ? 1 : STOMPD_PLUGIN_MAGIC,
    .abi = FAULT == FAULT_ABI ? STOMPD_PLUGIN_ABI + 1 : STOMPD_PLUGIN_ABI,
    .name = FAULT == FAULT_NAME ? "a:b" : "faulty",
    .start = FAULT == FAULT_START ? refuse : NULL,
    .eviction = FAULT == FAULT_FUNCTION ? eviction : NULL,
};
