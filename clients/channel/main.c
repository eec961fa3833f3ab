/* liandong-channel: brings notices to contacts by one kind of channel. Exit status: 0 asked to
 * stop, 1 failed (the reason is on standard error), 2 wrong options. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "timefmt.h"

static void print_help(FILE *file)
{
    fputs(
        "Usage: liandong-channel KIND [options]\n"
        "Brings notices that are due to contacts whose channel is KIND, and says on the bus what\n"
        "became of each attempt, as channel-KIND (docs/notices.md, \"Channels\").\n\n"
        "  files                  a CAP file for each: ROOT/ADDRESS/IDENTIFIER.xml\n"
        "    --root FOLDER        where\n"
        "  webhook                a signed HTTP POST to ADDRESS\n"
        "    --key FILE           the key, 32 bytes or more\n"
        "  mail                   an e-mail to ADDRESS\n"
        "    --smtp URL           smtp://HOST[:PORT] or smtps://HOST[:PORT]\n"
        "    --from ADDRESS       the sender\n"
        "    --netrc FILE         user and password, as of curl\n"
        "  atom                   a feed of the public alerts in force: FOLDER/feed.atom, and the\n"
        "                         CAP file of each; says nothing on the bus\n"
        "    --root FOLDER        where\n"
        "    --url URL            where the folder is on the web; ends in a slash\n"
        "    --entries N          at most (1 to 1000, default: 100)\n"
        "    --exercise           exercises, and nothing else\n\n"
        "  --attempts N           before it gives up (default: 10)\n"
        "  --pause SECONDS        after the first that fails; doubles, to 300 (default: 1)\n"
        "  --limit SECONDS        for one attempt (default: 20)\n"
        "  --endpoint ENDPOINT    the router: tcp://host:port or ipc:///path\n"
        "                         (default: $LIANDONG_ENDPOINT or tcp://127.0.0.1:7501)\n"
        "  --help                 this text\n\n"
        "$LIANDONG_KEYS is the directory with its key and the router's (liandong keys).\n"
        "Prints \"ready channel-KIND\" when it knows what is due. SIGTERM and SIGINT end it once\n"
        "what is under way is done. Exit status: 0 asked to stop, 1 failed, 2 wrong options.\n",
        file);
}

static int usage_error(const char *what, const char *value)
{
    fprintf(stderr, "liandong-channel: %s%s; --help lists the options\n", what, value);
    return 2;
}

/* A positive number of seconds, with fractions, as microseconds; 0: none. */
static int64_t seconds_of(const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    bool good = end != text && *end == '\0' && seconds > 0 && seconds <= 3600;
    return good ? (int64_t)(seconds * (double)LD_US_SECOND) : 0;
}

static int take_option(int option, const char *value, struct channel_options *options)
{
    switch (option) {
    case 'r':
        options->root = value;
        return -1;
    case 'k':
        options->key_file = value;
        return -1;
    case 's':
        options->smtp = value;
        return -1;
    case 'f':
        options->from = value;
        return -1;
    case 'n':
        options->netrc = value;
        return -1;
    case 'u':
        options->url = value;
        return -1;
    case 'N':
        options->entries_max = strtol(value, NULL, 10);
        return options->entries_max > 0 && options->entries_max <= 1000
                   ? -1
                   : usage_error("--entries: expected 1 to 1000, found ", value);
    case 'x':
        options->exercise = true;
        return -1;
    case 'e':
        options->endpoint = value;
        return -1;
    case 'a':
        options->attempts_max = strtol(value, NULL, 10);
        return options->attempts_max > 0 ? -1 : usage_error("--attempts: no number: ", value);
    case 'p':
        options->pause_us = seconds_of(value);
        return options->pause_us > 0 ? -1 : usage_error("--pause: no seconds: ", value);
    case 'l':
        options->timeout_us = seconds_of(value);
        return options->timeout_us > 0 ? -1 : usage_error("--limit: no seconds: ", value);
    case 'h':
        print_help(stdout);
        return 0;
    default:
        return usage_error("unknown option", "");
    }
}

/* -1: go on; otherwise the exit status. */
static int parse_options(int argc, char **argv, struct channel_options *options)
{
    static const struct option known[] = {
        {"root", required_argument, NULL, 'r'},     {"key", required_argument, NULL, 'k'},
        {"smtp", required_argument, NULL, 's'},     {"from", required_argument, NULL, 'f'},
        {"netrc", required_argument, NULL, 'n'},    {"url", required_argument, NULL, 'u'},
        {"entries", required_argument, NULL, 'N'},  {"exercise", no_argument, NULL, 'x'},
        {"endpoint", required_argument, NULL, 'e'}, {"attempts", required_argument, NULL, 'a'},
        {"pause", required_argument, NULL, 'p'},    {"limit", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    const char *endpoint = getenv("LIANDONG_ENDPOINT");
    *options = (struct channel_options){
        .endpoint = endpoint != NULL && *endpoint != '\0' ? endpoint : "tcp://127.0.0.1:7501",
        .pause_us = LD_US_SECOND,
        .timeout_us = 20 * LD_US_SECOND,
        .attempts_max = 10,
        .entries_max = 100};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        int status = take_option(option, optarg, options);
        if (status >= 0)
            return status;
    }
    if (optind != argc - 1)
        return usage_error("one KIND is expected: files, webhook, mail or atom", "");
    options->kind = argv[optind];
    return -1;
}

int main(int argc, char **argv)
{
    static const struct channel_way *const WAYS[] = {&files_way, &webhook_way, &mail_way,
                                                     &atom_way};
    const struct channel_way *way = NULL;
    struct channel_options options;
    struct ld_error error = {0};
    int status = parse_options(argc, argv, &options);
    if (status >= 0)
        return status;
    for (size_t i = 0; i < sizeof WAYS / sizeof WAYS[0]; i++) {
        if (strcmp(WAYS[i]->kind, options.kind) == 0)
            way = WAYS[i];
    }
    if (way == NULL)
        return usage_error("expected files, webhook, mail or atom, found ", options.kind);
    if (options.exercise && way->take == NULL)
        return usage_error("--exercise is for atom; the others go by the contacts", "");
    if (way->prepare(&options, &error) != LD_OK)
        return usage_error(error.text, "");
    return channel_run(&options, way) ? 0 : 1;
}
