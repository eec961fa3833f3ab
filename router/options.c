/* The router's options and their defaults. */
#include "router.h"

#include "timefmt.h"

void router_options_init(struct router_options *options)
{
    *options = (struct router_options){
        .tick_us = LD_US_MINUTE,
        .commit_here = true,
        .heartbeat_ms = 1000,
        .silence_heartbeats = 10,
        .limits =
            {
                .connections = 1280,
                .tap_connections = 256,
                .tap_behind = 65536,
                .memory_bytes = 48u << 20,
                .sessions = 1024,
                .sessions_per_identity = 256,
                .streams = 4096,
                .streams_per_session = 64,
                .producers = 100000,
                .producers_per_identity = 10000,
                .claims_per_identity = 20000,
                .batch_bytes = 2u << 20,
                .credit_bytes = 512u << 10,
                .chunk_bytes = 128u << 10,
                .copied_bytes = 16u << 20,
                .waiting_bytes = 24u << 20,
                .waiting_session_bytes = 8u << 20,
                .answers = 65536,
                .outbox_messages = 1024,
                .unread_bytes = 4u << 20,
                .finds_per_session = 4,
                .allowance_us = 50000,
                .allowance_share = 10,
                .held_messages = 256,
                .held_bytes = 4u << 20,
                .advances = 16,
                .advance_ticks = 1000000,
            },
    };
}
