/*
 * sql: what files kept with SQLite have in common: results as codes of ours, failures in words that
 * name the file, what was tried, and the system's reason.
 */
#ifndef LD_SQL_H
#define LD_SQL_H

#include <liandong/error.h>
#include <sqlite3.h>
#include <stdint.h>

struct sql_file { /* all borrowed */
    sqlite3 *db;
    const char *kind, *path; /* "outbox", where it is: for messages */
};

/* The last failure on the database, as "<kind> <path>: cannot <what>: …": LD_NOSPACE (which passes
 * when there is room again; a failed sync is LD_IO), LD_BUSY, LD_NOMEM, LD_CORRUPT, LD_INVALID (no
 * database), else LD_IO. */
int sql_fail(struct sql_file file, const char *what, struct ld_error *error);
/* Statements without results. */
int sql_execute(struct sql_file file, const char *sql, const char *what,
                struct ld_error *error) LD_MUST_USE;
/* A question with one number for an answer. */
int sql_ask_number(struct sql_file file, const char *sql, int64_t *number,
                   struct ld_error *error) LD_MUST_USE;

#endif
