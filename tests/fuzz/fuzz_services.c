/*
 * All six services: the input is a log, as hostile as its authors may be. Each event is a byte that
 * says what (town.h). Whatever comes, a state that was saved can be loaded, and is the same when it
 * is saved again.
 */
#include "fuzz.h"

#include "buffer.h"
#include "town.h"

static void save_and_load(struct sv_sim *sim)
{
    struct ld_buffer first = {0}, second = {0};
    struct sv_host *host = sv_host_open();
    sv_host_add_all(host);
    sv_host_save(sv_sim_host(sim), &first);
    struct ld_error error = {0};
    if (sv_host_load(host, first.data, first.size, &error) != LD_OK)
        fuzz_failed(__FILE__, __LINE__, error.text);
    sv_host_save(host, &second);
    fuzz_check(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    sv_host_close(host);
    ld_buffer_free(&first);
    ld_buffer_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct sv_sim *sim = town_open(NULL, NULL);
    town_play(sim, &input);
    save_and_load(sim);
    sv_sim_close(sim);
    return 0;
}
