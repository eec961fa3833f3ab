/*
 * The outbox's file (docs/outbox.md): SQLite, in blocking calls. One handle is used by one thread
 * at a time; libliandong calls it from libuv's workers, one job after the other.
 */
#ifndef LIANDONG_OUTBOX_FILE_H
#define LIANDONG_OUTBOX_FILE_H

#include <liandong.h>

struct outbox_file;

/* One event on its way into the file or out of it. */
struct outbox_item {
    struct outbox_item *next;
    uint64_t sequence;
    int64_t put_us;
    ld_published_fn *kept;
    void *data;
    uint32_t size;
    uint8_t record[];
};
struct outbox_item *outbox_item_new(size_t size); /* NULL: out of memory */
void outbox_item_free_all(struct outbox_item *list);

/* One event that was refused for good. */
struct outbox_refusal {
    struct outbox_refusal *next;
    uint64_t sequence;
    int code;
    char reason[256];
};

/* The file's one row of facts, and counts. */
struct outbox_head {
    char producer[128];
    bool bound;
    uint8_t log_id[16];
    uint64_t given;    /* highest sequence that an event ever got */
    uint64_t answered; /* highest sequence that the log is known to have */
    uint64_t waiting, refused, bytes;
    int64_t oldest_us;
};

enum outbox_access {
    OUTBOX_READ,   /* what is there, also beside a program that has it open */
    OUTBOX_AMEND,  /* the only one; must exist */
    OUTBOX_PUBLISH /* the only one; made when absent, for identity */
};
/* identity is used by OUTBOX_PUBLISH only. Checks the whole file unless OUTBOX_READ. */
int outbox_file_open(const char *path, enum outbox_access access, const char *identity,
                     struct outbox_file **out, struct ld_error *error) LD_MUST_USE;
void outbox_file_close(struct outbox_file *file); /* NULL is legal */
int outbox_file_head(struct outbox_file *file, struct outbox_head *head,
                     struct ld_error *error) LD_MUST_USE;

/* One transaction. Synced before it returns if anything was put or refused; what only went is
 * synced with the next: it would be published again and found a duplicate. */
struct outbox_write {
    const struct outbox_item *puts;
    const struct outbox_refusal *refusals;
    uint64_t settled_from, settled_to; /* behind from, up to to: those not refused are deleted */
    uint64_t given, answered;
};
int outbox_file_write(struct outbox_file *file, const struct outbox_write *write,
                      struct ld_error *error) LD_MUST_USE;

/* The next waiting events behind after, about bytes of them and at least one; *end: no more are
 * there. Damaged ones come as refusals. */
int outbox_file_read(struct outbox_file *file, uint64_t after, size_t bytes,
                     struct outbox_item **items, struct outbox_refusal **refusals, bool *end,
                     struct ld_error *error) LD_MUST_USE;
/* When the first waiting event behind after was put; 0: there is none. */
int64_t outbox_file_oldest(struct outbox_file *file, uint64_t after);

/* PRODUCER_OK from a router: what its log is, and what it has of the outbox's producer. */
struct outbox_meeting {
    uint8_t log_id[16];
    uint64_t last;
    uint64_t exposed; /* highest sequence that may ever have been sent from this file */
};
enum outbox_contact {
    OUTBOX_GO_ON,     /* as expected; bound to the log if it was to none */
    OUTBOX_OTHER_LOG, /* bound to another: nothing was changed */
    OUTBOX_OLD_COPY   /* the log has an event from it that the file does not know: what may be in
                       * the log was set aside, the producer has a new name now */
};
/* head: as it is afterwards. */
int outbox_file_contact(struct outbox_file *file, const struct outbox_meeting *meeting,
                        enum outbox_contact *contact, struct outbox_head *head,
                        struct ld_error *error) LD_MUST_USE;

/* ---- what operators do ---- */
int outbox_file_each(struct outbox_file *file, ld_outbox_item_fn *each, void *data,
                     struct ld_error *error) LD_MUST_USE;
int outbox_file_amend(struct outbox_file *file, enum ld_outbox_amendment what, uint64_t sequence,
                      size_t *count, struct ld_error *error) LD_MUST_USE;

/* ---- between outbox_file.c (the file) and outbox_rows.c (its rows) ---- */

struct sqlite3;
struct sqlite3_stmt;
enum { OUTBOX_STATEMENTS = 24 };
struct outbox_file {
    struct sqlite3 *db;
    struct sqlite3_stmt *statements[OUTBOX_STATEMENTS]; /* prepared on first use */
    int lock;                                           /* descriptor, -1: none */
    bool lazy;                                          /* commits are not synced at present */
    char *path;
};
/* The code and the text for what SQLite has just answered. */
int outbox_fail(const struct outbox_file *file, const char *what, struct ld_error *error);
int outbox_execute(struct outbox_file *file, const char *sql, const char *what,
                   struct ld_error *error) LD_MUST_USE;
void outbox_new_name(const char *identity, size_t identity_size, char name[128]);
void outbox_finish_statements(struct outbox_file *file);

#endif
