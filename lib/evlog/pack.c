/*
 * Compressing and decompressing segments in pieces, through the context's files.
 *
 * Happy path: read a piece, give it to zstd, write what comes out; at the end sync, rename, sync
 * the directory. Failures leave no file under the final name that was not there before.
 */
#include "pack.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

enum { PIECE_BYTES = 256 << 10, LEVEL = 3 };

void pack_path(char path[SEGMENT_PATH_SIZE], const char *archive, uint64_t number)
{
    char name[SEGMENT_NAME_SIZE];
    segment_name(name, number);
    int size = snprintf(path, SEGMENT_PATH_SIZE, "%s/%s.zst", archive, name);
    assert(size > 0 && (size_t)size < SEGMENT_PATH_SIZE);
    (void)size;
}

/* ---- packing ---- */

struct packing {
    const struct ld_context *context;
    int from, to;
    uint64_t written;
    ZSTD_CCtx *stream;
    uint8_t *input, *output;
};

static int pack_piece(struct packing *packing, size_t size, bool last, struct ld_error *error)
{
    ZSTD_inBuffer in = {packing->input, size, 0};
    ZSTD_EndDirective directive = last ? ZSTD_e_end : ZSTD_e_continue;
    for (;;) {
        ZSTD_outBuffer out = {packing->output, PIECE_BYTES, 0};
        size_t left = ZSTD_compressStream2(packing->stream, &out, &in, directive);
        if (ZSTD_isError(left))
            return ld_fail(error, LD_NOMEM, "cannot compress: %s", ZSTD_getErrorName(left));
        int code = disk_write(packing->context, packing->to, packing->written, packing->output,
                              out.pos, error);
        if (code != LD_OK)
            return code;
        packing->written += out.pos;
        if (last ? left == 0 : in.pos == in.size)
            return LD_OK;
    }
}

static int pack_all(struct packing *packing, uint64_t end, struct ld_error *error)
{
    int code = LD_OK;
    for (uint64_t offset = 0; offset < end && code == LD_OK;) {
        size_t size = end - offset < PIECE_BYTES ? (size_t)(end - offset) : PIECE_BYTES, size_read;
        code = disk_read(packing->context, packing->from, offset, packing->input, size, &size_read,
                         error);
        if (code == LD_OK && size_read < size)
            code = ld_fail(error, LD_CORRUPT, "the segment ends at offset %" PRIu64,
                           offset + size_read);
        offset += size;
        if (code == LD_OK)
            code = pack_piece(packing, size, offset == end, error);
    }
    return code == LD_OK ? disk_sync(packing->context, packing->to, error) : code;
}

static int pack_files(struct packing *packing, const char *from, const char *to, uint64_t end,
                      struct ld_error *error)
{
    const struct ld_context *context = packing->context;
    int code = disk_open(context, from, LD_OPEN_READ, &packing->from, error);
    if (code != LD_OK)
        return code;
    (void)disk_remove(context, to, NULL); /* of an attempt that was cut off */
    code = disk_open(context, to, LD_OPEN_CREATE, &packing->to, error);
    if (code == LD_OK) {
        code = pack_all(packing, end, error);
        disk_close(context, packing->to);
    }
    disk_close(context, packing->from);
    return code;
}

static bool packing_begin(struct packing *packing, const struct ld_context *context)
{
    *packing = (struct packing){.context = context,
                                .stream = ZSTD_createCCtx(),
                                .input = malloc(PIECE_BYTES),
                                .output = malloc(PIECE_BYTES)};
    return packing->stream && packing->input && packing->output &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(packing->stream, ZSTD_c_checksumFlag, 1)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(packing->stream, ZSTD_c_compressionLevel, LEVEL));
}

int pack_segment(const struct ld_context *context, const char *directory, uint64_t number,
                 uint64_t end, const char *archive, uint64_t *packed_bytes, struct ld_error *error)
{
    struct packing packing;
    char from[SEGMENT_PATH_SIZE], to[SEGMENT_PATH_SIZE], temporary[SEGMENT_PATH_SIZE + 4];
    segment_path(from, directory, number);
    pack_path(to, archive, number);
    snprintf(temporary, sizeof temporary, "%s.tmp", to);
    int code = LD_OK;
    if (!packing_begin(&packing, context))
        code = ld_fail(error, LD_NOMEM, "no memory to compress a segment");
    if (code == LD_OK)
        code = pack_files(&packing, from, temporary, end, error);
    if (code == LD_OK)
        code = disk_rename(context, temporary, to, error);
    if (code == LD_OK)
        code = disk_sync_directory(context, archive, error);
    *packed_bytes = packing.written;
    ZSTD_freeCCtx(packing.stream);
    free(packing.input);
    free(packing.output);
    return code;
}

/* ---- unpacking ---- */

int unpack_open(struct unpacker *unpacker, const struct ld_context *context, const char *archive,
                uint64_t number, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    *unpacker = (struct unpacker){.context = context, .fd = -1};
    pack_path(path, archive, number);
    unpacker->stream = ZSTD_createDCtx();
    unpacker->input = malloc(PIECE_BYTES);
    int code = LD_OK;
    if (!unpacker->stream || !unpacker->input)
        code = ld_fail(error, LD_NOMEM, "no memory to decompress a segment");
    if (code == LD_OK)
        code = disk_open(context, path, LD_OPEN_READ, &unpacker->fd, error);
    if (code != LD_OK)
        unpack_close(unpacker);
    return code;
}

static int fill(struct unpacker *unpacker, struct ld_error *error)
{
    unpacker->at = 0;
    int code = disk_read(unpacker->context, unpacker->fd, unpacker->offset, unpacker->input,
                         PIECE_BYTES, &unpacker->fill, error);
    if (code == LD_OK && unpacker->fill == 0)
        return ld_fail(error, LD_CORRUPT, "the compressed segment ends too early");
    unpacker->offset += unpacker->fill;
    return code;
}

int unpack_read(struct unpacker *unpacker, uint8_t *data, size_t size, size_t *size_read,
                struct ld_error *error)
{
    ZSTD_outBuffer out = {data, size, 0};
    int code = LD_OK;
    while (code == LD_OK && out.pos < size && !unpacker->ended) {
        ZSTD_inBuffer in = {unpacker->input, unpacker->fill, unpacker->at};
        size_t left = ZSTD_decompressStream(unpacker->stream, &out, &in);
        unpacker->at = in.pos;
        if (ZSTD_isError(left))
            return ld_fail(error, LD_CORRUPT, "the compressed segment is damaged: %s",
                           ZSTD_getErrorName(left));
        unpacker->ended = left == 0;
        if (!unpacker->ended && in.pos == in.size && out.pos < size)
            code = fill(unpacker, error);
    }
    *size_read = out.pos;
    return code;
}

void unpack_close(struct unpacker *unpacker)
{
    disk_close(unpacker->context, unpacker->fd);
    ZSTD_freeDCtx(unpacker->stream);
    free(unpacker->input);
}
