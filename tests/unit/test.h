/* What every test program needs: cmocka with its own needs, and one error to fill. */
#ifndef LIANDONG_TEST_H
#define LIANDONG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <liandong/error.h>

static struct ld_error test_error __attribute__((unused));

/* The call answers LD_OK, or the test fails with test_error's text. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        test_error.text[0] = 0;                                                                    \
        int assert_ok_code = (call);                                                               \
        if (assert_ok_code != LD_OK)                                                               \
            fail_msg("%s: %s: %s", #call, ld_code_name(assert_ok_code), test_error.text);          \
    } while (0)

#endif
