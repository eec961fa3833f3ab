/* Looking into an outbox's file, and amending what was refused: without a client, blocking. */
#include <stdio.h>
#include <string.h>

#include "outbox_file.h"

static void fill_state(struct ld_outbox_state *state, const struct outbox_head *head)
{
    *state = (struct ld_outbox_state){.bound = head->bound,
                                      .waiting = head->waiting,
                                      .refused = head->refused,
                                      .bytes = head->bytes,
                                      .oldest_us = head->oldest_us};
    memcpy(state->producer, head->producer, sizeof state->producer);
    memcpy(state->log_id, head->log_id, sizeof state->log_id);
}

int ld_outbox_list(const char *path, ld_outbox_item_fn *each, void *data,
                   struct ld_outbox_state *state, struct ld_error *error)
{
    struct outbox_file *file = NULL;
    struct outbox_head head;
    int code = outbox_file_open(path, OUTBOX_READ, NULL, &file, error);
    if (code == LD_OK)
        code = outbox_file_head(file, &head, error);
    if (code == LD_OK && state != NULL)
        fill_state(state, &head);
    if (code == LD_OK && each != NULL)
        code = outbox_file_each(file, each, data, error);
    outbox_file_close(file);
    return code;
}

int ld_outbox_amend(const char *path, enum ld_outbox_amendment what, uint64_t producer_sequence,
                    size_t *count, struct ld_error *error)
{
    struct outbox_file *file = NULL;
    size_t done = 0;
    if (what != LD_OUTBOX_RETRY && what != LD_OUTBOX_DROP && what != LD_OUTBOX_REBIND)
        return ld_fail(error, LD_INVALID, "unknown amendment %d", (int)what);
    int code = outbox_file_open(path, OUTBOX_AMEND, NULL, &file, error);
    if (code == LD_OK)
        code = outbox_file_amend(file, what, producer_sequence, &done, error);
    outbox_file_close(file);
    if (code == LD_OK && count != NULL)
        *count = done;
    return code;
}
