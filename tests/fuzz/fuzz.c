#include "fuzz.h"

#include <liandong/record.h>
#include <stdio.h>
#include "bytes.h"

enum {
    RECORD_SIZE_MIN = 64,
    AT_PAYLOAD_CRC = 8,
    AT_SIZE = 12,
    AT_PAYLOAD_SIZE = 16,
    AT_TOPIC = 20
};

_Noreturn void fuzz_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

uint64_t fuzz_number(struct fuzz_input *input, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes && input->left > 0; i++, input->left--)
        number |= (uint64_t)*input->data++ << (8 * i);
    return number;
}

const uint8_t *fuzz_bytes(struct fuzz_input *input, size_t *size)
{
    *size = (size_t)fuzz_number(input, 2);
    if (*size > input->left)
        *size = input->left;
    const uint8_t *bytes = input->data;
    input->data += *size;
    input->left -= *size;
    return bytes;
}

uint8_t *fuzz_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

void fuzz_fix_records(uint8_t *bytes, size_t size)
{
    for (size_t at = 0; size - at >= RECORD_SIZE_MIN;) {
        uint8_t *raw = bytes + at;
        size_t record_size = ld_get_u32(raw + AT_SIZE);
        size_t content_size =
            (size_t)ld_get_u32(raw + AT_PAYLOAD_SIZE) + ld_get_u16(raw + AT_TOPIC);
        if (record_size < RECORD_SIZE_MIN || record_size > size - at)
            return;
        if (content_size <= record_size - RECORD_SIZE_MIN)
            ld_put_u32(raw + AT_PAYLOAD_CRC, ld_crc32c(0, raw + RECORD_SIZE_MIN, content_size));
        ld_put_u32(raw + 4, ld_crc32c(0, raw + 8, RECORD_SIZE_MIN - 8));
        at += record_size;
    }
}

char *fuzz_source(const char *path, size_t *size)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", LIANDONG_SOURCE_DIR, path);
    FILE *file = fopen(full, "rb");
    long length = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0)
        length = ftell(file);
    char *text = length >= 0 ? malloc((size_t)length + 1) : NULL;
    if (text == NULL || fseek(file, 0, SEEK_SET) != 0 ||
        fread(text, 1, (size_t)length, file) != (size_t)length)
        fuzz_failed(full, 1, "a file to begin with");
    fclose(file);
    text[length] = '\0';
    *size = (size_t)length;
    return text;
}
