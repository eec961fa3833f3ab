/* Real processes for the integration tests; see harness.h. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEADLINE_SECONDS = 120 };

static const char *const SERVICES[] = {"reporting", "grading",      "command",
                                       "duty",      "notification", "supplies"};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void harness_open(struct harness *harness)
{
    memset(harness, 0, sizeof *harness);
    snprintf(harness->folder, sizeof harness->folder, "/tmp/liandong-test.XXXXXX");
    assert_non_null(mkdtemp(harness->folder));
    snprintf(harness->endpoint, sizeof harness->endpoint, "ipc://%s/bus", harness->folder);
    snprintf(harness->data, sizeof harness->data, "%s/log", harness->folder);
    snprintf(harness->metrics, sizeof harness->metrics, "unix:%s/metrics", harness->folder);
    signal(SIGPIPE, SIG_IGN);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat, (void)type, (void)ftw;
    return remove(path);
}

void harness_close(struct harness *harness)
{
    for (size_t i = harness->process_count; i-- > 0;) { /* the router was the first */
        struct harness_process *process = &harness->process[i];
        if (process->pid != 0) {
            int status = harness_signal(process, SIGTERM);
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                harness_show_messages(harness);
                fail_msg("%s: SIGTERM ended it with status %#x", process->name, (unsigned)status);
            }
        }
        if (process->output >= 0) {
            close(process->output);
        }
        for (char **argument = process->arguments; *argument != NULL; argument++) {
            free(*argument);
        }
    }
    nftw(harness->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void be_program(const struct harness *harness, char *const arguments[], int output)
{
    char messages[128];
    snprintf(messages, sizeof messages, "%s/messages", harness->folder);
    int log = open(messages, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int nothing = open("/dev/null", O_RDONLY);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    signal(SIGPIPE, SIG_DFL);
    execv(arguments[0], arguments);
    dprintf(STDERR_FILENO, "%s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

static void spawn(const struct harness *harness, struct harness_process *process)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        be_program(harness, process->arguments, ends[1]);
    }
    close(ends[1]);
    process->pid = pid;
    process->output = ends[0];
    process->read_at = process->read_end = 0;
}

/* A router without keys has to be told so. */
static bool wants_no_keys(const char *program)
{
    const char *keys = getenv("LIANDONG_KEYS");
    return strcmp(program, "liandong-router") == 0 && (keys == NULL || keys[0] == '\0');
}

static void take_arguments(struct harness_process *process, const char *program, va_list arguments)
{
    size_t count = 0;
    bool ours = program[0] != '/';
    assert_true(asprintf(&process->arguments[count++], "%s%s%s", ours ? LIANDONG_BIN : "",
                         ours ? "/" : "", program) > 0);
    for (const char *next; (next = va_arg(arguments, const char *)) != NULL;) {
        assert_true(count < HARNESS_ARGUMENTS_MAX);
        process->arguments[count++] = strdup(next);
    }
    assert_true(count < HARNESS_ARGUMENTS_MAX);
    if (wants_no_keys(program)) {
        process->arguments[count++] = strdup("--no-keys");
    }
    process->arguments[count] = NULL;
}

static struct harness_process *launch(struct harness *harness, const char *name,
                                      const char *program, va_list arguments)
{
    assert_true(harness->process_count < HARNESS_PROCESSES_MAX);
    struct harness_process *process = &harness->process[harness->process_count++];
    snprintf(process->name, sizeof process->name, "%s", name);
    take_arguments(process, program, arguments);
    spawn(harness, process);
    return process;
}

struct harness_process *harness_launch(struct harness *harness, const char *name,
                                       const char *program, ...)
{
    va_list arguments;
    va_start(arguments, program);
    struct harness_process *process = launch(harness, name, program, arguments);
    va_end(arguments);
    return process;
}

struct harness_process *harness_start(struct harness *harness, const char *name,
                                      const char *program, ...)
{
    va_list arguments;
    va_start(arguments, program);
    struct harness_process *process = launch(harness, name, program, arguments);
    va_end(arguments);
    harness_ready(process);
    return process;
}

void harness_ready(struct harness_process *process)
{
    if (!harness_line(process, process->ready, sizeof process->ready)) {
        fail_msg("%s ended before it was ready", process->name);
    }
}

bool harness_ready_within(struct harness_process *process, int wait_ms)
{
    struct pollfd wait = {.fd = process->output, .events = POLLIN};
    if (process->read_at == process->read_end && poll(&wait, 1, wait_ms) == 0) {
        return false;
    }
    harness_ready(process);
    return true;
}

void harness_relaunch(struct harness *harness, struct harness_process *process)
{
    assert_int_equal(process->pid, 0);
    close(process->output);
    process->ready[0] = '\0';
    spawn(harness, process);
}

void harness_restart(struct harness *harness, struct harness_process *process)
{
    harness_relaunch(harness, process);
    harness_ready(process);
}

struct harness_process *harness_find(struct harness *harness, const char *name)
{
    for (size_t i = 0; i < harness->process_count; i++) {
        if (strcmp(harness->process[i].name, name) == 0) {
            return &harness->process[i];
        }
    }
    fail_msg("no process %s", name);
    return NULL;
}

/* More of its stdout; false at its end. */
static bool read_more(struct harness_process *process, int64_t deadline_ms)
{
    struct pollfd wait = {.fd = process->output, .events = POLLIN};
    int64_t left_ms = deadline_ms - now_ms();
    if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) == 0) {
        fail_msg("%s said nothing for %d s", process->name, DEADLINE_SECONDS);
    }
    ssize_t got = read(process->output, process->read, sizeof process->read);
    process->read_at = 0;
    process->read_end = got > 0 ? (size_t)got : 0;
    return got > 0;
}

bool harness_line(struct harness_process *process, char *line, size_t size)
{
    int64_t deadline_ms = now_ms() + DEADLINE_SECONDS * 1000;
    size_t length = 0;
    for (;;) {
        if (process->read_at == process->read_end && !read_more(process, deadline_ms)) {
            return false;
        }
        char next = process->read[process->read_at++];
        if (next == '\n') {
            line[length] = '\0';
            return true;
        }
        if (length + 1 < size) {
            line[length++] = next;
        }
    }
}

int harness_wait(struct harness_process *process)
{
    int status = 0;
    alarm(DEADLINE_SECONDS); /* a process that never ends must not hang the run */
    pid_t ended = waitpid(process->pid, &status, 0);
    alarm(0);
    assert_int_equal(ended, process->pid);
    process->pid = 0;
    return status;
}

void harness_expect_running(const struct harness *harness)
{
    for (size_t i = 0; i < harness->process_count; i++) {
        const struct harness_process *process = &harness->process[i];
        siginfo_t ended = {.si_pid = 0};
        if (process->pid == 0) {
            continue;
        }
        assert_int_equal(waitid(P_PID, (id_t)process->pid, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
        if (ended.si_pid != 0) {
            harness_show_messages(harness);
            fail_msg("%s has ended by itself: %s %d", process->name,
                     ended.si_code == CLD_EXITED ? "status" : "signal", ended.si_status);
        }
    }
}

int harness_signal(struct harness_process *process, int signal)
{
    assert_true(process->pid != 0);
    kill(process->pid, signal);
    return harness_wait(process);
}

static char *read_all(int fd)
{
    size_t size = 0, capacity = 4096;
    char *text = malloc(capacity);
    for (ssize_t got; (got = read(fd, text + size, capacity - size - 1)) > 0;) {
        size += (size_t)got;
        if (capacity - size < 2) {
            capacity *= 2;
            text = realloc(text, capacity);
            assert_non_null(text);
        }
    }
    text[size] = '\0';
    return text;
}

int harness_run(struct harness *harness, char **output, const char *program, ...)
{
    struct harness_process process = {.output = -1};
    snprintf(process.name, sizeof process.name, "%s", program);
    va_list arguments;
    va_start(arguments, program);
    take_arguments(&process, program, arguments);
    va_end(arguments);
    spawn(harness, &process);
    char *text = read_all(process.output);
    close(process.output);
    int status = harness_wait(&process);
    for (char **argument = process.arguments; *argument != NULL; argument++) {
        free(*argument);
    }
    if (output != NULL) {
        *output = text;
    } else {
        free(text);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void harness_start_router(struct harness *harness)
{
    harness_start(harness, "router", "liandong-router", "--data", harness->data, "--endpoint",
                  harness->endpoint, NULL);
}

void harness_start_drill(struct harness *harness, const char *tick_seconds)
{
    char start[16];
    time_t then = time(NULL) - 43 * 86400;
    struct tm day;
    gmtime_r(&then, &day);
    strftime(start, sizeof start, "%Y-%m-%d", &day);
    harness_start(harness, "router", "liandong-router", "--data", harness->data, "--endpoint",
                  harness->endpoint, "--drill", start, "--tick-seconds", tick_seconds, "--metrics",
                  harness->metrics, NULL);
}

void harness_start_service(struct harness *harness, const char *service)
{
    char program[64], snapshot[128];
    snprintf(program, sizeof program, "liandong-%s", service);
    snprintf(snapshot, sizeof snapshot, "%s/%s.snapshot", harness->folder, service);
    harness_start(harness, service, program, "--endpoint", harness->endpoint, "--snapshot",
                  snapshot, NULL);
}

void harness_start_services(struct harness *harness)
{
    for (size_t i = 0; i < sizeof SERVICES / sizeof *SERVICES; i++) {
        harness_start_service(harness, SERVICES[i]);
    }
}

/* Takes out of an event's JSON all that depends on where other events happen to lie in the log. */
static void forget_places(json_t *value)
{
    static const char *const PLACES[] = {"sequence", "causation", "producer_sequence", "reports",
                                         "report_sequence"};
    const char *key;
    json_t *member;
    size_t index;
    if (json_is_array(value)) {
        json_array_foreach(value, index, member) forget_places(member);
        return;
    }
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        json_object_del(value, PLACES[i]);
    }
    json_object_foreach(value, key, member) forget_places(member);
}

struct canonical_event {
    char *key; /* producer, topic */
    size_t order;
    char *text;
};

static int by_key_then_order(const void *left, const void *right)
{
    const struct canonical_event *a = left, *b = right;
    int order = strcmp(a->key, b->key);
    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

/* Who answers on the command line is a producer named after its process. */
static void forget_process(json_t *event)
{
    const char *producer = json_string_value(json_object_get(event, "producer"));
    const char *process = producer != NULL ? strstr(producer, "#cli-") : NULL;
    if (process != NULL) {
        json_object_set_new(event, "producer",
                            json_stringn(producer, (size_t)(process - producer)));
    }
}

static bool canonical_event(const char *line, size_t order, struct canonical_event *event)
{
    if (*line == '\0' || strstr(line, "\"topic\":\"sys/") != NULL) {
        return false; /* most are ticks */
    }
    json_t *json = json_loads(line, 0, NULL);
    assert_non_null(json);
    forget_process(json);
    const char *topic = json_string_value(json_object_get(json, "topic"));
    const char *producer = json_string_value(json_object_get(json, "producer"));
    assert_non_null(topic);
    json_object_del(json, "time");          /* when it was ordered; what it says of time is in it */
    json_object_del(json, "payload_bytes"); /* a place further back may take a byte less */
    assert_true(asprintf(&event->key, "%s %s", producer != NULL ? producer : "", topic) > 0);
    forget_places(json);
    event->order = order;
    event->text = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(json);
    return true;
}

static char *join(struct canonical_event *events, size_t count)
{
    char *all = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&all, &size);
    for (size_t i = 0; i < count; i++) {
        fprintf(stream, "%s\n", events[i].text);
        free(events[i].key);
        free(events[i].text);
    }
    fclose(stream);
    return all;
}

char *harness_canonical_log(struct harness *harness)
{
    char *exported = NULL;
    assert_int_equal(
        harness_run(harness, &exported, "liandong", "log", "export", harness->data, NULL), 0);
    struct canonical_event *events = NULL;
    size_t count = 0, capacity = 0;
    for (char *rest = exported, *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (count == capacity) {
            capacity = capacity == 0 ? 1024 : capacity * 2;
            events = realloc(events, capacity * sizeof *events);
            assert_non_null(events);
        }
        count += canonical_event(line, count, &events[count]);
    }
    qsort(events, count, sizeof *events, by_key_then_order);
    char *all = join(events, count);
    free(events);
    free(exported);
    return all;
}

void harness_expect_same(const char *expected, const char *found)
{
    while (*expected != '\0' || *found != '\0') {
        size_t expected_size = strcspn(expected, "\n"), found_size = strcspn(found, "\n");
        if (expected_size != found_size || memcmp(expected, found, found_size) != 0) {
            fail_msg("undisturbed: %.*s\ndisturbed:   %.*s", (int)expected_size, expected,
                     (int)found_size, found);
        }
        expected += expected_size + (expected[expected_size] != '\0');
        found += found_size + (found[found_size] != '\0');
    }
}

char *harness_scrape(struct harness *harness, const char *address)
{
    char *text = NULL;
    int status =
        harness_run(harness, &text, "/usr/bin/curl", "--silent", "--fail", "--max-time", "30",
                    "--unix-socket", address + strlen("unix:"), "http://localhost/metrics", NULL);
    assert_int_equal(status, 0);
    return text;
}

double harness_value(const char *text, const char *series)
{
    char line[256];
    snprintf(line, sizeof line, "\n%s ", series);
    const char *at = strstr(text, line);
    if (at == NULL) {
        fail_msg("there is no series %s", series);
    }
    return strtod(at + strlen(line), NULL);
}

char *harness_messages(const struct harness *harness)
{
    char messages[128];
    snprintf(messages, sizeof messages, "%s/messages", harness->folder);
    int fd = open(messages, O_RDONLY);
    assert_true(fd >= 0);
    char *text = read_all(fd);
    close(fd);
    return text;
}

void harness_show_messages(const struct harness *harness)
{
    char *text = harness_messages(harness);
    size_t length = strlen(text);
    print_error("%s\n", length > 4000 ? text + length - 4000 : text);
    free(text);
}
