/* What the ways over the network share: one transfer by libcurl, bounded in time and size. */
#ifndef CHANNEL_TRANSFER_H
#define CHANNEL_TRANSFER_H

#include <curl/curl.h>

#include "channel.h"

enum { TRANSFER_ANSWER_MAX = 16384 };
struct transfer {
    CURL *curl;
    struct curl_slist *headers;
    char answer[TRANSFER_ANSWER_MAX + 1]; /* what the other side said, zero-terminated */
    size_t answer_size;
    char error[CURL_ERROR_SIZE];
};
/* A transfer to the URL by these protocols only ("http,https"), without redirects; NULL: no memory
 * or no URL. */
struct transfer *transfer_open(const struct channel_options *options, const char *url,
                               const char *protocols);
void transfer_header(struct transfer *transfer, const char *format, ...) LD_PRINTF(2, 3);
/* Runs it. False: it did not come through; outcome says why (FAILED). */
bool transfer_run(struct transfer *transfer, struct outcome *outcome);
void transfer_close(struct transfer *transfer);

#endif
