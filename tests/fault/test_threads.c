/*
 * The same power cuts while the log writes, prepares segments and makes indexes in threads of their
 * own, as in the router: the steps come in any order.
 */
#include "test.h"
#include "workload.h"

static void test_power_cuts_with_threads(void **state)
{
    (void)state;
    workload_runs(500, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_power_cuts_with_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
