/* All that a read model holds, as text: every row of every table but the file's own position, in
 * the order of the keys. */
#ifndef TESTS_READ_MODEL_DUMP_H
#define TESTS_READ_MODEL_DUMP_H

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void dump_rows(sqlite3 *db, const char *sql, FILE *to)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const unsigned char *text = sqlite3_column_text(statement, i);
            fprintf(to, "%s%s", i > 0 ? "|" : "", text != NULL ? (const char *)text : "NULL");
        }
        fputc('\n', to);
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

/* where: a condition on every table, or "". malloc'ed. */
static inline char *dump_model(sqlite3 *db, const char *where)
{
    static const char *const TABLES[] = {
        "plan",           "unit",         "incident",        "grade",          "warning",
        "criterion",      "response",     "clock",           "duty_order",     "notice",
        "supply_balance", "supply_batch", "supply_movement", "supply_reserve", "supply_lacking"};
    char *text = NULL, sql[256];
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES; i++) {
        fprintf(to, "-- %s\n", TABLES[i]);
        snprintf(sql, sizeof sql, "SELECT * FROM %s %s ORDER BY 1, 2, 3, 4, 5, 6", TABLES[i],
                 where);
        dump_rows(db, sql, to);
    }
    fclose(to);
    return text;
}

#endif
