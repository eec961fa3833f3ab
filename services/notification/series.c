/* Series: the notices about one response or warning, of which each refers to all before it. */
#include "notification.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct series *series_add(struct sv_core *core, char *key)
{
    struct series *series = calloc(1, sizeof *series);
    if (series == NULL || key == NULL) {
        abort();
    }
    series->key = key;
    HASH_ADD_KEYPTR(hh, core->series, series->key, strlen(series->key), series);
    return series;
}

void series_all_free(struct sv_core *core)
{
    struct series *series, *next;
    HASH_ITER(hh, core->series, series, next)
    {
        HASH_DEL(core->series, series);
        free(series->key);
        free(series->sent);
        free(series->about);
        free(series);
    }
}

struct series *series_of(struct sv_core *core, const char *area, const char *incident,
                         bool of_warning)
{
    char key[512];
    snprintf(key, sizeof key, "%s %s%s", area, incident, of_warning ? " warning" : "");
    struct series *series = NULL;
    HASH_FIND_STR(core->series, key, series);
    if (series == NULL) {
        series = series_add(core, strdup(key));
        series->of_warning = of_warning;
    }
    return series;
}

void series_about(struct series *series, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *grown = realloc(series->about, size + 1);
    if (grown == NULL) {
        abort();
    }
    series->about = grown;
    series->about_size = protobuf_c_message_pack(message, grown);
}

void series_note(struct series *series, struct sent sent)
{
    struct sent *grown = realloc(series->sent, (series->count + 1) * sizeof *grown);
    if (grown == NULL) {
        abort();
    }
    series->sent = grown;
    series->sent[series->count++] = sent;
    series->to = sent.to; /* those before among them */
}

/* The notice of the end counts too. */
void series_end(struct series *series)
{
    series->ended += series->count + 1;
    series->count = 0;
    series->to = 0;
}

static void visit_sent(struct series *series, struct sv_codec *codec)
{
    size_t sent_count = series->count;
    sv_code_count(codec, &sent_count);
    for (size_t i = 0; i < sent_count && !sv_codec_failed(codec); i++) {
        struct sent sent = sv_codec_loading(codec) ? (struct sent){0} : series->sent[i];
        uint64_t to = sent.to;
        sv_code_i64(codec, &sent.at_us);
        sv_code_u64(codec, &to);
        sent.to = (unsigned)to;
        if (sv_codec_loading(codec)) {
            series_note(series, sent);
        }
    }
}

void series_all_visit(struct sv_core *core, struct sv_codec *codec)
{
    size_t series_count = HASH_COUNT(core->series);
    sv_code_count(codec, &series_count);
    struct series *series = core->series;
    for (size_t i = 0; i < series_count && !sv_codec_failed(codec); i++) {
        char *key = sv_codec_loading(codec) ? NULL : series->key;
        sv_code_string(codec, &key);
        if (sv_codec_loading(codec)) {
            if (key == NULL) {
                return;
            }
            series = series_add(core, key);
        }
        sv_code_u64(codec, &series->ended);
        sv_code_bool(codec, &series->of_warning);
        sv_code_bytes(codec, &series->about, &series->about_size);
        visit_sent(series, codec);
        series = series->hh.next;
    }
}
