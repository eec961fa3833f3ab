#include "town.h"

#include <liandong/v1/plan.pb-c.h>
#include "context.h"
#include "fuzz.h"

static uint8_t *adoption;
static size_t adoption_size;

/* The bundle as a PlanAdoption, packed once. */
static void pack_adoption(void)
{
    struct plan_bundle bundle = {0};
    fuzz_check(plan_bundle_read(ld_context_system(), LIANDONG_SOURCE_DIR "/plans/wenzhou-phe.yaml",
                                &bundle, NULL) == LD_OK);
    char hash[PLAN_HASH_HEX + 1];
    plan_hash(bundle.files, bundle.count, hash);
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__PlanAdoption message = LIANDONG__V1__PLAN_ADOPTION__INIT;
    Liandong__V1__PlanAdoption__File *files = calloc(bundle.count, sizeof *files);
    Liandong__V1__PlanAdoption__File **list = calloc(bundle.count, sizeof *list);
    fuzz_check(files != NULL && list != NULL);
    for (size_t i = 0; i < bundle.count; i++) {
        liandong__v1__plan_adoption__file__init(list[i] = &files[i]);
        files[i].name = sv_borrow(bundle.files[i].name);
        files[i].content.data =
            fuzz_copy((const uint8_t *)bundle.files[i].content, bundle.files[i].size);
        files[i].content.len = bundle.files[i].size;
    }
    context.author = sv_borrow("3303.gov");
    context.plan = sv_borrow("wenzhou-phe");
    message.context = &context;
    context.plan_hash = hash;
    message.files = list;
    message.n_files = bundle.count;
    adoption_size = liandong__v1__plan_adoption__get_packed_size(&message);
    adoption = malloc(adoption_size);
    fuzz_check(adoption != NULL);
    liandong__v1__plan_adoption__pack(&message, adoption);
    for (size_t i = 0; i < bundle.count; i++)
        free(files[i].content.data);
    free(list);
    free(files);
    plan_bundle_free(&bundle);
}

struct sv_sim *town_open(sv_sim_record_fn *each, void *data)
{
    if (adoption == NULL)
        pack_adoption();
    struct sv_sim *sim = sv_sim_open(TOWN_START_S * INT64_C(1000000), each, data);
    sv_host_add_all(sv_sim_host(sim));
    fuzz_check(sv_sim_publish(sim, "3303.gov", "plan/wenzhou-phe", adoption, adoption_size, 0, NULL,
                              NULL) == LD_OK);
    fuzz_check(sv_plans_current(sv_host_plans(sv_sim_host(sim), false), "wenzhou-phe") != NULL);
    return sim;
}

/* ---- a log from outside ---- */

enum { EVENTS_MAX = 64, TEXT_SIZE = 256, MINUTES_MAX = 3000 };

static void take_text(struct fuzz_input *input, char text[TEXT_SIZE])
{
    size_t size;
    const uint8_t *bytes = fuzz_bytes(input, &size);
    if (size >= TEXT_SIZE)
        size = TEXT_SIZE - 1;
    if (size > 0)
        memcpy(text, bytes, size);
    text[size] = '\0';
}

static void pass_time(struct sv_sim *sim, uint64_t minutes)
{
    sv_sim_advance(sim, sv_sim_now(sim) + (int64_t)(minutes % MINUTES_MAX) * 60000000);
}

static void publish(struct sv_sim *sim, struct fuzz_input *input, uint16_t flags)
{
    char producer[TEXT_SIZE], topic[TEXT_SIZE];
    size_t size;
    take_text(input, producer);
    take_text(input, topic);
    const uint8_t *payload = fuzz_bytes(input, &size);
    uint8_t *copy = fuzz_copy(payload, size);
    struct ld_error error;
    (void)!sv_sim_publish(sim, producer, topic, copy, size, flags, NULL, &error);
    free(copy);
}

void town_play(struct sv_sim *sim, struct fuzz_input *input)
{
    for (size_t i = 0; i < EVENTS_MAX && input->left > 0; i++) {
        uint64_t what = fuzz_number(input, 1);
        if (what % 4 == 3)
            pass_time(sim, fuzz_number(input, 2));
        else
            publish(sim, input, what % 4 == 2 ? LD_RECORD_EXERCISE : 0);
    }
}
