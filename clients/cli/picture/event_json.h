/*
 * Events as JSON and as lines of text, by reflection over the messages' descriptors: a message or
 * field added to proto/ appears without a change here.
 *
 * Rules: enum values by their full names; fields that hold a time ("…_us" but for durations such
 * as late_us) lose the suffix and become ISO 8601 in China's offset, with a fraction where there is
 * one; absent strings, messages and lists, and times of 0, are left out; numbers and booleans are
 * always there. 64-bit counts stay numbers. Bytes are text where they are UTF-8, else hex.
 */
#ifndef CLI_EVENT_JSON_H
#define CLI_EVENT_JSON_H

#include <jansson.h>
#include <liandong/record.h>
#include <protobuf-c/protobuf-c.h>

#include "plan/plan.h"

/* A message as a new JSON object. message may be NULL: then null. */
json_t *event_json_message(const ProtobufCMessage *message);

/* A record with its message (NULL: payload size only) as a new JSON object. producer is a name or
 * NULL: then the id in hex is shown. */
json_t *event_json(const struct ld_record *record, const ProtobufCMessage *message,
                   const char *producer);

/* A text in both languages, as a message's would be. */
json_t *event_text(struct plan_text text);

/* A time as event_json writes it. Returns text. */
enum { EVENT_TIME_SIZE = 48 };
const char *event_time(char text[EVENT_TIME_SIZE], int64_t time_us);

#endif
