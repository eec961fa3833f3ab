#include "message.h"

#include <string.h>

#include "picture/enum_name.h"
#include "timefmt.h"

char *message_text(const char *text)
{
    return (char *)(uintptr_t)(text != NULL ? text : "");
}

Liandong__V1__Context *message_context(const struct cli *cli, struct ld_arena *arena,
                                       const char *incident)
{
    Liandong__V1__Context *context = ld_arena_alloc(arena, sizeof *context);
    liandong__v1__context__init(context);
    context->author = message_text(cli->identity);
    context->incident = message_text(incident);
    return context;
}

char *message_area_of(struct ld_arena *arena, const char *unit)
{
    return ld_arena_string(arena, unit, strcspn(unit, "."));
}

char *message_city_of(struct ld_arena *arena, const char *incident)
{
    return ld_arena_string(arena, incident, strcspn(incident, "-"));
}

char *message_number(const struct cli *cli, struct ld_arena *arena, int64_t now_us)
{
    uint32_t random;
    char day[LD_TIME_TEXT_SIZE];
    cli->context->random(cli->context->self, &random, sizeof random);
    ld_date_format(day, now_us, LD_CHINA_OFFSET_MINUTES);
    return ld_arena_format(arena, "%s-%08x", day, random);
}

int message_enum(const struct cli *cli, const ProtobufCEnumDescriptor *descriptor, const char *what,
                 const char *word)
{
    char words[240];
    int value = enum_value(descriptor, word);
    if (value < 0)
        cli_complain(cli, "%s：应为 %s 之一，实为 \"%s\"", "%s: expected one of %s, found \"%s\"",
                     what, enum_words(words, sizeof words, descriptor), word);
    return value;
}
