/* liandong-projection: keeps the read model. Exit status: 0 asked to stop, 1 failed (the reason is
 * on standard error), 2 wrong options. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "follow.h"

struct own_options {
    const char *endpoint, *db;
    bool rebuild;
};

static void print_help(FILE *file)
{
    fputs("Usage: liandong-projection --db FILE [options]\n"
          "Follows the log and keeps what it says is going on as tables in one SQLite file, from\n"
          "which anybody may ask without replaying (docs/read-model.md). Publishes nothing.\n\n"
          "  --db FILE              the file; made if it is missing\n"
          "  --rebuild              empty it first and read the whole log again\n"
          "  --endpoint ENDPOINT    the router: tcp://host:port or ipc:///path\n"
          "                         (default: $LIANDONG_ENDPOINT or tcp://127.0.0.1:7501)\n"
          "  --help                 this text\n\n"
          "$LIANDONG_KEYS is the directory with its key and the router's (liandong keys).\n"
          "Prints \"ready projection from SEQUENCE\" when its stream is open. SIGTERM and SIGINT\n"
          "end it cleanly. Exit status: 0 asked to stop, 1 failed, 2 wrong options.\n",
          file);
}

static int usage_error(const char *what, const char *value)
{
    fprintf(stderr, "liandong-projection: %s%s; --help lists the options\n", what, value);
    return 2;
}

/* -1: go on; otherwise the exit status. */
static int parse_options(int argc, char **argv, struct own_options *options)
{
    static const struct option known[] = {{"db", required_argument, NULL, 'd'},
                                          {"rebuild", no_argument, NULL, 'r'},
                                          {"endpoint", required_argument, NULL, 'e'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *endpoint = getenv("LIANDONG_ENDPOINT");
    *options = (struct own_options){
        .endpoint = endpoint != NULL && *endpoint != '\0' ? endpoint : "tcp://127.0.0.1:7501"};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'd')
            options->db = optarg;
        else if (option == 'r')
            options->rebuild = true;
        else if (option == 'e')
            options->endpoint = optarg;
        else if (option == 'h') {
            print_help(stdout);
            return 0;
        } else
            return usage_error("unknown option", "");
    }
    if (optind < argc)
        return usage_error("unexpected argument: ", argv[optind]);
    return options->db != NULL ? -1 : usage_error("--db FILE is missing: where to keep it", "");
}

int main(int argc, char **argv)
{
    struct own_options options;
    struct projection *projection = NULL;
    struct ld_error error = {0};
    int status = parse_options(argc, argv, &options);
    if (status >= 0)
        return status;
    if (projection_open(options.db, options.rebuild, &projection, &error) != LD_OK) {
        fprintf(stderr, "projection: %s\n", error.text);
        return 1;
    }
    bool stopped = follow(options.endpoint, projection);
    projection_close(projection);
    return stopped ? 0 : 1;
}
