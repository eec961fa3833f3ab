/*
 * What the fuzz targets share. A target defines LLVMFuzzerTestOneInput: bytes from outside go into
 * one of our parsers, and fuzz_check says what must hold whatever they are. Under libFuzzer
 * (tests/fuzz/run) the bytes are searched for; in every other build replay.c feeds the corpus.
 */
#ifndef LIANDONG_FUZZ_H
#define LIANDONG_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

__attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold; libFuzzer keeps the input when it does not. */
#define fuzz_check(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fuzz_failed(__FILE__, __LINE__, #condition);                                           \
    } while (0)
_Noreturn void fuzz_failed(const char *file, int line, const char *condition);

/* ---- structured inputs: read piece by piece; nothing left reads as zeros ---- */

struct fuzz_input {
    const uint8_t *data;
    size_t left;
};
uint64_t fuzz_number(struct fuzz_input *input, size_t bytes); /* little-endian, 1 to 8 bytes */
/* A length of 2 bytes, and so many bytes (or what is left). */
const uint8_t *fuzz_bytes(struct fuzz_input *input, size_t *size);

/* A copy without a byte behind it, so that reading further is found. malloc'ed. */
uint8_t *fuzz_copy(const uint8_t *data, size_t size);

/* Gives records end to end their right checksums, as far as their sizes let them be found. */
void fuzz_fix_records(uint8_t *bytes, size_t size);

/* A file of the source tree, with a zero behind it; aborts if it is not there. malloc'ed. */
char *fuzz_source(const char *path, size_t *size);

#endif
