/*
 * The allowance: what may be asked of the router that moves no events (docs/protocol.md, 7.1).
 *
 * Each request has a price in microseconds, about what it takes of the loop. One allowance for all,
 * refilled at a steady rate, pays for them; so whatever is asked, it takes no more than that of the
 * router's time. It may be overdrawn by the last one. What finds nothing left waits for its turn:
 * messages in waiting.c, refused events in request.c, steps of FIND in find.c. A timer ends the
 * loop's sleep when there is some again.
 *
 * Publishing and delivering events costs nothing here: they have bounds of their own.
 */
#include "internal.h"

enum { TURN_US = 500 }; /* spent in one turn of the loop */

void allowance_open(struct router *router)
{
    router->allowance = (struct allowance){
        .left_us = router->options.limits.allowance_us,
        .filled_us = ld_monotonic_us(router->context),
    };
}

static void refill(struct router *router)
{
    struct allowance *allowance = &router->allowance;
    const struct router_limits *limits = &router->options.limits;
    int64_t now_us = ld_monotonic_us(router->context);
    int64_t missing_us = limits->allowance_us - allowance->left_us;
    int64_t more_us = (now_us - allowance->filled_us) / limits->allowance_share;
    if (more_us >= missing_us) {
        allowance->left_us = limits->allowance_us;
        allowance->filled_us = now_us;
        return;
    }
    allowance->left_us += more_us;
    allowance->filled_us += more_us * limits->allowance_share;
}

bool allowance_is_left(struct router *router)
{
    refill(router);
    return router->allowance.left_us > 0 && router->allowance.turn_us < TURN_US;
}

void allowance_spend(struct router *router, int64_t price_us)
{
    router->allowance.left_us -= price_us;
    router->allowance.turn_us += price_us;
}

void allowance_begin_turn(struct router *router)
{
    refill(router);
    router->allowance.turn_us = 0;
}

int64_t allowance_wait_us(const struct router *router, int64_t price_us)
{
    int64_t missing_us = price_us - router->allowance.left_us;
    return missing_us > 0 ? missing_us * router->options.limits.allowance_share : 0;
}

static void is_left_again(uv_timer_t *timer)
{
    (void)timer; /* the turn that follows does the work */
}

bool allowance_work_left(struct router *router)
{
    bool wanted = router->waiters || router->finds || (router->working && router->requests_poor);
    if (!wanted)
        return false;
    int64_t wait_us = allowance_wait_us(router, 1);
    if (wait_us > 0 && !uv_is_active((uv_handle_t *)&router->allowed))
        uv_timer_start(&router->allowed, is_left_again, (uint64_t)(wait_us + 999) / 1000, 0);
    return wait_us == 0;
}
