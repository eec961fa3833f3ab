/*
 * When a service takes an image of its state: after so many events, and not before what was read
 * since has as many bytes as the image before. A file that cannot be used counts as none.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/life.h"

enum { EVENTS_MIN = 3, EVENT_BYTES = 100 };

/* Events applied until an image is due. */
static unsigned events_until_due(struct keep *keep)
{
    unsigned events = 0;
    while (!keep_due(keep, EVENTS_MIN)) {
        keep_applied(keep, EVENT_BYTES);
        events++;
    }
    return events;
}

static unsigned events_of(size_t bytes)
{
    return (unsigned)((bytes + EVENT_BYTES - 1) / EVENT_BYTES);
}

static void an_image_is_as_rare_as_it_is_large(void **state)
{
    (void)state;
    struct sv_host *host = sv_host_open();
    struct keep keep = {.context = ld_context_system()};
    assert_int_equal(events_until_due(&keep), EVENTS_MIN);
    keep_take(&keep, host);
    assert_int_equal(events_until_due(&keep), EVENTS_MIN);
    keep.image_bytes = 1234567; /* of a service that keeps much */
    keep.events = keep.events_bytes = 0;
    assert_int_equal(events_until_due(&keep), events_of(1234567));
    keep_take(&keep, host);
    assert_int_equal(keep.image_bytes, keep.image.size);
    assert_int_equal(events_until_due(&keep), EVENTS_MIN);
    ld_buffer_free(&keep.image);
    sv_host_close(host);
}

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void what_was_restored_counts_as_the_last(void **state)
{
    (void)state;
    char path[] = "/tmp/liandong-keep-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct sv_host *host = sv_host_open();
    struct keep taken = {.context = ld_context_system()}, keep = taken;
    keep_take(&taken, host);
    keep.path = path;
    write_file(path, taken.image.data, taken.image.size);
    keep_restore(&keep, host, 0);
    assert_int_equal(keep.image_bytes, taken.image.size);
    taken.image.data[taken.image.size - 1] ^= 1;
    write_file(path, taken.image.data, taken.image.size);
    keep_restore(&keep, host, 0);
    assert_int_equal(keep.image_bytes, 0);
    assert_int_equal(events_until_due(&keep), EVENTS_MIN);
    ld_buffer_free(&taken.image);
    sv_host_close(host);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_is_as_rare_as_it_is_large),
        cmocka_unit_test(what_was_restored_counts_as_the_last),
    };
    return cmocka_run_group_tests_name("services.keep", tests, NULL, NULL);
}
