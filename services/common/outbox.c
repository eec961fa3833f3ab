/*
 * The outbox: what a service has still to publish.
 *
 * Each output goes to the producer of its instance, which is opened at its first output. Until that
 * is ready, or while the client's queue is full (LD_BUSY), outputs wait here in order. An input is
 * confirmed when all its outputs, and those of all inputs before it, are durable. What waits is
 * bounded by the stream's credit: without confirmation no more events come.
 *
 * Outputs up to the last sequence that the log had of a producer when it got ready were published
 * before a restart: they are dropped here, and the router is not asked about each again. Refusals:
 * what passes (no space) ends this life and begins another from the last snapshot, as no output may
 * overtake a refused one; anything else ends the program.
 */
#include "life.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct waiting {
    struct waiting *next;
    struct input *input;
    uint64_t producer_sequence;
    uint16_t flags;
    size_t payload_size;
    char *topic;
    uint8_t payload[];
};

struct input {
    struct input *next;
    struct life *life;
    uint64_t sequence;
    size_t outstanding;
};

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

void outbox_open(struct outbox *outbox)
{
    *outbox = (struct outbox){0};
    outbox->last = &outbox->first;
}

static void free_waiting(struct waiting *waiting)
{
    free(waiting->topic);
    free(waiting);
}

static struct waiting *shift(struct sender *sender)
{
    struct waiting *waiting = sender->first;
    sender->first = waiting->next;
    if (!sender->first) {
        sender->last = &sender->first;
        DL_DELETE(sender->life->outbox.full, sender);
    }
    return waiting;
}

void outbox_close(struct outbox *outbox)
{
    struct sender *sender, *next_sender;
    HASH_ITER(hh, outbox->senders, sender, next_sender)
    {
        HASH_DEL(outbox->senders, sender);
        while (sender->first)
            free_waiting(shift(sender));
        free(sender);
    }
    while (outbox->first) {
        struct input *input = outbox->first;
        outbox->first = input->next;
        free(input);
    }
    outbox_open(outbox);
}

bool outbox_empty(const struct outbox *outbox)
{
    return outbox->first == NULL;
}

/* ---- inputs ---- */

static void confirm_done(struct life *life)
{
    struct outbox *outbox = &life->outbox;
    uint64_t sequence = 0;
    while (outbox->first && outbox->first->outstanding == 0) {
        struct input *input = outbox->first;
        sequence = input->sequence;
        outbox->first = input->next;
        free(input);
    }
    if (!outbox->first)
        outbox->last = &outbox->first;
    if (sequence)
        life_confirm(life, sequence);
}

static struct input *add_input(struct life *life, uint64_t sequence, size_t outstanding)
{
    struct input *input = must(calloc(1, sizeof *input));
    *input = (struct input){.life = life, .sequence = sequence, .outstanding = outstanding};
    *life->outbox.last = input;
    life->outbox.last = &input->next;
    return input;
}

/* ---- publishing ---- */

static void pump_all(struct life *life); /* of those that have something waiting */

static void on_refused(struct life *life, const struct ld_published *published)
{
    if (ld_code_blame(published->code) == LD_BLAME_RETRY) {
        life_say(life, "the router cannot take events now (%s); starting over", published->reason);
        life_finish(life, LIFE_AGAIN);
        return;
    }
    if (published->code == LD_FENCED)
        life_say(life, "another process publishes under this name; only one may run");
    else
        life_say(life, "event %llu of ours was refused: %s: %s",
                 (unsigned long long)published->producer_sequence, ld_code_name(published->code),
                 published->reason);
    life_finish(life, LIFE_FAILED);
}

static void on_published(const struct ld_published *published, void *data)
{
    struct input *input = data;
    struct life *life = input->life;
    if (life->closing)
        return;
    if (published->code != LD_OK && published->code != LD_DUPLICATE) {
        on_refused(life, published);
        return;
    }
    input->outstanding--;
    confirm_done(life);
    pump_all(life);
}

/* Hands an event to the client: false if it has to wait. */
static bool hand_over(struct sender *sender, const struct ld_event *event, struct input *input)
{
    struct ld_error error = {0};
    int code = ld_publish(sender->producer, event, on_published, input, &error);
    if (code != LD_OK && code != LD_BUSY) {
        life_say(sender->life, "cannot publish on %s: %s", event->topic, error.text);
        life_finish(sender->life, LIFE_FAILED);
    }
    return code == LD_OK;
}

static bool publish_first(struct sender *sender)
{
    struct waiting *waiting = sender->first;
    struct ld_event event = {.topic = waiting->topic,
                             .payload = waiting->payload,
                             .payload_size = waiting->payload_size,
                             .flags = waiting->flags,
                             .producer_sequence = waiting->producer_sequence};
    if (!hand_over(sender, &event, waiting->input))
        return false;
    free_waiting(shift(sender));
    return true;
}

static void pump(struct sender *sender)
{
    while (sender->ready && sender->first && !sender->life->closing) {
        if (!publish_first(sender))
            return;
    }
}

static void pump_all(struct life *life)
{
    struct sender *sender, *next;
    DL_FOREACH_SAFE(life->outbox.full, sender, next)
    {
        if (!life->closing)
            pump(sender);
    }
}

/* ---- senders ---- */

static void on_ready(struct ld_producer *producer, int code, uint64_t last_sequence, void *data)
{
    struct sender *sender = data;
    struct life *life = sender->life;
    (void)producer;
    if (life->closing)
        return;
    if (code != LD_OK) {
        life_say(life, "cannot publish: %s%s", ld_code_text(code),
                 code == LD_FENCED ? "; only one process may run under this name" : "");
        life_finish(life, LIFE_FAILED);
        return;
    }
    sender->ready = true;
    sender->last_sequence = last_sequence;
    while (sender->first && sender->first->producer_sequence <= last_sequence) {
        struct waiting *done = shift(sender);
        done->input->outstanding--;
        free_waiting(done);
    }
    confirm_done(life);
    pump(sender);
}

static struct sender *sender_for(struct life *life, const struct sv_output *output)
{
    struct sender *sender;
    HASH_FIND(hh, life->outbox.senders, &output->producer_id, sizeof output->producer_id, sender);
    if (sender)
        return sender;
    sender = must(calloc(1, sizeof *sender));
    sender->id = output->producer_id;
    sender->life = life;
    sender->last = &sender->first;
    HASH_ADD(hh, life->outbox.senders, id, sizeof sender->id, sender);
    struct ld_error error = {0};
    if (ld_producer_open(life->client, output->producer, on_ready, sender, &sender->producer,
                         &error) != LD_OK) {
        life_say(life, "cannot publish as %s: %s", output->producer, error.text);
        life_finish(life, LIFE_FAILED);
    }
    return sender;
}

static void queue(struct sender *sender, const struct sv_output *output, struct input *input)
{
    struct waiting *waiting = must(malloc(sizeof *waiting + output->payload_size));
    *waiting = (struct waiting){.input = input,
                                .producer_sequence = output->producer_sequence,
                                .flags = output->flags,
                                .payload_size = output->payload_size,
                                .topic = must(strdup(output->topic))};
    if (output->payload_size > 0)
        memcpy(waiting->payload, output->payload, output->payload_size);
    if (!sender->first)
        DL_APPEND(sender->life->outbox.full, sender);
    *sender->last = waiting;
    sender->last = &waiting->next;
}

/* False: it has to wait. */
static bool publish_now(struct sender *sender, const struct sv_output *output, struct input *input)
{
    struct ld_event event = {.topic = output->topic,
                             .payload = output->payload,
                             .payload_size = output->payload_size,
                             .flags = output->flags,
                             .producer_sequence = output->producer_sequence};
    return sender->ready && !sender->first && hand_over(sender, &event, input);
}

static void take_output(struct life *life, const struct sv_output *output, struct input *input)
{
    struct sender *sender = sender_for(life, output);
    if (sender->ready && output->producer_sequence <= sender->last_sequence)
        input->outstanding--;
    else if (!publish_now(sender, output, input))
        queue(sender, output, input);
}

void outbox_take(struct life *life, uint64_t sequence)
{
    size_t count = sv_host_output_count(life->host);
    if (count == 0 && !life->outbox.first) {
        life_confirm(life, sequence);
        return;
    }
    struct input *input = add_input(life, sequence, count);
    for (size_t i = 0; i < count && !life->closing; i++)
        take_output(life, sv_host_output(life->host, i), input);
    if (life->closing)
        return;
    confirm_done(life);
    pump_all(life);
}
