/*
 * CAP 1.2 messages (OASIS Common Alerting Protocol 1.2), read from outside bytes and checked.
 * docs/notices.md says what is checked. Nothing is fetched, no entity is ever expanded.
 */
#ifndef LD_CAP_H
#define LD_CAP_H

#include "arena.h"
#include "buffer.h"

#define CAP_NAMESPACE "urn:oasis:names:tc:emergency:cap:1.2"
enum {
    CAP_BYTES_MAX = 1 << 20,
    CAP_DEPTH_MAX = 16,
    CAP_ELEMENTS_MAX = 20000,
    CAP_FINDINGS_MAX = 200
};

struct cap; /* a message that is well-formed XML */

/* Copies what it needs. LD_OK; LD_TOOBIG (more than one of the bounds above); LD_INVALID (not
 * well-formed, or with a DOCTYPE), with the line. *out is NULL unless LD_OK. */
int cap_read(const void *bytes, size_t size, struct cap **out, struct ld_error *error) LD_MUST_USE;
void cap_free(struct cap *cap); /* NULL is legal */

/* ---- checking ---- */

enum cap_weight {
    CAP_SCHEMA, /* the XML schema of the standard forbids it */
    CAP_RULE,   /* the standard forbids it in words */
    CAP_ADVICE  /* allowed, but known to mislead or to be dropped on the way */
};
struct cap_finding {
    int line;
    enum cap_weight weight;
    const char *element; /* where: "alert", "info/expires" */
    const char *zh, *en; /* one line: what was expected, what was found, what to do */
};
struct cap_findings { /* zero-initialise; freed by cap_findings_free */
    struct cap_finding *all;
    size_t count;
    size_t of_weight[CAP_ADVICE + 1]; /* those beyond CAP_FINDINGS_MAX counted too */
    struct ld_arena arena;
};
/* Adds what is to be said about the message, in order of lines within schema and rules. */
void cap_check(const struct cap *cap, struct cap_findings *findings);
void cap_findings_free(struct cap_findings *findings);

/* ---- what a message says ---- */

/* The text of an element of the alert ("identifier"), "" where there is none. Borrowed. */
const char *cap_text(const struct cap *cap, const char *name);
size_t cap_info_count(const struct cap *cap);
const char *cap_info_text(const struct cap *cap, size_t info, const char *name);
/* The value that goes with valueName in an info's eventCode or parameter, or in a geocode of its
 * areas; "" where there is none. ordinal: the how-manieth of them, from 0. */
const char *cap_info_value(const struct cap *cap, size_t info, const char *kind,
                           const char *value_name, size_t ordinal);
/* The ordinal-th value of that kind (not geocode), whatever its name; "" where there is none. */
const char *cap_info_any(const struct cap *cap, size_t info, const char *kind, size_t ordinal);
/* The areaDesc of an info's areas, the ordinal-th; "" where there is none. */
const char *cap_info_area(const struct cap *cap, size_t info, size_t ordinal);

/* ---- answering ---- */

struct cap_answer {
    const char *sender, *identifier; /* without blank, comma, < and & */
    int64_t sent_at_us;
    bool refused;     /* Error; else Ack */
    const char *note; /* what became of it; with Error: why */
};
/* Appends an Ack or Error about a message that is good, private to its sender. */
void cap_reply(const struct cap *about, const struct cap_answer *answer, struct ld_buffer *xml);

/* ---- an Atom feed of messages (RFC 4287) ---- */

struct cap_entry { /* in the order of the message: texts of all its languages, joined */
    const char *identifier, *sent, *type, *status, *title, *summary, *author;
};
/* What an entry says of a message that is good; copied into the arena. */
void cap_entry_of(const struct cap *cap, struct ld_arena *arena, struct cap_entry *entry);

struct cap_feed {
    const char *folder_url; /* where feed.atom and <identifier>.xml are read; ends in a slash */
    const char *host;       /* that of the address: part of each entry's tag: id */
    const char *updated;    /* CAP's form of a time */
    bool exercise;          /* all entries are of exercises; the title says so */
    size_t left_out;        /* in force, but beyond the bound */
    const struct cap_entry *const *entries;
    size_t count;
};
/* Appends the feed as XML: the same bytes for the same feed. */
void cap_feed(const struct cap_feed *feed, struct ld_buffer *text);

#endif
