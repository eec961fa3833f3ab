/* keys: pairs and their files, the list of those that are let in. Hostile files included. */
#include "test.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "keys/keys.h"
#include "timefmt.h"

enum { CHANGES = 6, PROCESSES = 3 };
#define NOW_US INT64_C(1795341600000000) /* 2026-11-22T10:00:00Z */

static char directory[64], path[KEYS_PATH_SIZE];

static int open_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/keys-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    char command[100];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

static const char *file(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void make(const char *name, struct keys_pair *pair)
{
    assert_ok(keys_make(name, NOW_US, pair, &test_error));
    assert_ok(keys_save(directory, pair, false, &test_error));
}

static void write_file(const char *name, const char *text, size_t size)
{
    int fd = open(file(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, text, size) == (ssize_t)size && close(fd) == 0);
}

static size_t read_file(const char *name, char *text, size_t size)
{
    int fd = open(file(name), O_RDONLY | O_CLOEXEC);
    ssize_t got = read(fd, text, size - 1);
    assert_true(fd >= 0 && got > 0 && close(fd) == 0);
    text[got] = '\0';
    return (size_t)got;
}

/* ---- pairs ---- */

static void test_pair_comes_back(void **state)
{
    struct keys_pair made, loaded;
    struct keys_public open;
    (void)state;
    make("330302.health", &made);
    assert_ok(keys_load(directory, "330302.health", &loaded, &test_error));
    assert_memory_equal(&made, &loaded, sizeof made);
    assert_ok(keys_load_public(file("330302.health.pub"), &open, &test_error));
    assert_memory_equal(&open, &made.open, sizeof open);
    /* What is public of a secret file, too. */
    assert_ok(keys_load_public(file("330302.health.key"), &open, &test_error));
    assert_memory_equal(&open, &made.open, sizeof open);
}

static void test_pairs_work(void **state)
{
    struct keys_pair pair, other;
    uint8_t box[5 + crypto_box_MACBYTES], nonce[crypto_box_NONCEBYTES] = {0}, clear[5];
    uint8_t signature[crypto_sign_BYTES];
    (void)state;
    make("a", &pair);
    make("b", &other);
    assert_int_equal(
        crypto_box_easy(box, (const uint8_t *)"hello", 5, nonce, other.open.bus, pair.bus_secret),
        0);
    assert_int_equal(
        crypto_box_open_easy(clear, box, sizeof box, nonce, pair.open.bus, other.bus_secret), 0);
    assert_memory_equal(clear, "hello", 5);
    crypto_sign_detached(signature, NULL, (const uint8_t *)"hello", 5, pair.sign_secret);
    assert_int_equal(
        crypto_sign_verify_detached(signature, (const uint8_t *)"hello", 5, pair.open.sign), 0);
}

static void test_modes(void **state)
{
    struct keys_pair pair;
    struct stat status;
    (void)state;
    make("a", &pair);
    assert_int_equal(stat(file("a.key"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(stat(file("a.pub"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    for (mode_t mode = 0640; mode <= 0644; mode += 4) {
        assert_int_equal(chmod(file("a.key"), mode), 0);
        assert_int_equal(keys_load(directory, "a", &pair, &test_error), LD_DENIED);
    }
}

static void test_no_key_is_replaced(void **state)
{
    struct keys_pair first, second, loaded;
    (void)state;
    make("a", &first);
    assert_ok(keys_make("a", NOW_US, &second, &test_error));
    assert_int_equal(keys_save(directory, &second, false, &test_error), LD_REFUSED);
    assert_ok(keys_load(directory, "a", &loaded, &test_error));
    assert_memory_equal(&first, &loaded, sizeof first);
    assert_ok(keys_save(directory, &second, true, &test_error));
    assert_ok(keys_load(directory, "a", &loaded, &test_error));
    assert_memory_equal(&first, &loaded, sizeof first);
    assert_ok(keys_switch(directory, "a", &test_error));
    assert_ok(keys_load(directory, "a", &loaded, &test_error));
    assert_memory_equal(&second, &loaded, sizeof second);
    assert_int_equal(keys_switch(directory, "a", &test_error), LD_NOTFOUND);
}

static void test_names(void **state)
{
    static const char *const BAD[] = {"",    "a/b", ".a",  "..",   "A",
                                      "a b", "a\n", "a#b", "\x80", "a*"};
    char longest[KEYS_NAME_MAX + 2];
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_int_equal(keys_check_name(BAD[i], &test_error), LD_INVALID);
    memset(longest, 'a', sizeof longest);
    longest[KEYS_NAME_MAX + 1] = '\0';
    assert_int_equal(keys_check_name(longest, &test_error), LD_INVALID);
    longest[KEYS_NAME_MAX] = '\0';
    assert_ok(keys_check_name(longest, &test_error));
    assert_ok(keys_check_name("330302.health_2-x", &test_error));
}

/* Whatever byte is another one, the file is refused, or is the same key after all. */
static void test_damaged_pairs(void **state)
{
    struct keys_pair pair, loaded;
    char text[4096];
    (void)state;
    make("a", &pair);
    size_t size = read_file("a.key", text, sizeof text);
    for (size_t i = 0; i < size; i++) {
        char kept = text[i];
        text[i] = (char)(kept ^ 1);
        write_file("a.key", text, size);
        int code = keys_load(directory, "a", &loaded, &test_error);
        if (code == LD_OK) { /* made at another time, or a bit that X25519 does not look at */
            loaded.open.made_us = pair.open.made_us;
            assert_memory_equal(&loaded.open, &pair.open, sizeof pair.open);
            assert_memory_equal(loaded.sign_secret, pair.sign_secret, sizeof pair.sign_secret);
        } else {
            assert_int_equal(code, LD_INVALID);
        }
        text[i] = kept;
    }
    for (size_t i = 0; i < size; i++) {
        write_file("a.key", text, i);
        assert_int_equal(keys_load(directory, "a", &loaded, &test_error), LD_INVALID);
    }
}

static void test_no_files(void **state)
{
    static char large[8192];
    struct keys_pair pair, other;
    (void)state;
    assert_int_equal(keys_load(directory, "a", &pair, &test_error), LD_NOTFOUND);
    memset(large, 'x', sizeof large);
    write_file("a.key", large, sizeof large);
    assert_int_equal(keys_load(directory, "a", &pair, &test_error), LD_TOOBIG);
    write_file("a.key", "liandong-key 1\0name", 19);
    assert_int_equal(keys_load(directory, "a", &pair, &test_error), LD_INVALID);
    assert_int_equal(unlink(file("a.key")), 0);
    assert_int_equal(mkfifo(file("a.key"), 0600), 0); /* which must not hold us up */
    assert_int_equal(keys_load(directory, "a", &pair, &test_error), LD_INVALID);
    assert_int_equal(unlink(file("a.key")), 0);
    make("b", &other);
    char from[KEYS_PATH_SIZE];
    memcpy(from, file("b.key"), sizeof from);
    assert_int_equal(rename(from, file("a.key")), 0); /* another's, under this name */
    assert_int_equal(keys_load(directory, "a", &pair, &test_error), LD_INVALID);
    assert_int_equal(pair.bus_secret[0] | pair.bus_secret[1] | pair.sign_secret[0], 0);
}

/* ---- the list ---- */

static const struct keys_enrolled *find(struct keys_list *list, const struct keys_pair *pair)
{
    keys_list_free(list);
    assert_ok(keys_list_load(directory, list, &test_error));
    return keys_list_find(list, pair->open.bus);
}

static void test_enrol_and_revoke(void **state)
{
    struct keys_pair pair, other;
    struct keys_list list = {0};
    char text[400];
    size_t count;
    (void)state;
    make("a", &pair);
    make("b", &other);
    assert_null(find(&list, &pair));
    assert_ok(keys_enrol(directory, &pair.open, NOW_US, 0, -1, &test_error));
    assert_ok(keys_enrol(directory, &other.open, NOW_US, NOW_US + LD_US_DAY, -1, &test_error));
    assert_int_equal(keys_enrol(directory, &pair.open, NOW_US, 0, -1, &test_error), LD_REFUSED);
    const struct keys_enrolled *key = find(&list, &pair);
    assert_int_equal(list.count, 2);
    struct keys_enrolled expected = {.open = pair.open};
    keys_fingerprint(expected.fingerprint, pair.open.bus);
    assert_memory_equal(key, &expected, sizeof expected);
    assert_int_equal(keys_standing(key, NOW_US), KEYS_VALID);
    assert_int_equal(keys_standing(key, NOW_US - 1), KEYS_NOT_YET);
    key = find(&list, &other);
    assert_int_equal(keys_standing(key, NOW_US + LD_US_DAY - 1), KEYS_VALID);
    assert_int_equal(keys_standing(key, NOW_US + LD_US_DAY), KEYS_EXPIRED);
    assert_int_equal(keys_revoke(directory, "b", NULL, "", NOW_US, NULL, &test_error), LD_INVALID);
    assert_int_equal(keys_revoke(directory, "b", NULL, "x\ny", NOW_US, NULL, &test_error),
                     LD_INVALID);
    assert_int_equal(keys_revoke(directory, "c", NULL, "lost", NOW_US, NULL, &test_error),
                     LD_NOTFOUND);
    assert_ok(keys_revoke(directory, "b", NULL, "lost in a taxi", NOW_US, &count, &test_error));
    assert_int_equal(count, 1);
    assert_string_equal(keys_standing_text(find(&list, &other), NOW_US, text, sizeof text),
                        "revoked on 2026-11-22T18:00:00+08:00: lost in a taxi");
    assert_int_equal(keys_standing(find(&list, &pair), NOW_US), KEYS_VALID);
    assert_int_equal(keys_enrol(directory, &other.open, NOW_US, 0, -1, &test_error), LD_REFUSED);
    keys_list_free(&list);
}

static void test_overlap(void **state)
{
    struct keys_pair old, new, other, router;
    struct keys_list list = {0};
    (void)state;
    make("a", &old);
    make("b", &other);
    make(KEYS_ROUTER, &router);
    assert_ok(keys_make("a", NOW_US, &new, &test_error));
    assert_ok(keys_enrol(directory, &old.open, NOW_US, 0, -1, &test_error));
    assert_ok(keys_enrol(directory, &other.open, NOW_US, 0, -1, &test_error));
    assert_ok(keys_enrol(directory, &new.open, NOW_US + 5, 0, LD_US_HOUR, &test_error));
    assert_int_equal(find(&list, &old)->until_us, NOW_US + LD_US_HOUR);
    assert_int_equal(find(&list, &new)->until_us, 0);
    assert_int_equal(find(&list, &other)->until_us, 0);
    assert_int_equal(keys_enrol(directory, &router.open, NOW_US, 0, -1, &test_error), LD_REFUSED);
    char first[KEYS_FINGERPRINT_SIZE];
    keys_fingerprint(first, old.open.bus);
    assert_ok(keys_revoke(directory, "a", first, "old", NOW_US, NULL, &test_error));
    assert_int_equal(keys_standing(find(&list, &old), NOW_US), KEYS_REVOKED);
    assert_int_equal(keys_standing(find(&list, &new), NOW_US), KEYS_VALID);
    keys_list_free(&list);
}

/* A list of which a part makes no sense lets nobody in, rather than somebody who was revoked. */
static void test_damaged_list(void **state)
{
    struct keys_pair pair;
    struct keys_list list;
    char text[4096];
    (void)state;
    make("a", &pair);
    assert_ok(keys_enrol(directory, &pair.open, NOW_US, 0, -1, &test_error));
    size_t size = read_file("enrolled", text, sizeof text);
    for (size_t i = 0; i < size; i++) {
        write_file("enrolled", text, i);
        int code = keys_list_load(directory, &list, &test_error);
        bool header_only = i == strlen("liandong-enrolled 1\n");
        assert_int_equal(code, header_only ? LD_OK : LD_INVALID);
        keys_list_free(&list);
    }
    write_file("enrolled", text, size);
    assert_int_equal(chmod(file("enrolled"), 0666), 0);
    assert_int_equal(keys_list_load(directory, &list, &test_error), LD_DENIED);
}

static void enrol_many(int process)
{
    for (int i = 0; i < CHANGES; i++) {
        char name[32];
        struct keys_pair pair;
        snprintf(name, sizeof name, "p%d.%d", process, i);
        if (keys_make(name, NOW_US, &pair, NULL) != LD_OK ||
            keys_enrol(directory, &pair.open, NOW_US, 0, -1, NULL) != LD_OK)
            _exit(1);
    }
    _exit(0);
}

static void test_changes_at_the_same_time(void **state)
{
    struct keys_list list;
    (void)state;
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0)
            enrol_many(i);
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_ok(keys_list_load(directory, &list, &test_error));
    assert_int_equal(list.count, PROCESSES * CHANGES);
    keys_list_free(&list);
}

#define KEYS_TEST(test) cmocka_unit_test_setup_teardown(test, open_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYS_TEST(test_pair_comes_back),
        KEYS_TEST(test_pairs_work),
        KEYS_TEST(test_modes),
        KEYS_TEST(test_no_key_is_replaced),
        KEYS_TEST(test_names),
        KEYS_TEST(test_damaged_pairs),
        KEYS_TEST(test_no_files),
        KEYS_TEST(test_enrol_and_revoke),
        KEYS_TEST(test_overlap),
        KEYS_TEST(test_damaged_list),
        KEYS_TEST(test_changes_at_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
