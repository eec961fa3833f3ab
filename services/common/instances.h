/* The host's insides, shared by host.c and snapshot.c. */
#ifndef SV_INSTANCES_H
#define SV_INSTANCES_H

#include "inside.h"
#include "names.h"

enum { SV_ACTUAL, SV_DRILL, SV_WORLDS };

struct sv_added { /* what sv_host_add was asked for */
    const struct sv_class *class;
    char *unit;
};
struct sv_instance {
    const struct sv_class *class;
    char *unit, *producer;
    uint64_t producer_id;
    struct sv_core *core;
};
struct sv_group { /* instances of one class, made one after the other */
    const struct sv_class *class;
    size_t from, to;       /* of world.instances */
    struct sv_names known; /* the class's own, see sv_class.concerns */
    int64_t due_us;        /* from then on every event concerns one of them */
};
struct sv_world {
    struct sv_plans plans;
    struct sv_instance *instances; /* in order of making */
    size_t count;
    struct sv_group *groups; /* of all instances, in their order */
    size_t group_count;
};
struct sv_host {
    struct sv_added *added;
    size_t added_count;
    unsigned families; /* that any class wants */
    struct sv_store store;
    struct sv_world worlds[SV_WORLDS];
    uint64_t position;
    char **filters; /* NULL-terminated; owned */
    size_t filter_count;
    /* of the event being applied */
    struct sv_outputs outputs;
    struct ld_arena decoded;
    struct ld_error error;
    char topic[LD_TOPIC_SIZE_MAX + 1], split[LD_TOPIC_SIZE_MAX + 1];
};

/* An instance of the class for the unit (NULL: none), unless the world has it. */
void sv_world_add(struct sv_world *world, const struct sv_class *class, const char *unit);
void sv_world_clear(struct sv_world *world);
void sv_host_empty(struct sv_host *host);    /* no instance, no plan, position 0 */
void sv_host_populate(struct sv_host *host); /* the instances that need no plan */

#endif
