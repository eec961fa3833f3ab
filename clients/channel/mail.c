/*
 * mail: a notice as an e-mail, handed to an SMTP server: text in both languages, and the CAP
 * message attached. Message-ID is made of the delivery's id, by which mailboxes tell a second copy.
 *
 * The server taking it is SENT. Its 5xx answers are final, all else may pass.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buffer.h"
#include "timefmt.h"
#include "transfer.h"

/* One @ between texts of printable ASCII that cannot end a header or an address. */
static bool is_address(const char *text)
{
    const char *at = strchr(text, '@');
    if (at == NULL || at == text || at[1] == '\0' || strchr(at + 1, '@') != NULL)
        return false;
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text >= 0x7f || strchr("<>(),;:\\\"[]", *text) != NULL)
            return false;
    }
    return true;
}

static int prepare(const struct channel_options *options, struct ld_error *error)
{
    if (options->smtp == NULL ||
        (strncmp(options->smtp, "smtp://", 7) != 0 && strncmp(options->smtp, "smtps://", 8) != 0))
        return ld_fail(error, LD_INVALID, "--smtp URL is missing: smtp://HOST[:PORT] or smtps://…");
    if (options->from == NULL || !is_address(options->from))
        return ld_fail(error, LD_INVALID, "--from ADDRESS is missing: who sends the mail");
    return curl_global_init(CURL_GLOBAL_DEFAULT) == 0
               ? LD_OK
               : ld_fail(error, LD_NOMEM, "libcurl cannot begin");
}

/* A header's text in UTF-8 as encoded words (RFC 2047), each of at most 45 bytes, cut between
 * characters. */
static void encode(struct ld_buffer *to, const char *text)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t left = strlen(text), size; left > 0; text += size, left -= size) {
        size = left < 45 ? left : 45;
        while (size < left && ((unsigned char)text[size] & 0xc0) == 0x80)
            size--;
        ld_buffer_text(to, to->size == 0 ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        for (size_t i = 0; i < size; i += 3) {
            unsigned char three[3] = {0};
            size_t count = size - i < 3 ? size - i : 3;
            memcpy(three, text + i, count);
            char four[5] = {DIGITS[three[0] >> 2], DIGITS[(three[0] & 3) << 4 | three[1] >> 4],
                            count > 1 ? DIGITS[(three[1] & 15) << 2 | three[2] >> 6] : '=',
                            count > 2 ? DIGITS[three[2] & 63] : '=', '\0'};
            ld_buffer_text(to, four);
        }
        ld_buffer_text(to, "?=");
    }
}

static void write_headers(struct transfer *transfer, const struct channel_options *options,
                          const Liandong__V1__Delivery *delivery, bool exercise)
{
    const Liandong__V1__Notice *notice = delivery->notice;
    struct ld_buffer subject = {0};
    char date[64];
    time_t now = (time_t)(ld_wall_us(ld_context_system()) / LD_US_SECOND);
    struct tm utc;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", gmtime_r(&now, &utc));
    encode(&subject, notice->headline->zh);
    transfer_header(transfer, "Date: %s", date);
    transfer_header(transfer, "From: <%s>", options->from);
    transfer_header(transfer, "To: <%s>", delivery->contact->address);
    transfer_header(transfer, "Subject: %s", ld_buffer_string(&subject));
    transfer_header(transfer, "Message-ID: <%s@liandong>", delivery->id);
    transfer_header(transfer, "Auto-Submitted: auto-generated");
    if (exercise)
        transfer_header(transfer, "X-Liandong-Exercise: true");
    ld_buffer_free(&subject);
}

static void write_text(struct ld_buffer *text, const Liandong__V1__Delivery *delivery)
{
    const Liandong__V1__Notice *notice = delivery->notice;
    char by[LD_TIME_TEXT_SIZE];
    ld_buffer_format(text, "%s\n\n%s\n\n%s\n\n----\n\n%s\n\n%s\n\n%s\n", notice->headline->zh,
                     notice->body->zh, notice->signer->zh, notice->headline->en, notice->body->en,
                     notice->signer->en);
    if (delivery->acknowledge_by_us == 0)
        return;
    ld_time_format(by, delivery->acknowledge_by_us, LD_CHINA_OFFSET_MINUTES);
    ld_buffer_format(text,
                     "\n----\n请于 %s 前签收 / Acknowledge by %s:\n"
                     "liandong notice acknowledge %s --as %s\n",
                     by, by, delivery->identifier, delivery->audience);
}

static void add_part(curl_mime *mime, const char *type, const char *name, const char *text)
{
    curl_mimepart *part = curl_mime_addpart(mime);
    if (part == NULL || curl_mime_data(part, text, CURL_ZERO_TERMINATED) != CURLE_OK)
        abort();
    curl_mime_type(part, type);
    curl_mime_encoder(part, "base64");
    if (name != NULL)
        curl_mime_filename(part, name);
}

static void judge(struct transfer *transfer, struct outcome *outcome)
{
    long status = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    if (outcome->kind == OUTCOME_FAILED && status >= 500 && status < 600)
        outcome->kind = OUTCOME_REFUSED;
}

static void transmit(struct transfer *transfer, const struct channel_options *options,
                     const Liandong__V1__Delivery *delivery, struct outcome *outcome)
{
    struct ld_buffer text = {0};
    struct curl_slist *to = curl_slist_append(NULL, delivery->contact->address);
    curl_mime *mime = curl_mime_init(transfer->curl);
    if (to == NULL || mime == NULL)
        abort();
    write_text(&text, delivery);
    add_part(mime, "text/plain; charset=utf-8", NULL, ld_buffer_string(&text));
    add_part(mime, "application/cap+xml", "notice.xml", delivery->notice->cap);
    curl_easy_setopt(transfer->curl, CURLOPT_MIMEPOST, mime);
    curl_easy_setopt(transfer->curl, CURLOPT_MAIL_FROM, options->from);
    curl_easy_setopt(transfer->curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(transfer->curl, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
    if (options->netrc != NULL) {
        curl_easy_setopt(transfer->curl, CURLOPT_NETRC, (long)CURL_NETRC_REQUIRED);
        curl_easy_setopt(transfer->curl, CURLOPT_NETRC_FILE, options->netrc);
    }
    if (transfer_run(transfer, outcome))
        outcome_set(outcome, OUTCOME_SENT, "taken by the mail server");
    else
        judge(transfer, outcome);
    curl_mime_free(mime);
    curl_slist_free_all(to);
    ld_buffer_free(&text);
}

static void bring(const struct channel_options *options, const Liandong__V1__Delivery *delivery,
                  bool exercise, struct outcome *outcome)
{
    if (!is_address(delivery->contact->address)) {
        outcome_set(outcome, OUTCOME_REFUSED, "expected a mail address, found \"%s\"",
                    delivery->contact->address);
        return;
    }
    struct transfer *transfer = transfer_open(options, options->smtp, "smtp,smtps");
    write_headers(transfer, options, delivery, exercise);
    transmit(transfer, options, delivery, outcome);
    transfer_close(transfer);
}

const struct channel_way mail_way = {.kind = "mail", .prepare = prepare, .bring = bring};
