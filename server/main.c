/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompd: options and exit codes, nothing else.
 */
#include "base/alloc.h"
#include "base/hash.h"
#include "policy/policy_load.h"
#include "server/broker.h"
#include "server/log.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

int
main(int argc, char **argv)
{
    struct broker_options options = {
        .engine = &store_leveldb,
        .store = store_options_default,
        .core = core_options_default,
        .session = session_config_default,
    };
    struct net_endpoint endpoints[8];
    struct faults faults = { .count = 0 };
    struct policy_map *policies = NULL;
    struct broker *broker = NULL;
    struct error err = ERROR_INIT;
    int c;

    hash_seed_random();
    options.endpoints = endpoints;
    options.store.directory = "/tmp/stompd-data";
    while ((c = getopt(argc, argv, "p:d:l:m")) != -1) {
        char kind[16];
        unsigned port;

        switch (c) {
        case 'p':
            options.policy_path = optarg;
            break;
        case 'd':
            options.store.directory = optarg;
            break;
        case 'm':
            options.engine = &store_memory;
            break;
        case 'l':
            if (sscanf(optarg, "%15[a-z]://127.0.0.1:%u", kind, &port) != 2) {
                return EX_USAGE;
            }
            endpoints[options.endpoint_count++] = (struct net_endpoint){
                .kind = strcmp(kind, "ws") == 0 ? NET_ENDPOINT_WS
                                                : NET_ENDPOINT_STOMP,
                .host = "127.0.0.1",
                .port = (uint16_t)port,
                .path = "/stomp",
            };
            break;
        default:
            return EX_USAGE;
        }
    }
    policies = policy_map_new();
    if (options.policy_path != NULL) {
        policy_map_free(&policies);
        if (policy_load_file(options.policy_path, &policies, &faults) != 0) {
            faults_print(&faults, stderr);
            return EX_CONFIG;
        }
    }
    if (broker_start(&options, policies, &broker, &err) != BROKER_STARTED) {
        (void)fprintf(stderr, "stompd: %s\n", err.text);
        return EX_UNAVAILABLE;
    }
    (void)printf("ready %s\n", broker_uris(broker));
    (void)fflush(stdout);
    broker_run(broker);
    broker_free(&broker);
    return EX_OK;
}
