/* The read model's file: one that does not fit is refused, says what to do, and is left as it is.
 */
#include "projection_rig.h"

#include <sys/stat.h>

static const uint8_t OTHER_LOG[16] = "another log    ";

static void expect_refusal(const struct place *place, int code, const char *says)
{
    struct projection *projection = NULL;
    struct ld_error error = {0};
    assert_int_equal(projection_open(place->file, false, &projection, &error), code);
    assert_non_null(strstr(error.text, says));
}

static void run_sql(const struct place *place, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(place->file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* Made, of this log, at event 3. */
static void make_model(const struct place *place)
{
    struct projection *projection = NULL;
    struct ld_error error = {0};
    TRY(projection_open(place->file, false, &projection, &error));
    TRY(projection_bind(projection, LOG, 3, &error));
    change_order(projection, 3, LIANDONG__V1__DUTY_ORDER__STATE__ISSUED, 0);
    TRY(projection_commit(projection, &error));
    projection_close(projection);
}

static void another_log_is_refused(void **state)
{
    (void)state;
    struct place place;
    struct projection *projection = NULL;
    struct ld_error error = {0};
    place_open(&place);
    make_model(&place);
    TRY(projection_open(place.file, false, &projection, &error));
    assert_int_equal(projection_bind(projection, OTHER_LOG, 9, &error), LD_REFUSED);
    assert_non_null(strstr(error.text, "another log"));
    assert_non_null(strstr(error.text, "--rebuild"));
    assert_int_equal(projection_bind(projection, LOG, 2, &error), LD_REFUSED);
    assert_non_null(strstr(error.text, "event 3, but the log ends at 2"));
    TRY(projection_bind(projection, LOG, 3, &error));
    projection_close(projection);
    TRY(projection_open(place.file, true, &projection, &error));
    TRY(projection_bind(projection, OTHER_LOG, 0, &error));
    projection_close(projection);
    place_close(&place);
}

static void other_files_are_left_alone(void **state)
{
    (void)state;
    struct place place;
    struct projection *projection = NULL;
    struct ld_error error = {0};
    place_open(&place);
    run_sql(&place, "CREATE TABLE mine(a); INSERT INTO mine VALUES(1)");
    expect_refusal(&place, LD_INVALID, "is no read model");
    assert_int_equal(projection_open(place.file, true, &projection, &error), LD_INVALID);
    run_sql(&place, "UPDATE mine SET a = 2");
    assert_int_equal(remove(place.file), 0);
    FILE *file = fopen(place.file, "w");
    for (int i = 0; i < 1000; i++)
        fputs("a letter to nobody\n", file);
    fclose(file);
    expect_refusal(&place, LD_INVALID, "is no read model");
    struct stat left;
    assert_int_equal(stat(place.file, &left), 0);
    assert_int_equal(left.st_size, 19000);
    place_close(&place);
}

static void another_version_is_rebuilt_only_when_asked(void **state)
{
    (void)state;
    struct place place;
    struct projection *projection = NULL;
    struct ld_error error = {0};
    place_open(&place);
    make_model(&place);
    run_sql(&place, "PRAGMA user_version = 99");
    expect_refusal(&place, LD_VERSION, "schema version 99");
    TRY(projection_open(place.file, true, &projection, &error));
    assert_int_equal(projection_position(projection), 0);
    projection_close(projection);
    place_close(&place);
}

static void two_writers_are_one_too_many(void **state)
{
    (void)state;
    struct place place;
    struct projection *projection = NULL;
    struct ld_error error = {0};
    place_open(&place);
    TRY(projection_open(place.file, false, &projection, &error));
    expect_refusal(&place, LD_LOCKED, "another process");
    projection_close(projection);
    place_close(&place);
}

/* Everything behind the first page. */
static void damage(const struct place *place)
{
    struct stat found;
    char nonsense[4096];
    memset(nonsense, 0x5a, sizeof nonsense);
    run_sql(place, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(stat(place->file, &found), 0);
    FILE *file = fopen(place->file, "r+");
    for (long at = 4096; at < found.st_size; at += 4096) {
        fseek(file, at, SEEK_SET);
        fwrite(nonsense, 1, sizeof nonsense, file);
    }
    fclose(file);
}

static void a_damaged_file_is_told_and_rebuilt(void **state)
{
    (void)state;
    struct place place;
    struct projection *projection = NULL;
    struct ld_error error = {0};
    place_open(&place);
    make_model(&place);
    damage(&place);
    expect_refusal(&place, LD_CORRUPT, "--rebuild");
    TRY(projection_open(place.file, true, &projection, &error));
    TRY(projection_bind(projection, LOG, 3, &error));
    change_order(projection, 3, LIANDONG__V1__DUTY_ORDER__STATE__ISSUED, 0);
    TRY(projection_commit(projection, &error));
    projection_close(projection);
    place_close(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_log_is_refused),
        cmocka_unit_test(other_files_are_left_alone),
        cmocka_unit_test(another_version_is_rebuilt_only_when_asked),
        cmocka_unit_test(two_writers_are_one_too_many),
        cmocka_unit_test(a_damaged_file_is_told_and_rebuilt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
