/*
 * webhook: a notice as JSON by HTTP POST, signed. Idempotency-Key is the delivery's id: who has it
 * already answers 2xx again and does nothing. X-Liandong-Signature is the HMAC-SHA256, under the
 * key, of X-Liandong-Timestamp, a full stop and the body, in hex after "sha256=".
 *
 * 2xx is delivered; {"acknowledged": true} in the answer acknowledges too. 408, 425, 429, 5xx and
 * whatever does not come through whole may pass; anything else is final.
 */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timefmt.h"
#include "transfer.h"

enum { KEY_MIN_BYTES = 32, KEY_MAX_BYTES = 1024 };

static unsigned char key[KEY_MAX_BYTES]; /* read once, before there are threads */
static size_t key_size;

static int prepare(const struct channel_options *options, struct ld_error *error)
{
    if (options->key_file == NULL)
        return ld_fail(error, LD_INVALID, "--key FILE is missing: what signs the requests");
    FILE *file = fopen(options->key_file, "rb");
    key_size = file == NULL ? 0 : fread(key, 1, sizeof key, file);
    if (file != NULL)
        fclose(file);
    while (key_size > 0 && (key[key_size - 1] == '\n' || key[key_size - 1] == '\r'))
        key_size--;
    if (key_size < KEY_MIN_BYTES)
        return ld_fail(error, LD_INVALID, "%s: expected a key of %d bytes or more, found %zu",
                       options->key_file, KEY_MIN_BYTES, key_size);
    return sodium_init() >= 0 && curl_global_init(CURL_GLOBAL_DEFAULT) == 0
               ? LD_OK
               : ld_fail(error, LD_NOMEM, "libsodium or libcurl cannot begin");
}

/* "KIND_UPDATE" and the like: the word that the bus has for it. */
static const char *word(const ProtobufCEnumDescriptor *descriptor, int value)
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);
    return found != NULL ? found->name : "";
}

static json_t *text_json(const Liandong__V1__Text *text)
{
    return json_pack("{s:s,s:s}", "zh", text->zh, "en", text->en);
}

static char *body_of(const Liandong__V1__Delivery *delivery, bool exercise)
{
    const Liandong__V1__Notice *notice = delivery->notice;
    char sent[LD_TIME_TEXT_SIZE], by[LD_TIME_TEXT_SIZE] = "";
    ld_time_format(sent, notice->sent_at_us, LD_CHINA_OFFSET_MINUTES);
    if (delivery->acknowledge_by_us != 0)
        ld_time_format(by, delivery->acknowledge_by_us, LD_CHINA_OFFSET_MINUTES);
    json_t *json =
        json_pack("{s:s,s:s,s:s,s:s,s:b,s:s,s:s,s:s,s:i,s:o,s:o,s:o,s:s,s:s,s:s}", "delivery",
                  delivery->id, "identifier", delivery->identifier, "audience", delivery->audience,
                  "contact", delivery->contact->name, "exercise", exercise, "kind",
                  word(&liandong__v1__notice__kind__descriptor, (int)notice->kind), "level",
                  word(&liandong__v1__level__descriptor, (int)notice->level), "why",
                  word(&liandong__v1__delivery__why__descriptor, (int)delivery->why), "round",
                  (int)delivery->round, "headline", text_json(notice->headline), "body",
                  text_json(notice->body), "signer", text_json(notice->signer), "sent", sent,
                  "acknowledge_by", by, "cap", notice->cap);
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static void sign(struct transfer *transfer, const char *body)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char hex[2 * sizeof mac + 1], stamp[32];
    crypto_auth_hmacsha256_state state;
    snprintf(stamp, sizeof stamp, "%lld",
             (long long)(ld_wall_us(ld_context_system()) / LD_US_SECOND));
    crypto_auth_hmacsha256_init(&state, key, key_size);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)stamp, strlen(stamp));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)".", 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body, strlen(body));
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2hex(hex, sizeof hex, mac, sizeof mac);
    transfer_header(transfer, "X-Liandong-Timestamp: %s", stamp);
    transfer_header(transfer, "X-Liandong-Signature: sha256=%s", hex);
}

static bool may_pass(long status)
{
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

static void judge(const struct transfer *transfer, struct outcome *outcome)
{
    long status = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    bool good = status >= 200 && status < 300;
    outcome_set(outcome,
                good               ? OUTCOME_DELIVERED
                : may_pass(status) ? OUTCOME_FAILED
                                   : OUTCOME_REFUSED,
                "HTTP %ld", status);
    json_t *answer = good ? json_loadb(transfer->answer, transfer->answer_size, 0, NULL) : NULL;
    outcome->acknowledged = json_is_true(json_object_get(answer, "acknowledged"));
    json_decref(answer);
}

static void bring(const struct channel_options *options, const Liandong__V1__Delivery *delivery,
                  bool exercise, struct outcome *outcome)
{
    char *body = body_of(delivery, exercise);
    if (body == NULL) {
        outcome_set(outcome, OUTCOME_REFUSED, "the notice is no UTF-8");
        return;
    }
    struct transfer *transfer = transfer_open(options, delivery->contact->address, "http,https");
    curl_easy_setopt(transfer->curl, CURLOPT_POSTFIELDS, body);
    transfer_header(transfer, "Content-Type: application/json");
    transfer_header(transfer, "Idempotency-Key: %s", delivery->id);
    transfer_header(transfer, "Expect:"); /* no pause before the body */
    sign(transfer, body);
    if (transfer_run(transfer, outcome))
        judge(transfer, outcome);
    transfer_close(transfer);
    free(body);
}

const struct channel_way webhook_way = {.kind = "webhook", .prepare = prepare, .bring = bring};
