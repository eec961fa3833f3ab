/* The decision tables of recovery; recovery.c draws them and says why. */
#include "decide.h"

#include <assert.h>

enum { HEADERS = HEADER_BAD + 1, BODIES = BODY_PROVEN + 1 };

enum recovery_action decide_header(enum header_state header)
{
    static const enum recovery_action table[HEADERS] = {
        [HEADER_IN_USE] = RECOVERY_USE,
        [HEADER_PREPARED] = RECOVERY_REFUSE,
        [HEADER_BAD] = RECOVERY_REFUSE,
    };
    assert((unsigned)header < HEADERS);
    return table[header];
}

enum recovery_action decide_spare(enum header_state header, enum body_state body)
{
    static const enum recovery_action table[HEADERS][BODIES] = {
        [HEADER_IN_USE] = {RECOVERY_REFUSE, RECOVERY_REFUSE, RECOVERY_REFUSE},
        [HEADER_PREPARED] = {RECOVERY_USE, RECOVERY_DROP, RECOVERY_REFUSE},
        [HEADER_BAD] = {RECOVERY_DROP, RECOVERY_REFUSE, RECOVERY_REFUSE},
    };
    assert((unsigned)header < HEADERS && (unsigned)body < BODIES);
    return table[header][body];
}

enum recovery_action decide_tail(bool begun, enum body_state rest)
{
    static const enum recovery_action table[2][BODIES] = {
        [false] = {RECOVERY_DROP, RECOVERY_DROP, RECOVERY_REFUSE},
        [true] = {RECOVERY_USE, RECOVERY_CUT, RECOVERY_REFUSE},
    };
    assert((unsigned)rest < BODIES);
    return table[begun][rest];
}

enum recovery_action decide_sealed(bool complete, enum body_state rest)
{
    static const enum recovery_action table[2][BODIES] = {
        [false] = {RECOVERY_REFUSE, RECOVERY_REFUSE, RECOVERY_REFUSE},
        [true] = {RECOVERY_USE, RECOVERY_REFUSE, RECOVERY_REFUSE},
    };
    assert((unsigned)rest < BODIES);
    return table[complete][rest];
}
