/* Messages between clients and the router as bytes (layouts in wire.h and docs/protocol.md). */
#include "wire.h"

#include <string.h>
#include "bytes.h"

enum { WIRE_MAGIC = 0x3157444c }; /* "LDW1" */

static const char *const NAMES[] = {
#define NAME_ENTRY(name, value, direction, id, a, b, body) [value] = #name,
    WIRE_OPERATIONS(NAME_ENTRY)
#undef NAME_ENTRY
};
enum { NAME_COUNT = sizeof NAMES / sizeof NAMES[0] };

static bool is_operation(unsigned operation)
{
    return operation < NAME_COUNT && NAMES[operation];
}

const char *wire_operation_name(enum wire_operation operation)
{
    return is_operation((unsigned)operation) ? NAMES[operation] : "?";
}

void wire_head_encode(uint8_t raw[WIRE_HEAD_SIZE], const struct wire_head *head)
{
    ld_put_u32(raw, WIRE_MAGIC);
    raw[4] = WIRE_VERSION;
    raw[5] = (uint8_t)head->operation;
    ld_put_u16(raw + 6, 0);
    ld_put_u64(raw + 8, head->id);
    ld_put_u64(raw + 16, head->a);
    ld_put_u64(raw + 24, head->b);
}

int wire_head_decode(const uint8_t *raw, size_t size, struct wire_head *head,
                     struct ld_error *error)
{
    if (size != WIRE_HEAD_SIZE)
        return ld_fail(error, LD_PROTOCOL, "head frame of %zu bytes, expected %d", size,
                       WIRE_HEAD_SIZE);
    uint32_t magic = ld_get_u32(raw);
    if (magic != WIRE_MAGIC)
        return ld_fail(error, LD_PROTOCOL, "head frame begins with %08x, expected %08x (\"LDW1\")",
                       magic, (unsigned)WIRE_MAGIC);
    if (raw[4] != WIRE_VERSION)
        return ld_fail(error, LD_VERSION, "protocol version %u, this side speaks %d", raw[4],
                       WIRE_VERSION);
    if (!is_operation(raw[5]))
        return ld_fail(error, LD_PROTOCOL, "unknown operation %u", raw[5]);
    if (ld_get_u16(raw + 6) != 0)
        return ld_fail(error, LD_PROTOCOL, "reserved bytes 6 and 7 of the head are not 0");
    head->operation = (enum wire_operation)raw[5];
    head->id = ld_get_u64(raw + 8);
    head->a = ld_get_u64(raw + 16);
    head->b = ld_get_u64(raw + 24);
    return LD_OK;
}

void wire_welcome_encode(uint8_t raw[WIRE_WELCOME_SIZE], const struct wire_welcome *welcome)
{
    memcpy(raw, welcome->log_id, sizeof welcome->log_id);
    ld_put_u64(raw + 16, welcome->first_sequence);
    ld_put_u32(raw + 24, welcome->record_size_max);
    ld_put_u32(raw + 28, welcome->batch_size_max);
    ld_put_u32(raw + 32, welcome->credit_max);
    ld_put_u32(raw + 36, welcome->chunk_size_max);
    ld_put_u32(raw + 40, welcome->heartbeat_ms);
    ld_put_u32(raw + 44, welcome->flags);
    ld_put_u64(raw + 48, (uint64_t)welcome->time_us);
}

int wire_welcome_decode(const uint8_t *raw, size_t size, struct wire_welcome *welcome,
                        struct ld_error *error)
{
    if (size != WIRE_WELCOME_SIZE)
        return ld_fail(error, LD_PROTOCOL, "WELCOME of %zu bytes, expected %d", size,
                       WIRE_WELCOME_SIZE);
    memcpy(welcome->log_id, raw, sizeof welcome->log_id);
    welcome->first_sequence = ld_get_u64(raw + 16);
    welcome->record_size_max = ld_get_u32(raw + 24);
    welcome->batch_size_max = ld_get_u32(raw + 28);
    welcome->credit_max = ld_get_u32(raw + 32);
    welcome->chunk_size_max = ld_get_u32(raw + 36);
    welcome->heartbeat_ms = ld_get_u32(raw + 40);
    welcome->flags = ld_get_u32(raw + 44);
    welcome->time_us = (int64_t)ld_get_u64(raw + 48);
    return LD_OK;
}

void wire_run_encode(uint8_t raw[WIRE_RUN_SIZE], const struct wire_run *run)
{
    ld_put_u32(raw, run->count);
    ld_put_u32(raw + 4, run->code);
    ld_put_u64(raw + 8, run->first);
}

void wire_run_decode(const uint8_t raw[WIRE_RUN_SIZE], struct wire_run *run)
{
    run->count = ld_get_u32(raw);
    run->code = ld_get_u32(raw + 4);
    run->first = ld_get_u64(raw + 8);
}
