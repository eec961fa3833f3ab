/*
 * files: a notice as a CAP file, <root>/<address>/<identifier>.xml. Written beside and renamed,
 * file and folder synced: who reads the folder sees whole files only. The same identifier is the
 * same message: a repeat writes the same bytes.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "channel.h"
#include "place.h"

static int prepare(const struct channel_options *options, struct ld_error *error)
{
    return options->root != NULL
               ? LD_OK
               : ld_fail(error, LD_INVALID, "--root FOLDER is missing: where the files go");
}

static void bring(const struct channel_options *options, const Liandong__V1__Delivery *delivery,
                  bool exercise, struct outcome *outcome)
{
    const char *address = delivery->contact->address;
    char folder[PATH_MAX], name[256];
    struct ld_error error = {0};
    (void)exercise; /* the message says so */
    if (!place_is_name(address) || !place_is_name(delivery->identifier)) {
        outcome_set(outcome, OUTCOME_REFUSED,
                    "expected a folder's plain name as the address, found \"%s\"", address);
        return;
    }
    snprintf(name, sizeof name, "%s.xml", delivery->identifier);
    int size = snprintf(folder, sizeof folder, "%s/%s", options->root, address);
    int code = size < 0 || (size_t)size >= sizeof folder
                   ? ld_fail(&error, LD_INVALID, "the path is too long")
                   : place_file(ld_context_system(), folder, name, delivery->notice->cap, &error);
    if (code == LD_OK)
        outcome_set(outcome, OUTCOME_DELIVERED, "written");
    else
        outcome_set(outcome, OUTCOME_FAILED, "%s", error.text);
}

const struct channel_way files_way = {.kind = "files", .prepare = prepare, .bring = bring};
