/*
 * A plan's adoption: the plan, and every unit of its vocabulary, so that who has never been heard
 * is seen to be missing. What the linter or the adoption's own words refuse holds nothing, as in
 * the services. An actual plan is in force in exercises too, so its units are in both worlds.
 */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "liandong/v1/common.pb-c.h"
#include "liandong/v1/plan.pb-c.h"

static const char PLAN[] =
    "INSERT INTO plan VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET"
    " hash = excluded.hash, area = excluded.area, title_zh = excluded.title_zh,"
    " title_en = excluded.title_en, sequence = excluded.sequence,"
    " adopted_at_us = excluded.adopted_at_us WHERE hash <> excluded.hash";
static const char UNIT[] =
    "INSERT INTO unit VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, NULL, NULL) ON CONFLICT DO UPDATE SET"
    " area = excluded.area, kind = excluded.kind, name_zh = excluded.name_zh,"
    " name_en = excluded.name_en, member = max(member, excluded.member)";

static int load(const struct projection_values *values, struct ld_arena *arena, struct plan **plan)
{
    const Liandong__V1__PlanAdoption *adoption = (const void *)values->message;
    struct plan_file *files = ld_arena_alloc(arena, (adoption->n_files + 1) * sizeof *files);
    for (size_t i = 0; i < adoption->n_files; i++) {
        const Liandong__V1__PlanAdoption__File *file = adoption->files[i];
        const char *content = (const char *)file->content.data;
        files[i] =
            (struct plan_file){file->name, content != NULL ? content : "", file->content.len};
    }
    return plan_load(files, adoption->n_files, plan, NULL, NULL);
}

/* What an adoption promises (topic, hash) is what it holds. */
static bool promised(const struct projection_values *values, const struct plan *plan)
{
    const Liandong__V1__PlanAdoption *adoption = (const void *)values->message;
    const struct ld_record *record = values->record;
    const char *claimed = projection_context(&adoption->base)->plan_hash;
    size_t size = strlen(plan->id), head = strlen("plan/");
    return record->topic_size == head + size && memcmp(record->topic + head, plan->id, size) == 0 &&
           (*claimed == '\0' || strcmp(claimed, plan->hash) == 0);
}

static void text(sqlite3_stmt *statement, int at, const char *value)
{
    sqlite3_bind_text(statement, at, value, -1, SQLITE_STATIC);
}

static int write_plan(sqlite3 *db, const struct ld_record *record, const struct plan *plan)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, PLAN, -1, &statement, NULL) != SQLITE_OK)
        return sqlite3_errcode(db);
    sqlite3_bind_int(statement, 1, (record->flags & LD_RECORD_EXERCISE) != 0);
    text(statement, 2, plan->id);
    text(statement, 3, plan->hash);
    text(statement, 4, plan->area);
    text(statement, 5, plan->title.zh);
    text(statement, 6, plan->title.en);
    sqlite3_bind_int64(statement, 7, (int64_t)record->sequence);
    sqlite3_bind_int64(statement, 8, record->time_us);
    sqlite3_step(statement);
    return sqlite3_finalize(statement);
}

static int write_unit(sqlite3_stmt *statement, bool exercise, const struct plan *plan, size_t index)
{
    const struct plan_unit *unit = &plan->units[index];
    sqlite3_bind_int(statement, 1, exercise);
    text(statement, 2, unit->id);
    text(statement, 3, unit->area);
    text(statement, 4, unit->kind);
    text(statement, 5, unit->name.zh);
    text(statement, 6, unit->name.en);
    sqlite3_bind_int(statement, 7, plan_find_member(plan, unit->id) >= 0);
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

static int write_units(sqlite3 *db, bool exercise, const struct plan *plan)
{
    sqlite3_stmt *statement = NULL;
    int status = sqlite3_prepare_v2(db, UNIT, -1, &statement, NULL);
    for (size_t i = 0; i < plan->unit_count && status == SQLITE_OK; i++)
        status = write_unit(statement, exercise, plan, i);
    sqlite3_finalize(statement);
    return status;
}

int projection_adopt(struct projection *projection, const struct projection_values *values,
                     struct ld_error *error)
{
    struct plan *plan = NULL;
    bool exercise = (values->record->flags & LD_RECORD_EXERCISE) != 0;
    if (load(values, &projection->arena, &plan) != LD_OK)
        return LD_OK;
    int status = SQLITE_OK;
    if (promised(values, plan)) {
        status = write_plan(projection->db, values->record, plan);
        if (status == SQLITE_OK)
            status = write_units(projection->db, true, plan);
        if (status == SQLITE_OK && !exercise)
            status = write_units(projection->db, false, plan);
    }
    plan_free(plan);
    return status == SQLITE_OK ? LD_OK : projection_fail(projection, "hold a plan", error);
}
