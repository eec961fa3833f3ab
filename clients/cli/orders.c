#include "orders.h"

#include <stdlib.h>
#include <string.h>

#include "liandong/v1/duty.pb-c.h"
#include "picture/enum_name.h"

bool orders_filter(const struct cli *cli, const struct order_options *own,
                   struct model_filter *filter)
{
    const ProtobufCEnumDescriptor *states = &liandong__v1__duty_order__state__descriptor;
    int state = own->state != NULL ? enum_value(states, own->state) : 0;
    int level = own->level != NULL ? plan_level_parse(own->level) : PLAN_NONE;
    char words[256];
    if (state < 0)
        cli_complain(cli, "状态应为 %s，现为“%s”", "expected a state: %s; found \"%s\"",
                     enum_words(words, sizeof words, states), own->state);
    if (level < 0)
        cli_complain(cli, "级别应为 I、II、III、IV，现为“%s”",
                     "expected a level: I, II, III, IV; found \"%s\"", own->level);
    if (state < 0 || level < 0 ||
        (own->incident != NULL && !cli_check_incident(cli, own->incident)))
        return false;
    *filter = (struct model_filter){.unit = own->unit,
                                    .group = own->group,
                                    .incident = own->incident,
                                    .area = own->area,
                                    .level = level,
                                    .any_level = own->level == NULL,
                                    .open = own->open,
                                    .overdue = own->overdue};
    if (own->state != NULL)
        filter->state = protobuf_c_enum_descriptor_get_value(states, state)->name;
    return true;
}

json_t *orders_ask(struct model *model, const struct model_filter *filter, struct ld_error *error)
{
    static const char QUESTION[] =
        "SELECT o.*, u.last_heard_us FROM duty_order o LEFT JOIN unit u USING(exercise, unit) WHERE"
        " (:unit IS NULL OR unit = :unit) AND (:group IS NULL OR working_group = :group) AND"
        " (:incident IS NULL OR incident = :incident) AND (:level IS NULL OR level = :level) AND"
        " (:state IS NULL OR state = :state) AND (:overdue IS NULL OR ever_overdue) AND"
        " (:area IS NULL OR substr(unit, 1, length(:area)) = :area) AND"
        " (:open IS NULL OR state NOT IN ('DONE', 'SUPERSEDED', 'WITHDRAWN'))"
        " ORDER BY exercise, incident, unit, first_sequence, order_id";
    return model_ask(model, QUESTION, filter, error);
}

/* Column, and what it is called in the event. */
static const struct {
    const char *column, *name;
} MEMBERS[] = {{"incident", "context.incident"},
               {"plan", "context.plan"},
               {"plan_hash", "context.plan_hash"},
               {"causation", "context.causation"},
               {"author", "context.author"},
               {"order_id", "order"},
               {"unit", "unit"},
               {"duty", "duty"},
               {"section", "section"},
               {"text_zh", "text.zh"},
               {"text_en", "text.en"},
               {"level", "level!"},
               {"state", "state"},
               {"before", "before"},
               {"working_group", "group"},
               {"issued_at_us", "issued_at_us"},
               {"acknowledge_by_us", "acknowledge_by_us"},
               {"done_by_us", "done_by_us"},
               {"reason", "reason"},
               {"late_for", "late_for"},
               {"escalated_to", "escalated_to"},
               {"help_from", "help_from"},
               {"supervisor", "supervisor"},
               {"unit_name_zh", "unit_name.zh"},
               {"unit_name_en", "unit_name.en"},
               {"problem_by_us", "problem_by_us"},
               {"delivered_at_us", "delivered_at_us"},
               {"exercise", "exercise?"},
               {"ever_overdue", "ever_overdue?"},
               {"ever_escalated", "ever_escalated?"},
               {"acknowledged_at_us", "acknowledged_at_us"},
               {"done_at_us", "done_at_us"},
               {"changed_at_us", "changed_at_us"},
               {"issues", "issues"},
               {"changes", "changes"}};

json_t *orders_public(const json_t *row)
{
    json_t *named = json_object();
    for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++) {
        json_t *value = json_object_get(row, MEMBERS[i].column);
        if (value != NULL)
            json_object_set(named, MEMBERS[i].name, value);
    }
    json_t *object = model_public(named);
    json_decref(named);
    return object;
}

int orders_state(const json_t *row)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value_by_name(
        &liandong__v1__duty_order__state__descriptor, model_text(row, "state"));
    return value != NULL ? value->value : 0;
}
