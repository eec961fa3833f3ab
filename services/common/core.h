/*
 * A core: one service as a pure, deterministic state machine over the log.
 *
 *     state + apply(state, event) -> outputs, and visit() for snapshots
 *
 * A core knows no socket, clock, file or random number and no other core's state. Time is the
 * event's time (event->record->time_us); time passing without events is sys/tick. Iterate only in
 * insertion order; never depend on addresses. What a core emits depends on nothing but its setup
 * and the events before.
 *
 * Worlds: the host keeps one instance of each core for actual events and one for exercises, and
 * hands each event to the one it belongs to (ticks to both; an actual plan adoption to both, an
 * exercise's to the exercise only). Outputs inherit the flag. No core sees the other world.
 *
 * Errors of the world outside are events too: a core that gets input it must refuse emits a
 * Receipt with the reason in both languages (sv_refuse) and changes no state.
 */
#ifndef SV_CORE_H
#define SV_CORE_H

#include <liandong/record.h>
#include <protobuf-c/protobuf-c.h>
#include "arena.h"
#include "buffer.h"
#include "plan/plan.h"

/* The first segment of a topic says which message it carries (docs/events.md).
 * X(NAME, "segment", message descriptor or NONE) */
#define SV_FAMILIES(X)                                                                             \
    X(REPORT, "report", report)                                                                    \
    X(RECEIPT, "receipt", receipt)                                                                 \
    X(INCIDENT, "incident", incident)                                                              \
    X(CLOCK, "clock", clock)                                                                       \
    X(GRADE, "grade", grade)                                                                       \
    X(WARNING, "warning", warning)                                                                 \
    X(DECISION, "decision", decision)                                                              \
    X(RESPONSE, "response", response)                                                              \
    X(DUTY, "duty", duty_order)                                                                    \
    X(REPLY, "reply", duty_reply)                                                                  \
    X(NOTICE, "notice", notice)                                                                    \
    X(NEED, "need", supply_act)                                                                    \
    X(SUPPLY, "supply", supply_movement)                                                           \
    X(PLAN, "plan", plan_adoption)                                                                 \
    X(BULLETIN, "bulletin", bulletin)                                                              \
    X(RESERVE, "reserve", supply_reserve)                                                          \
    X(CONTACT, "contact", contact_list)                                                            \
    X(DELIVERY, "delivery", delivery)                                                              \
    X(NOTIFY, "notify", notice_act)                                                                \
    X(HELP, "help", duty_order)

enum sv_family {
#define SV_FAMILY_ENUM(name, segment, descriptor) SV_##name,
    SV_FAMILIES(SV_FAMILY_ENUM)
#undef SV_FAMILY_ENUM
        SV_TICK, /* sys/tick */
    SV_OTHER,    /* any other sys/… or unknown topic */
    SV_FAMILY_COUNT
};
#define SV_BIT(family) (1u << (family))

/* Family of a topic; its message type (NULL for SV_TICK, SV_OTHER); its first segment. */
enum sv_family sv_family_of(const char *topic, size_t topic_size);
const ProtobufCMessageDescriptor *sv_family_descriptor(enum sv_family family);
const char *sv_family_name(enum sv_family family);
/* The second segment of a topic, in area; "" if there is none. */
void sv_topic_area(const char *topic, size_t topic_size, char area[LD_TOPIC_SIZE_MAX + 1]);
/* Is it input from outside, which gets one receipt? */
bool sv_family_is_input(enum sv_family family);

/* Unpacks a payload with its limits checked first (size, field count, nesting; UTF-8 of strings).
 * The message lives in the arena. LD_OK, LD_TOOBIG or LD_PROTOCOL with the reason. */
int sv_decode(enum sv_family family, const uint8_t *payload, size_t size, struct ld_arena *arena,
              ProtobufCMessage **message, struct ld_error *error) LD_MUST_USE;

enum { SV_SEGMENTS_MAX = 16 };

/* One event as a core sees it. Everything is borrowed for the call. */
struct sv_event {
    const struct ld_record *record;
    enum sv_family family;
    const ProtobufCMessage *message; /* NULL: tick, or malformed (then fault says why) */
    const char *fault;               /* NULL if all is well; for SV_PLAN also: bundle refused */
    const char *topic;               /* zero-terminated */
    const char *segment[SV_SEGMENTS_MAX]; /* of the topic, zero-terminated */
    size_t segment_count;
    const struct plan *plan; /* SV_PLAN: what was adopted, NULL if refused */
    bool plan_is_new;        /* SV_PLAN: this hash was not in force before */
    bool exercise;
};

/* The plans adopted so far, in one world. Plans never go away. */
struct sv_plans;
/* The version in force of a plan, or that pinned by its hash; NULL if never adopted. */
const struct plan *sv_plans_current(const struct sv_plans *plans, const char *id);
const struct plan *sv_plans_pinned(const struct sv_plans *plans, const char *hash);
/* The plan in force that governs a hazard in an area (a county's city): the one with the hazard
 * in scope and not deferred; NULL if none. */
const struct plan *sv_plans_governing(const struct sv_plans *plans, const char *area,
                                      const char *hazard);
/* Any plan in force whose area contains this area: for names and vocabulary; NULL if none. */
const struct plan *sv_plans_any(const struct sv_plans *plans, const char *area);
/* The deferral of a plan in force for the area by which the hazard goes by another plan, adopted or
 * not, and in *by whose it is; NULL: none. */
const struct plan_deferral *sv_plans_deferral(const struct sv_plans *plans, const char *area,
                                              const char *hazard, const struct plan **by);

struct sv_setup {
    const struct sv_plans *plans; /* lives as long as the core */
    const char *unit;             /* duty: whose instance this is; else NULL */
};

struct sv_outputs;
struct sv_codec;
struct sv_names;
struct sv_core; /* each service defines its own */

struct sv_class {
    const char *name;           /* "grading": service, identity and producer name */
    unsigned families;          /* SV_BITs of what apply wants to see */
    bool per_unit;              /* one instance per member unit (duty) */
    const char *const *filters; /* what its stream asks for, NULL-terminated; ">" excluded only
                                 * to save traffic: apply must ignore what it does not know */
    const char *const *own;     /* NULL: none. Families of which an instance reads only what is for
                                 * its unit (<family>/<area>/<slug> and below), NULL-terminated;
                                 * added to the filters */
    struct sv_core *(*create)(const struct sv_setup *setup);
    void (*destroy)(struct sv_core *core);
    void (*apply)(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out);
    /* Saves or loads all state through codec, the same code for both. */
    void (*visit)(struct sv_core *core, struct sv_codec *codec);
    unsigned state_version; /* raise it when what visit saves changes its shape */
    /* Both or neither: for classes with many instances, most of which have nothing to do with most
     * events. concerns: false only if apply would change nothing in any instance and put out
     * nothing. What the class wants to remember of events that came before goes into known: one for
     * each world, empty after loading and whenever a plan is adopted. due_us: from when on this
     * instance is to see every event, whatever it is; INT64_MAX: never. */
    bool (*concerns)(struct sv_names *known, const struct sv_event *event);
    int64_t (*due_us)(const struct sv_core *core);
};

extern const struct sv_class reporting_class, grading_class, command_class, duty_class,
    notification_class, supplies_class;

/* ---- emitting ---- */

/* protobuf-c's strings are char *, though packing only reads them; NULL becomes "". */
static inline char *sv_borrow(const char *text)
{
    union {
        const char *constant;
        char *plain;
    } either = {text ? text : ""};
    return either.plain;
}

/* Memory that lasts until the outputs of this event are taken: for building messages. */
struct ld_arena *sv_arena(struct sv_outputs *out);

/* Packs message and puts it out under the formatted topic; flag, producer and producer sequence
 * (input sequence << 16 | world << 15 | index) follow by themselves. A topic that is not valid is
 * our own mistake and asserted. */
void sv_emit(struct sv_outputs *out, const ProtobufCMessage *message, const char *topic_format, ...)
    LD_PRINTF(3, 4);

/* A Context in the arena: causation is this event, author the emitting service. plan may be NULL.
 */
struct Liandong__V1__Context;
struct Liandong__V1__Context *sv_context(struct sv_outputs *out, const struct sv_event *event,
                                         const char *incident, const struct plan *plan);
/* A Text in the arena, formatted alike in both languages' own formats. */
struct Liandong__V1__Text;
struct Liandong__V1__Text *sv_text(struct sv_outputs *out, const char *zh, const char *en);
struct Liandong__V1__Text *sv_text_of(struct sv_outputs *out, struct plan_text text);

/* A Receipt for the input event: refused with a stable code word and the reason, or accepted.
 * Topic receipt/<area>/<author of the input>; area and author are taken from the input's topic.
 * zh and en may be arena strings (ld_arena_format(sv_arena(out), …)). */
void sv_refuse(struct sv_outputs *out, const struct sv_event *event, const char *code,
               const char *section, const char *zh, const char *en);
void sv_accept(struct sv_outputs *out, const struct sv_event *event, const char *incident,
               const struct plan *plan);
/* The same with a code word and text of its own: taken, but with something to say about it. */
void sv_accept_as(struct sv_outputs *out, const struct sv_event *event, const char *incident,
                  const struct plan *plan, const char *code, const char *zh, const char *en);

/* ---- state that lasts ---- */

/* Bidirectional: saving writes *value, loading sets it. Strings are malloc'ed (NULL stays NULL);
 * sv_code_plan keeps a plan by its hash. A damaged snapshot makes loading fail as a whole: values
 * then are zero and sv_codec_failed is true; counts are bounded by what is left to read. */
bool sv_codec_loading(const struct sv_codec *codec);
bool sv_codec_failed(const struct sv_codec *codec);
void sv_codec_fail(struct sv_codec *codec); /* loading: what was read makes no sense */
void sv_code_u64(struct sv_codec *codec, uint64_t *value);
void sv_code_i64(struct sv_codec *codec, int64_t *value);
void sv_code_int(struct sv_codec *codec, int *value);
void sv_code_bool(struct sv_codec *codec, bool *value);
void sv_code_double(struct sv_codec *codec, double *value);
void sv_code_string(struct sv_codec *codec, char **value);
void sv_code_count(struct sv_codec *codec, size_t *count);
void sv_code_bytes(struct sv_codec *codec, uint8_t **data, size_t *size); /* malloc'ed */
void sv_code_plan(struct sv_codec *codec, const struct plan **plan);

/* Timers: (due, key) pairs, earliest first, ties in order of setting. A core pops what is due on
 * every event it sees and checks itself whether the key still means anything. */
struct sv_timer {
    int64_t due_us;
    uint64_t order; /* private: ties */
    char *key;      /* owned; e.g. an order's number */
    int what;       /* the core's own meaning */
};
struct sv_timers {
    struct sv_timer *heap;
    size_t count, capacity;
    uint64_t next_order;
};
void sv_timers_set(struct sv_timers *timers, int64_t due_us, const char *key, int what);
/* The earliest timer due at or before now: moved to *timer (key becomes the caller's to free). */
bool sv_timers_pop(struct sv_timers *timers, int64_t now_us, struct sv_timer *timer);
void sv_timers_free(struct sv_timers *timers);
void sv_timers_visit(struct sv_timers *timers, struct sv_codec *codec);

#endif
