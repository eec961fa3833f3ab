/*
 * The read model (docs/read-model.md): what the log says is going on, as tables in one SQLite file.
 *
 * Happy path: projection_open, projection_bind once the log is known, then for every record of the
 * log in order projection_take and now and then projection_commit. What is held is a function of
 * the records up to the position and of nothing else; the position is committed with it.
 *
 * One thread at a time. Readers open the file themselves, read-only (clients/cli/model.c does).
 */
#ifndef PROJECTION_H
#define PROJECTION_H

#include <liandong/record.h>

struct projection;
struct sqlite3;

/* Opens the file to write, makes it if it is missing. rebuild: empties it first, whatever log or
 * version it was of, also when it is damaged. LD_LOCKED (another process writes it), LD_INVALID (it
 * is no read model; never touched), LD_VERSION, LD_CORRUPT, LD_NOSPACE, LD_IO. */
int projection_open(const char *path, bool rebuild, struct projection **out,
                    struct ld_error *error) LD_MUST_USE;
/* The same tables in memory, for a program that reads the bus itself. */
int projection_open_memory(struct projection **out, struct ld_error *error) LD_MUST_USE;
/* What was not committed is forgotten. NULL is legal. */
void projection_close(struct projection *projection);

/* The log that records will come from. LD_REFUSED: the file is of another log, or of events that
 * this one does not have. */
int projection_bind(struct projection *projection, const uint8_t log_id[16], uint64_t head,
                    struct ld_error *error) LD_MUST_USE;

/* The record must follow the one before. What makes no message is counted as read and holds
 * nothing. LD_OK, LD_INVALID (out of order), or as projection_commit: then close it. */
int projection_take(struct projection *projection, const struct ld_record *record,
                    struct ld_error *error) LD_MUST_USE;
/* Makes what was taken visible, all at once. LD_NOSPACE, LD_BUSY, LD_CORRUPT, LD_IO: then nothing
 * of it is there, and the file is to be closed. */
int projection_commit(struct projection *projection, struct ld_error *error) LD_MUST_USE;

uint64_t projection_position(const struct projection *projection); /* last record taken */
size_t projection_pending(const struct projection *projection);    /* taken, not committed */
/* Borrowed, to be asked; what was not committed can be seen in it. */
struct sqlite3 *projection_database(const struct projection *projection);

#endif
