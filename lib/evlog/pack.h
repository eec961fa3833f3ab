/*
 * Packed segments: NNNNNNNNNNNNNNNN.ldlog.zst, the bytes of a sealed segment up to the end of its
 * last event, compressed by zstd (with zstd's own checksum; `zstd -d` reads it too). Private to
 * evlog; in pieces, so that a segment is never in memory as a whole.
 */
#ifndef LD_EVLOG_PACK_H
#define LD_EVLOG_PACK_H

#include "segment.h"

void pack_path(char path[SEGMENT_PATH_SIZE], const char *archive, uint64_t number);

/* Compresses the first end bytes of a segment into a file of the archive: written under a temporary
 * name, synced, renamed, directory synced. LD_NOMEM, LD_NOSPACE, LD_IO. */
int pack_segment(const struct ld_context *context, const char *directory, uint64_t number,
                 uint64_t end, const char *archive, uint64_t *packed_bytes,
                 struct ld_error *error) LD_MUST_USE;

struct unpacker {
    const struct ld_context *context;
    int fd;
    uint64_t offset; /* in the file, of what is read next */
    void *stream;    /* zstd's */
    uint8_t *input;
    size_t fill, at; /* of input */
    bool ended;      /* zstd has seen the end of the frame, and its checksum was right */
};

/* LD_NOTFOUND, LD_NOMEM, LD_IO. Nothing to close when it fails. */
int unpack_open(struct unpacker *unpacker, const struct ld_context *context, const char *archive,
                uint64_t number, struct ld_error *error) LD_MUST_USE;
/* The next bytes; less than size only at the end. LD_CORRUPT: not what was compressed. */
int unpack_read(struct unpacker *unpacker, uint8_t *data, size_t size, size_t *size_read,
                struct ld_error *error) LD_MUST_USE;
void unpack_close(struct unpacker *unpacker);

#endif
