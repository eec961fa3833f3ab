/* A service's own figures as Prometheus text (docs/metrics.md), shown by lib/metrics. */
#include "life.h"
#include "metrics/text.h"

static void number(struct metrics_text *text, const char *name, enum metrics_kind kind,
                   const char *help, uint64_t value)
{
    metrics_family(text, name, kind, help);
    metrics_number(text, NULL, value);
}

static void bus_figures(struct metrics_text *text, const struct life *life)
{
    struct ld_client_state state = {0};
    if (life->client)
        ld_client_get_state(life->client, &state);
    uint64_t lag = state.head > life->confirmed ? state.head - life->confirmed : 0;
    number(text, "liandong_service_up", METRICS_GAUGE, "1 while the router is heard",
           state.link == LD_LINK_UP);
    number(text, "liandong_service_position", METRICS_GAUGE,
           "Up to here everything is applied, and what follows from it durable", life->confirmed);
    number(text, "liandong_service_lag_events", METRICS_GAUGE,
           "Durable events behind its position, as far as it has heard", lag);
    number(text, "liandong_service_outputs_unanswered", METRICS_GAUGE,
           "Outputs published and not yet durable", state.unanswered);
    number(text, "liandong_service_reconnects_total", METRICS_COUNTER,
           "Links made again after one was lost", state.reconnects);
}

void life_figures(struct ld_buffer *buffer, void *data)
{
    const struct life *life = data;
    struct metrics_text text = {0};
    metrics_family(&text, "liandong_build_info", METRICS_GAUGE, "Always 1; which program this is");
    metrics_number(&text, METRICS_LABELS({"program", life->name}, {"version", LIANDONG_VERSION}),
                   1);
    bus_figures(&text, life);
    metrics_family(&text, "liandong_service_apply_seconds", METRICS_HISTOGRAM,
                   "How long applying an event took");
    metrics_histogram(&text, &life->applies);
    ld_buffer_append(buffer, text.buffer.data, text.buffer.size);
    ld_buffer_free(&text.buffer);
}
