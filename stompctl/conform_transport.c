/* SPDX-License-Identifier: Apache-2.0 */
/* Below STOMP: TLS, PROXY, addresses, descriptors, the disk.  What a black-box
 * check over one address cannot see is proved of stompd by other tests. */
#include "stompctl/conform.h"

static void
t_01(struct step *step)
{
    step_not_applicable(step, "stompd has no TLS yet");
}

static void
t_02(struct step *step)
{
    step_not_applicable(step, "stompd does not read PROXY yet");
}

static const struct conform_statement transport_statements[] = {
    { CONFORM_ROW("T-01", DERIVED, t_01,
                  "TLS: certificates by name, of clients, expired, reloaded") },
    { CONFORM_ROW("T-02", DERIVED, t_02,
                  "PROXY v1 and v2, from trusted peers only") },
    { CONFORM_ROW("T-03", DERIVED, NULL,
                  "IPv6, and unix sockets with their mode"),
      .elsewhere = "test_conn_tcp:"
                   "a_unix_socket_serves_stomp_and_has_mode_0660" },
    { CONFORM_ROW("T-04", DERIVED, NULL,
                  "without descriptors accepting pauses, sessions live"),
      .elsewhere = "test_conn_tcp:"
                   "without_descriptors_nothing_spins_and_it_recovers" },
    { CONFORM_ROW("T-05", DERIVED, NULL,
                  "after kill -9 every receipted persistent message is there, "
                  "none twice"),
      .elsewhere = "test/torture/torture" },
};

const struct conform_chapter conform_transport =
    CONFORM_CHAPTER("Transport", transport_statements);
