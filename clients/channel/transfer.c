/*
 * One transfer by libcurl, in a thread. Bounded: a connection within a quarter of the time, all of
 * it within the time (a goodbye may take as long again), an answer of at most 16 KiB; no redirects,
 * no other protocols. What does not come through whole — refused, timed out, cut off in the middle
 * — is a failure that may pass.
 */
#include "transfer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t on_answer(char *bytes, size_t one, size_t size, void *data)
{
    struct transfer *transfer = data;
    (void)one;
    if (size > TRANSFER_ANSWER_MAX - transfer->answer_size)
        return 0; /* too long: the transfer fails */
    memcpy(transfer->answer + transfer->answer_size, bytes, size);
    transfer->answer_size += size;
    transfer->answer[transfer->answer_size] = '\0';
    return size;
}

struct transfer *transfer_open(const struct channel_options *options, const char *url,
                               const char *protocols)
{
    struct transfer *transfer = calloc(1, sizeof *transfer);
    long timeout_ms = (long)(options->timeout_us / 1000);
    if (transfer == NULL || (transfer->curl = curl_easy_init()) == NULL)
        abort();
    curl_easy_setopt(transfer->curl, CURLOPT_URL, url);
    curl_easy_setopt(transfer->curl, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(transfer->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(transfer->curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(transfer->curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms / 4 + 1);
    curl_easy_setopt(transfer->curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    /* What libcurl says at the end (SMTP's QUIT) it waits for beyond that, by this limit alone. */
    curl_easy_setopt(transfer->curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, timeout_ms / 1000 + 1);
    curl_easy_setopt(transfer->curl, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(transfer->curl, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(transfer->curl, CURLOPT_WRITEDATA, transfer);
    return transfer;
}

void transfer_header(struct transfer *transfer, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);
    if (longer == NULL)
        abort();
    transfer->headers = longer;
}

bool transfer_run(struct transfer *transfer, struct outcome *outcome)
{
    curl_easy_setopt(transfer->curl, CURLOPT_HTTPHEADER, transfer->headers);
    CURLcode code = curl_easy_perform(transfer->curl);
    if (code == CURLE_OK)
        return true;
    bool never = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
    outcome_set(outcome, never ? OUTCOME_REFUSED : OUTCOME_FAILED, "%s",
                *transfer->error != '\0' ? transfer->error : curl_easy_strerror(code));
    return false;
}

void transfer_close(struct transfer *transfer)
{
    curl_slist_free_all(transfer->headers);
    curl_easy_cleanup(transfer->curl);
    free(transfer);
}
