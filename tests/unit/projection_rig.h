/* A read model under test: a place for its file, an order that changes, questions. */
#ifndef TESTS_PROJECTION_RIG_H
#define TESTS_PROJECTION_RIG_H

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "liandong/v1/duty.pb-c.h"
#include "read_model_dump.h"
#include "services/projection/projection.h"

static const uint8_t LOG[16] = "a log of a test";

#define TRY(call)                                                                                  \
    do {                                                                                           \
        if ((call) != LD_OK)                                                                       \
            fail_msg("%s: %s", #call, error.text);                                                 \
    } while (0)

struct place {
    char folder[64], file[96];
};

static inline void place_open(struct place *place)
{
    snprintf(place->folder, sizeof place->folder, "/tmp/liandong-test.XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->file, sizeof place->file, "%s/model.db", place->folder);
}

static inline void place_close(const struct place *place)
{
    static const char *const ENDS[] = {"", "-wal", "-shm", "-lock"};
    char path[128];
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++) {
        snprintf(path, sizeof path, "%s%s", place->file, ENDS[i]);
        (void)remove(path);
    }
    assert_int_equal(rmdir(place->folder), 0);
}

static inline void ask(sqlite3 *db, char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = sqlite3_vmprintf(format, arguments), *all = NULL;
    va_end(arguments);
    size_t length = 0;
    FILE *to = open_memstream(&all, &length);
    dump_rows(db, sql, to);
    fclose(to);
    snprintf(text, size, "%s", all);
    sqlite3_free(sql);
    free(all);
}

static bool order_reminder; /* is what change_order says one? */

static inline void change_order(struct projection *projection, uint64_t sequence,
                                Liandong__V1__DutyOrder__State to, uint16_t flags)
{
    static char incident[] = "3303-cholera-20260101-1", unit[] = "3303.health",
                number[] = "3303-cholera-20260101-1/a1.29.2", zh[] = "流调", en[] = "trace",
                topic[] = "duty/3303/health/3303-cholera-20260101-1/a1.29.2";
    struct ld_error error = {0};
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Text text = LIANDONG__V1__TEXT__INIT;
    Liandong__V1__DutyOrder order = LIANDONG__V1__DUTY_ORDER__INIT;
    uint8_t payload[512];
    context.incident = incident;
    context.causation = sequence - 1;
    text.zh = zh;
    text.en = en;
    order.context = &context;
    order.order = number;
    order.unit = unit;
    order.text = &text;
    order.level = LIANDONG__V1__LEVEL__LEVEL_III;
    order.state = to;
    order.reminder = order_reminder;
    order.issued_at_us = 1000000;
    size_t size = liandong__v1__duty_order__pack(&order, payload);
    struct ld_record record = {.sequence = sequence,
                               .time_us = (int64_t)sequence * 1000000,
                               .flags = flags,
                               .topic = topic,
                               .topic_size = sizeof topic - 1,
                               .payload = payload,
                               .payload_size = (uint32_t)size};
    TRY(projection_take(projection, &record, &error));
}

#endif
