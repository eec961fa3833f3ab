/* Building the messages that the commands publish. */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include "arena.h"
#include "bus.h"
#include "liandong/v1/common.pb-c.h"

/* Protobuf's strings are not const; these are borrowed and never written to. */
char *message_text(const char *text);
/* A context with the author (cli->identity) and the incident ("" for none), in the arena. */
Liandong__V1__Context *message_context(const struct cli *cli, struct ld_arena *arena,
                                       const char *incident);
/* The area of a unit's id ("3303.health": "3303"), and of an incident's ("3303-cholera-…"). */
char *message_area_of(struct ld_arena *arena, const char *unit);
char *message_city_of(struct ld_arena *arena, const char *incident);
/* A number that is new: the time and a few random digits. */
char *message_number(const struct cli *cli, struct ld_arena *arena, int64_t now_us);
/* An enum's value by its word; -1 after telling which words there are. */
int message_enum(const struct cli *cli, const ProtobufCEnumDescriptor *descriptor, const char *what,
                 const char *word);

#endif
