/*
 * Power cuts at every step of random workloads, each of which follows from its seed.
 * LIANDONG_SEED=n runs that one alone; LIANDONG_TESTS=full makes 100,000 cuts and more.
 */
#include "test.h"
#include "workload.h"

static void test_power_cuts(void **state)
{
    (void)state;
    workload_runs(2500, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_power_cuts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
