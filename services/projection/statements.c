/*
 * What an event changes, as SQL. A row is the newest event of its key, but for what has to be
 * counted or remembered from the events before (how often, since when, whether ever).
 *
 * A repeated duty is to be seen and done anew each time it is issued, under the same number.
 */
#include "inside.h"

#include <assert.h>

#include "liandong/v1/bulletin.pb-c.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/common.pb-c.h"
#include "liandong/v1/duty.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/notice.pb-c.h"
#include "liandong/v1/report.pb-c.h"
#include "liandong/v1/supply.pb-c.h"

static const char INCIDENT[] =
    "INSERT INTO incident VALUES(:exercise, :incident, :plan, :plan_hash, :area, :hazard,"
    " :counties, :report, :sequence, :opened_at_us,"
    " CASE :action WHEN 'CLOSED' THEN :time_us END, :sequence, :time_us) "
    "ON CONFLICT DO UPDATE SET plan = excluded.plan, plan_hash = excluded.plan_hash,"
    " area = excluded.area, hazard = excluded.hazard, counties = excluded.counties,"
    " reports = reports + excluded.reports, opened_at_us = excluded.opened_at_us,"
    " closed_at_us = excluded.closed_at_us, sequence = excluded.sequence,"
    " time_us = excluded.time_us";

static const char GRADE[] =
    "REPLACE INTO grade VALUES(:exercise, :incident, :level, :previous, :suggested, :area, :hazard,"
    " :counties, :as_of_us, :since_us, :since_event, :lapses_us, :sequence, :time_us)";

static const char WARNING[] =
    "REPLACE INTO warning VALUES(:exercise, :incident, :area, :state = 'SUGGESTED', :state, :level,"
    " :previous, :counties, :section, :since_us, :since_event, :merged, :merged_with, :in_force,"
    " :by, :issued_by, :next, :next_by, :sequence, :time_us)";

static const char GRADE_CRITERIA[] = "DELETE FROM criterion WHERE exercise = :exercise AND"
                                     " incident = :incident AND subject = 'grade'";

static const char WARNING_CRITERIA[] =
    "DELETE FROM criterion WHERE exercise = :exercise AND incident = :incident AND"
    " subject = 'warning' AND area = :area";

static const char CRITERION[] =
    "INSERT INTO criterion VALUES(:exercise, :incident, :subject, :of_area, :holds, :place, :id,"
    " :level, :section, :text_zh, :text_en, :report_count, :since_us, :since_event, :lapses_us,"
    " :past)";

static const char RESPONSE[] =
    "INSERT INTO response VALUES(:exercise, :incident, :area, :hazard, :state, :level, :previous,"
    " :in_force, :in_force_since_us, :by, :started_by, :next, :next_by, :section, :commander_zh,"
    " :commander_en, :groups, :counties, 1, :sequence, :time_us) "
    "ON CONFLICT DO UPDATE SET hazard = excluded.hazard, state = excluded.state,"
    " level = excluded.level, previous = excluded.previous, in_force = excluded.in_force,"
    " in_force_since_us = excluded.in_force_since_us, acted = excluded.acted,"
    " started_by = excluded.started_by, next = excluded.next, next_by = excluded.next_by,"
    " section = excluded.section, commander_zh = excluded.commander_zh,"
    " commander_en = excluded.commander_en, working_groups = excluded.working_groups,"
    " counties = excluded.counties, changes = changes + 1, sequence = excluded.sequence,"
    " time_us = excluded.time_us";

/* What comes round: its newest miss alone says since when nothing was heard, until something is, or
 * nothing is asked for any more. */
static const char CLOCK_HEARD[] =
    "UPDATE clock SET silent_since_us = NULL WHERE exercise = :exercise AND incident = :incident"
    " AND clock = :clock AND area = :topic_area AND responsible = :responsible"
    " AND :state IN ('MET', 'MISSED', 'CANCELLED')";

/* What was missed stays so when it is cancelled. */
static const char CLOCK[] =
    "INSERT INTO clock VALUES(:exercise, :incident, :clock, :topic_area, :responsible,"
    " ifnull(:started_at_us, 0), :state, :due_at_us, :met_at_us, :late_us, :silent_since_us,"
    " :missed_in_a_row, :section, :text_zh, :text_en, :sequence, :time_us) "
    "ON CONFLICT DO UPDATE SET state = excluded.state, due_at_us = excluded.due_at_us,"
    " met_at_us = excluded.met_at_us, late_us = excluded.late_us,"
    " silent_since_us = excluded.silent_since_us, missed_in_a_row = excluded.missed_in_a_row,"
    " section = excluded.section, text_zh = excluded.text_zh, text_en = excluded.text_en,"
    " sequence = excluded.sequence, time_us = excluded.time_us"
    " WHERE NOT (state = 'MISSED' AND excluded.state = 'CANCELLED')";

#define SEEN  "('ACKNOWLEDGED', 'ACCEPTED', 'DECLINED', 'IN_PROGRESS', 'DONE')"
#define FIRST "CASE WHEN :state IN " SEEN " THEN :time_us END"

static const char DUTY[] =
    "INSERT INTO duty_order VALUES(:exercise, :order, :unit, :incident, :duty, :level, :state,"
    " :before, :group, :section, :text_zh, :text_en, :unit_name_zh, :unit_name_en, :issued_at_us,"
    " :acknowledge_by_us, :done_by_us, :delivered_at_us, " FIRST
    ", CASE :state WHEN 'DONE' THEN :time_us END,"
    " :time_us, :reason, :late_for, :problem_by_us, :escalated_to, :help_from, :supervisor,"
    " :state = 'OVERDUE',"
    " :state = 'ESCALATED', :state = 'ISSUED', 1, :plan, :plan_hash, :causation, :author,"
    " :sequence, :sequence) "
    "ON CONFLICT DO UPDATE SET incident = excluded.incident, duty = excluded.duty,"
    " level = excluded.level, state = excluded.state, before = excluded.before,"
    " working_group = excluded.working_group, section = excluded.section,"
    " text_zh = excluded.text_zh, text_en = excluded.text_en,"
    " unit_name_zh = excluded.unit_name_zh, unit_name_en = excluded.unit_name_en,"
    " issued_at_us = excluded.issued_at_us, acknowledge_by_us = excluded.acknowledge_by_us,"
    " done_by_us = excluded.done_by_us, delivered_at_us = excluded.delivered_at_us,"
    " acknowledged_at_us = CASE WHEN :state <> 'ISSUED'"
    "  THEN ifnull(acknowledged_at_us, excluded.acknowledged_at_us) END,"
    " done_at_us = CASE WHEN :state = 'DONE' THEN :time_us WHEN :state <> 'ISSUED'"
    "  THEN done_at_us END,"
    " changed_at_us = excluded.changed_at_us, reason = excluded.reason,"
    " late_for = excluded.late_for,"
    " problem_by_us = excluded.problem_by_us, escalated_to = excluded.escalated_to,"
    " help_from = excluded.help_from, supervisor = excluded.supervisor,"
    " ever_overdue = ever_overdue OR excluded.ever_overdue,"
    " ever_escalated = ever_escalated OR excluded.ever_escalated,"
    " issues = issues + excluded.issues, changes = changes + 1, plan = excluded.plan,"
    " plan_hash = excluded.plan_hash, causation = excluded.causation, author = excluded.author,"
    " sequence = excluded.sequence";

static const char NOTICE[] =
    "INSERT INTO notice VALUES(:exercise, :sequence, :identifier, :incident, :area, :audience, "
    ":kind, :scope,"
    " :level, :headline_zh, :headline_en, :body_zh, :body_en, :signer_zh, :signer_en, :section,"
    " :references, :sent_at_us)";

#define SUPPLY(side)                                                                               \
    "REPLACE INTO supply_balance SELECT :exercise, :item, :" side ", :" side "_balance,"           \
    " :" side "_lasts_until_us, :sequence, :time_us WHERE :entry AND :" side " <> ''"
static const char SUPPLY_FROM[] = SUPPLY("from");
static const char SUPPLY_TO[] = SUPPLY("to");

/* subject: the item; of_area: the account; place: 1 comes, -1 goes. */
static const char SUPPLY_BATCH[] =
    "INSERT INTO supply_batch VALUES(:exercise, :subject, :of_area, ifnull(:expires_at_us, 0), "
    ":lot,"
    " :donation, :quantity * :place) "
    "ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity";
static const char SUPPLY_BATCH_GONE[] =
    "DELETE FROM supply_batch WHERE exercise = :exercise AND item = :subject AND holder = :of_area"
    " AND quantity = 0";
static const char SUPPLY_MOVEMENT[] =
    "INSERT INTO supply_movement VALUES(:exercise, :sequence, :incident, :item, :kind, :quantity,"
    " :from, :to, :entry, :area, :requester, :request, :shipment, :sender, :receiver, :pool, "
    ":donor,"
    " :donation, :proof, :loan, :amount_fen, :outstanding, :reason_zh, :reason_en, :section,"
    " :time_us)";
static const char RESERVE[] =
    "REPLACE INTO supply_reserve VALUES(:exercise, :holder, :rule, :area, :category, :below,"
    " :kinds_held, :kinds, :kinds_percent, :days, :act, :text_zh, :text_en, :section, :sequence,"
    " :time_us)";
static const char RESERVE_LACKING[] =
    "DELETE FROM supply_lacking WHERE exercise = :exercise AND holder = :holder AND rule = :rule";
/* subject: the holder; of_area: the rule. */
static const char LACKING[] =
    "REPLACE INTO supply_lacking VALUES(:exercise, :subject, :of_area, :item, :on_hand,"
    " :lasts_until_us)";

static const char HEARD[] =
    "UPDATE unit SET inputs = inputs + 1, last_heard_us = :time_us,"
    " last_heard_sequence = :sequence WHERE exercise = :exercise AND unit = :author";

static const struct projection_statement STATEMENTS[] = {
    [WRITE_INCIDENT] = {&liandong__v1__incident__descriptor, INCIDENT},
    [WRITE_GRADE] = {&liandong__v1__grade__descriptor, GRADE},
    [WRITE_GRADE_CRITERIA] = {&liandong__v1__grade__descriptor, GRADE_CRITERIA},
    [WRITE_WARNING] = {&liandong__v1__warning__descriptor, WARNING},
    [WRITE_WARNING_CRITERIA] = {&liandong__v1__warning__descriptor, WARNING_CRITERIA},
    [WRITE_CRITERION] = {&liandong__v1__criterion__descriptor, CRITERION},
    [WRITE_RESPONSE] = {&liandong__v1__response__descriptor, RESPONSE},
    [WRITE_CLOCK_HEARD] = {&liandong__v1__clock__descriptor, CLOCK_HEARD},
    [WRITE_CLOCK] = {&liandong__v1__clock__descriptor, CLOCK},
    [WRITE_DUTY] = {&liandong__v1__duty_order__descriptor, DUTY},
    [WRITE_NOTICE] = {&liandong__v1__notice__descriptor, NOTICE},
    [WRITE_SUPPLY_FROM] = {&liandong__v1__supply_movement__descriptor, SUPPLY_FROM},
    [WRITE_SUPPLY_TO] = {&liandong__v1__supply_movement__descriptor, SUPPLY_TO},
    [WRITE_SUPPLY_BATCH] = {&liandong__v1__supply_batch__descriptor, SUPPLY_BATCH},
    [WRITE_SUPPLY_BATCH_GONE] = {&liandong__v1__supply_batch__descriptor, SUPPLY_BATCH_GONE},
    [WRITE_SUPPLY_MOVEMENT] = {&liandong__v1__supply_movement__descriptor, SUPPLY_MOVEMENT},
    [WRITE_RESERVE] = {&liandong__v1__supply_reserve__descriptor, RESERVE},
    [WRITE_RESERVE_LACKING] = {&liandong__v1__supply_reserve__descriptor, RESERVE_LACKING},
    [WRITE_LACKING] = {&liandong__v1__supply_reserve__item__descriptor, LACKING},
    [WRITE_HEARD_REPORT] = {&liandong__v1__report__descriptor, HEARD},
    [WRITE_HEARD_DECISION] = {&liandong__v1__decision__descriptor, HEARD},
    [WRITE_HEARD_REPLY] = {&liandong__v1__duty_reply__descriptor, HEARD},
    [WRITE_HEARD_BULLETIN] = {&liandong__v1__bulletin__descriptor, HEARD},
    [WRITE_HEARD_NEED] = {&liandong__v1__supply_act__descriptor, HEARD},
};

const struct projection_statement *projection_statement(enum projection_write write)
{
    assert(write < WRITE_COUNT);
    return &STATEMENTS[write];
}
