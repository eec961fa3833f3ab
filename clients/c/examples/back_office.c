/*
 * An agency's back office, worked out: takes the unit's orders off the bus, shows them to the
 * people on duty, and says of each one that it has been delivered, so that command sees that it has
 * arrived. Whether anybody has seen it, people say: with --acknowledge the program speaks for them,
 * where somebody sits in front of it day and night.
 *
 *     back_office --unit 3303.health --endpoint tcp://127.0.0.1:7501
 *
 * What it shows about libliandong:
 *
 *   1. One stream of the unit's own topics, "duty/3303/health/>". The library reconnects and
 *      resumes by itself while the program runs.
 *   2. A position file, so that a restarted program resumes too. It says up to which event all is
 *      done, and of which log. It is moved only when the reply is durable, never when it is sent.
 *   3. Replies that can be repeated without harm. The reply to the order at sequence N is published
 *      under the producer sequence N. If the program is killed between publishing and saving, the
 *      order comes again, its reply is made again, and the router drops it as a duplicate.
 *   4. confirm_by_hand: an order counts as processed when its reply is durable. Orders under way
 *      are then bounded by the stream's credit, and replies by the orders: the queue cannot fill
 * up.
 *   5. Drills. The exercise flag of an order is shown, and inherited by its reply.
 *
 * Happy path: open the client, wait for the router, read the position, open producer and stream,
 * run until a signal comes; each order is printed and answered; each answer moves the position.
 *
 * Failures: no router yet or any more: it waits, and says so. Refused reply: shown, and left to
 * people; the position moves on, as repeating would not help. Another log behind the endpoint, a
 * position file that cannot be written, a damaged stream: it ends with the reason; nothing is lost,
 * as the position still stands before what was not done.
 */
#include <liandong.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <liandong/v1/duty.pb-c.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    CREDIT_BYTES = 256 << 10, /* of orders under way: some hundreds */
    WAIT_US = 200000,         /* between looks at the stop signal */
    FLUSH_US = 5000000,       /* what ending waits for the last answers */
    PATH_SIZE = 512,
    LOG_ID_TEXT = 33, /* 16 bytes in hexadecimal, and a zero */
};

struct office {
    /* what was asked for */
    const char *endpoint, *unit;
    const char *area_end; /* the dot in unit: "3303" before it, "health" behind it */
    char position_path[PATH_SIZE];
    bool acknowledge;    /* for the people in front of it */
    uint64_t stop_after; /* orders answered, 0: run until a signal comes */
    /* the bus */
    struct ld_client *client;
    struct ld_producer *producer;
    struct ld_stream *stream;
    char log_id[LOG_ID_TEXT];
    /* how far */
    uint64_t position;   /* all is done up to here */
    uint64_t last_event; /* last one seen */
    uint64_t replies_under_way;
    uint64_t answered;
    int status; /* exit status */
    bool ending;
};

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    (void)number;
    signalled = 1;
}

static void end(struct office *office, int status)
{
    office->ending = true;
    if (office->status == 0)
        office->status = status;
    if (office->client != NULL)
        ld_client_stop(office->client);
}

/* ---- the position file: "<log id> <sequence>\n" ---- */

/* LD_OK (also without a file: from the first event), LD_CORRUPT or LD_REFUSED. */
static int read_position(struct office *office)
{
    char log_id[LOG_ID_TEXT] = "";
    FILE *file = fopen(office->position_path, "r");
    if (file == NULL && errno == ENOENT)
        return LD_OK;
    int fields = file != NULL ? fscanf(file, "%32s %" SCNu64, log_id, &office->position) : 0;
    if (file != NULL)
        fclose(file);
    if (fields != 2) {
        fprintf(stderr, "back_office: %s: expected \"<log id> <sequence>\"; repair or remove it\n",
                office->position_path);
        return LD_CORRUPT;
    }
    if (strcmp(log_id, office->log_id) != 0) {
        fprintf(stderr,
                "back_office: %s is of the log %s, the router at %s serves %s; choose another "
                "file with --position\n",
                office->position_path, log_id, office->endpoint, office->log_id);
        return LD_REFUSED;
    }
    return LD_OK;
}

/* Writes beside the file, syncs, renames: the file is always whole. */
static void save_position(struct office *office)
{
    char beside[PATH_SIZE + 8], text[LOG_ID_TEXT + 32];
    snprintf(beside, sizeof beside, "%s.new", office->position_path);
    int size = snprintf(text, sizeof text, "%s %" PRIu64 "\n", office->log_id, office->position);
    int file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool written = file >= 0 && write(file, text, (size_t)size) == size && fsync(file) == 0;
    if (file >= 0 && close(file) != 0)
        written = false;
    if (written && rename(beside, office->position_path) == 0)
        return;
    fprintf(stderr, "back_office: cannot write %s: %s\n", office->position_path, strerror(errno));
    end(office, 1);
}

/* Everything up to sequence is done. */
static void move_position(struct office *office, uint64_t sequence)
{
    if (sequence <= office->position)
        return;
    office->position = sequence;
    save_position(office);
    ld_stream_confirm(office->stream, sequence); /* gives the credit back */
}

/* ---- showing an order to people ---- */

static const char *level_text(Liandong__V1__Level level)
{
    static const char *const texts[] = {"–", "Ⅰ级（特别重大） level I", "Ⅱ级（重大） level II",
                                        "Ⅲ级（较大） level III", "Ⅳ级（一般） level IV"};
    return level >= 0 && (size_t)level < sizeof texts / sizeof texts[0] ? texts[level] : "?";
}

static const char *state_text(Liandong__V1__DutyOrder__State state)
{
    static const char *const texts[] = {"?",
                                        "新任务 new",
                                        "已送达 delivered",
                                        "已签收 acknowledged",
                                        "已接受 accepted",
                                        "已拒绝 declined",
                                        "办理中 in progress",
                                        "已办结 done",
                                        "已逾期 overdue",
                                        "已上报 escalated",
                                        "已替换 superseded",
                                        "已撤销 withdrawn"};
    return state >= 0 && (size_t)state < sizeof texts / sizeof texts[0] ? texts[state] : "?";
}

static void print_time(const char *label, int64_t time_us)
{
    char text[64];
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm local;
    if (time_us == 0 || localtime_r(&seconds, &local) == NULL)
        return;
    strftime(text, sizeof text, "%F %T %z", &local);
    printf("  %s %s\n", label, text);
}

static void print_order(const struct ld_record *record, const Liandong__V1__DutyOrder *order)
{
    const char *drill = record->flags & LD_RECORD_EXERCISE ? "【演练 EXERCISE】" : "";
    printf("\n%s%s  %s\n", drill, order->order, state_text(order->state));
    printf("  %s  §%s\n", level_text(order->level), order->section);
    if (order->text != NULL)
        printf("  %s\n  %s\n", order->text->zh, order->text->en);
    if (order->reason[0] != '\0')
        printf("  原因 reason: %s\n", order->reason);
    print_time("签收时限 acknowledge by", order->acknowledge_by_us);
    print_time("办结时限 done by", order->done_by_us);
    fflush(stdout);
}

/* ---- answering an order ---- */

/* A reply has its answer: once, whatever happens. */
static void on_published(const struct ld_published *published, void *data)
{
    struct office *office = data;
    office->replies_under_way--;
    switch (published->code) {
    case LD_OK:
    case LD_DUPLICATE: /* sent before the program was last ended */
        break;
    case LD_CANCELLED: /* we are closing: it will be made again at the next start */
        return;
    case LD_UNKNOWN:
    case LD_NOSPACE:
    case LD_FENCED: /* e.g. a second back office of this unit: let the newer one work */
        fprintf(stderr, "back_office: reply to event %" PRIu64 " not taken: %s %s\n",
                published->producer_sequence, ld_code_text(published->code), published->reason);
        end(office, 1);
        return;
    default:
        fprintf(stderr, "back_office: reply to event %" PRIu64 " refused: %s\n",
                published->producer_sequence, published->reason);
        break;
    }
    office->answered++;
    bool all = office->replies_under_way == 0; /* answers come in order */
    move_position(office, all ? office->last_event : published->producer_sequence);
    if (office->answered == office->stop_after)
        end(office, 0);
}

/* "duty/3303/health/<incident>/<duty>" is answered on "reply/3303/health/<incident>/<duty>". */
static void reply_topic(const struct ld_record *order, char topic[LD_TOPIC_SIZE_MAX + 2])
{
    int prefix = (int)strlen("duty");
    snprintf(topic, LD_TOPIC_SIZE_MAX + 2, "reply%.*s", (int)order->topic_size - prefix,
             order->topic + prefix);
}

static void answer(struct office *office, const struct ld_record *record,
                   const Liandong__V1__DutyOrder *order)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__DutyReply reply = LIANDONG__V1__DUTY_REPLY__INIT;
    union {
        const char *from;
        char *to;
    } unit = {.from = office->unit}; /* the message does not change its strings */
    context.author = unit.to;
    if (order->context != NULL) {
        context.incident = order->context->incident;
        context.plan = order->context->plan;
        context.plan_hash = order->context->plan_hash;
    }
    reply.context = &context;
    reply.order = order->order;
    reply.action = office->acknowledge ? LIANDONG__V1__DUTY_REPLY__ACTION__ACKNOWLEDGE
                                       : LIANDONG__V1__DUTY_REPLY__ACTION__DELIVERED;

    uint8_t payload[4096];
    char topic[LD_TOPIC_SIZE_MAX + 2];
    struct ld_error error;
    size_t size = liandong__v1__duty_reply__get_packed_size(&reply);
    if (size > sizeof payload) {
        fprintf(stderr, "back_office: order %s has names too long to answer\n", order->order);
        return;
    }
    liandong__v1__duty_reply__pack(&reply, payload);
    reply_topic(record, topic);
    struct ld_event event = {
        .topic = topic,
        .payload = payload,
        .payload_size = size,
        .flags = record->flags & LD_RECORD_EXERCISE,
        .producer_sequence = record->sequence, /* the same reply again is a duplicate */
    };
    if (ld_publish(office->producer, &event, on_published, office, &error) != LD_OK) {
        fprintf(stderr, "back_office: cannot answer %s: %s\n", order->order, error.text);
        end(office, 1);
        return;
    }
    office->replies_under_way++;
}

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    struct office *office = data;
    (void)stream;
    if (office->ending)
        return; /* comes again at the next start */
    office->last_event = record->sequence;
    Liandong__V1__DutyOrder *order =
        liandong__v1__duty_order__unpack(NULL, record->payload_size, record->payload);
    if (order == NULL) {
        fprintf(stderr, "back_office: event %" PRIu64 " on %.*s is no order; passed over\n",
                record->sequence, (int)record->topic_size, record->topic);
    } else {
        print_order(record, order);
        if (order->state == LIANDONG__V1__DUTY_ORDER__STATE__ISSUED)
            answer(office, record, order);
        liandong__v1__duty_order__free_unpacked(order, NULL);
    }
    if (office->replies_under_way == 0 && !office->ending)
        move_position(office, record->sequence);
}

static void on_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    (void)stream;
    fprintf(stderr, "back_office: %s\n", error->text);
    end(data, 1);
}

static void on_link(struct ld_client *client, enum ld_link link, const char *reason, void *data)
{
    (void)client;
    (void)data;
    if (link != LD_LINK_CLOSED)
        fprintf(stderr, "back_office: %s\n", reason);
}

/* ---- life ---- */

static int connect_office(struct office *office, struct ld_error *error)
{
    struct ld_client_options options;
    ld_client_options_init(&options);
    options.endpoint = office->endpoint;
    options.identity = office->unit;
    options.link_changed = on_link;
    options.data = office;
    int code = ld_client_open(&options, &office->client, error);
    /* The log's id is needed before the position means anything. */
    while (code == LD_OK && !signalled) {
        code = ld_client_wait_up(office->client, WAIT_US, error);
        if (code == LD_OK)
            break;
        if (code == LD_TIMEOUT)
            code = LD_OK;
    }
    struct ld_client_state state;
    if (code == LD_OK)
        ld_client_get_state(office->client, &state);
    for (size_t i = 0; code == LD_OK && i < sizeof state.log_id; i++)
        snprintf(office->log_id + 2 * i, 3, "%02x", state.log_id[i]);
    return code;
}

static int begin_work(struct office *office, struct ld_error *error)
{
    char name[128], filter[LD_TOPIC_SIZE_MAX];
    snprintf(name, sizeof name, "%s#back-office", office->unit);
    int code = ld_producer_open(office->client, name, NULL, NULL, &office->producer, error);
    if (code != LD_OK)
        return code;
    snprintf(filter, sizeof filter, "duty/%.*s/%s/>", (int)(office->area_end - office->unit),
             office->unit, office->area_end + 1);
    const char *filters[] = {filter};
    struct ld_stream_options options;
    ld_stream_options_init(&options);
    options.from = office->position > 0 ? office->position + 1 : LD_FROM_FIRST;
    options.filters = filters;
    options.filter_count = 1;
    options.credit_bytes = CREDIT_BYTES;
    options.confirm_by_hand = true;
    options.event = on_event;
    options.failed = on_failed;
    options.data = office;
    return ld_stream_open(office->client, &options, &office->stream, error);
}

static void work(struct office *office)
{
    while (!office->ending && !signalled)
        (void)ld_client_run(office->client, WAIT_US);
    office->ending = true;
    size_t unanswered = 0;
    if (ld_client_flush(office->client, FLUSH_US, &unanswered) != LD_OK)
        fprintf(stderr,
                "back_office: %zu replies not yet answered; they are made again at the "
                "next start\n",
                unanswered);
}

static const char HELP[] =
    "back_office: takes a unit's orders off the bus and says that they have been delivered\n"
    "后台示例：接收本单位任务交办单并回报送达\n\n"
    "  --unit UNIT        the unit, as 3303.health (required)   本单位\n"
    "  --endpoint URL     the router; default $LIANDONG_ENDPOINT or tcp://127.0.0.1:7501\n"
    "  --position FILE    where to keep the position; default back_office-UNIT.position\n"
    "  --acknowledge      say that they have been seen, for the people in front of it   代为签收\n"
    "  --orders N         end after N orders have been answered   答复 N 件后结束\n"
    "  --help\n";

static int parse(int argc, char **argv, struct office *office)
{
    static const struct option options[] = {{"unit", required_argument, NULL, 'u'},
                                            {"endpoint", required_argument, NULL, 'e'},
                                            {"position", required_argument, NULL, 'p'},
                                            {"orders", required_argument, NULL, 'n'},
                                            {"acknowledge", no_argument, NULL, 'a'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *endpoint = getenv("LIANDONG_ENDPOINT"), *path = NULL;
    office->endpoint = endpoint != NULL ? endpoint : "tcp://127.0.0.1:7501";
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'u':
            office->unit = optarg;
            break;
        case 'e':
            office->endpoint = optarg;
            break;
        case 'p':
            path = optarg;
            break;
        case 'a':
            office->acknowledge = true;
            break;
        case 'n':
            office->stop_after = strtoull(optarg, NULL, 10);
            break;
        default:
            fputs(HELP, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    office->area_end = office->unit != NULL ? strchr(office->unit, '.') : NULL;
    if (office->area_end == NULL) {
        fprintf(stderr, "back_office: --unit is required, as 3303.health (see --help)\n");
        return 2;
    }
    snprintf(office->position_path, sizeof office->position_path, "%s%s%s",
             path != NULL ? path : "back_office-", path != NULL ? "" : office->unit,
             path != NULL ? "" : ".position");
    return -1;
}

int main(int argc, char **argv)
{
    struct office office = {.status = 0};
    struct ld_error error = {.text = ""};
    int status = parse(argc, argv, &office);
    if (status >= 0)
        return status;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    int code = connect_office(&office, &error);
    if (code == LD_OK && !signalled) {
        code = read_position(&office);
        if (code == LD_OK)
            code = begin_work(&office, &error);
        if (code == LD_OK)
            work(&office);
    }
    if (code != LD_OK) {
        if (error.text[0] != '\0')
            fprintf(stderr, "back_office: %s\n", error.text);
        office.status = 1;
    }
    ld_client_close(office.client, NULL, NULL);
    return office.status;
}
