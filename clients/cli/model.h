/*
 * The read model as the commands ask it (docs/read-model.md): the file that liandong-projection
 * keeps, or the same tables made here from the bus. The answers are the same, as the same program
 * text makes the tables and asks them.
 *
 * Rows are JSON objects: a member for each column of the question, numbers and texts as they are in
 * the tables, NULL left out.
 */
#ifndef CLI_MODEL_H
#define CLI_MODEL_H

#include <liandong.h>

#include "cli.h"

struct model;

/* Where the answers come from and how old they are. */
struct model_about {
    const char *path;  /* of the file; NULL: from the bus */
    uint64_t position; /* the last event held */
    int64_t time_us;   /* its time; ages are counted from here */
};

/* What is asked for; NULL, 0 and false: any. Also bound in the questions, by these names. */
struct model_filter {
    const char *unit, *group, *incident, *area; /* area: and all below it */
    const char *item;
    const char *state; /* as in the tables */
    int level;
    bool any_level, open, overdue; /* any_level: level says nothing */
};

/* ---- model.c: the one file here that knows SQLite ---- */

/* An existing file, to read. LD_NOTFOUND, LD_INVALID (no read model), LD_VERSION, LD_CORRUPT,
 * LD_IO. log_id: it must be of this log (LD_REFUSED); NULL: of any. */
int model_open_file(const char *path, const uint8_t *log_id, struct model **out,
                    struct ld_error *error) LD_MUST_USE;
/* One in memory, for the records that follow. */
int model_open_empty(struct model **out, struct ld_error *error) LD_MUST_USE;
int model_take(struct model *model, const struct ld_record *record,
               struct ld_error *error) LD_MUST_USE;
void model_close(struct model *model); /* NULL is legal */

/* Where it is just now; a file moves on until model_hold. */
int model_look(struct model *model, struct model_about *about, struct ld_error *error) LD_MUST_USE;
/* From now on every question is about the same moment. */
int model_hold(struct model *model, struct ld_error *error) LD_MUST_USE;
/* The rows, as an array; the caller's. NULL with the error if it fails. */
json_t *model_ask(struct model *model, const char *question, const struct model_filter *filter,
                  struct ld_error *error);

/* ---- model_source.c: which one ---- */

struct model_source {
    const char *db;            /* the file to ask; NULL: the one beside the log, or the bus */
    const char *log;           /* a log folder to read instead; NULL: none */
    const char *const *topics; /* what is needed of the bus; none: everything */
    size_t topic_count;
};
/* From the bus: client and status (the router's) are set, else both are NULL; the caller's. The
 * model is held. */
struct model_found {
    struct model *model;
    struct model_about about;
    struct ld_client *client;
    json_t *status;
    char path[4096];
};
int model_find(const struct cli *cli, const struct model_source *source, struct model_found *found,
               struct ld_error *error) LD_MUST_USE;
void model_found_free(struct model_found *found);

/* ---- model_row.c: rows ---- */

const char *model_text(const json_t *row, const char *name); /* "" if it is not there */
int64_t model_number(const json_t *row, const char *name);   /* 0 likewise */
/* A row for people's programs, as the events' JSON is: "a.b" becomes a member of an object, "x?" a
 * boolean, "x!" a level's name, "x_us" an ISO time; empty texts and times are left out. New. */
json_t *model_public(const json_t *row);

#endif
