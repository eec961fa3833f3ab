/*
 * Segment files: names, header block, and making a new one (docs/log-format.md, 2 and 3).
 * Private to evlog. All functions may be called from any thread; they keep no state.
 */
#ifndef LD_EVLOG_SEGMENT_H
#define LD_EVLOG_SEGMENT_H

#include "disk.h"
#include "evlog.h"

#define SEGMENT_MAGIC        0x3153444cu /* "LDS1" */
#define SEGMENT_VERSION      1u
#define SEGMENT_FLAG_DRILL   (1u << 0)
#define SEGMENT_HEADER_SIZE  4096u
#define SEGMENT_CHECKED_SIZE 512u /* bytes of the header block under its checksum */
#define SEGMENT_BYTES_MIN    UINT64_C(65536)
#define SEGMENT_BYTES_MAX    (UINT64_C(1) << 32)
#define SEGMENT_NAME_SIZE    32u
#define SEGMENT_PATH_SIZE    4096u

struct segment_header {
    uint64_t number;     /* 1, 2, 3, … as in the file's name */
    uint64_t base;       /* sequence of the first record; 0: prepared, not in use yet */
    uint64_t size_bytes; /* of the file, header included */
    uint8_t id[EVLOG_ID_SIZE];
    bool drill;
};

void segment_header_encode(uint8_t block[SEGMENT_HEADER_SIZE], const struct segment_header *header);
/* LD_OK, LD_CORRUPT or LD_VERSION; reads the first SEGMENT_CHECKED_SIZE bytes. */
int segment_header_decode(const uint8_t *block, struct segment_header *header,
                          struct ld_error *error) LD_MUST_USE;

/* The same, LD_CORRUPT also if it is another segment's or not in use. */
int segment_header_in_use(const uint8_t *block, uint64_t number, struct segment_header *header,
                          struct ld_error *error) LD_MUST_USE;
/* That of a file; also LD_NOTFOUND, LD_IO. */
int segment_read_header(const struct ld_context *context, const char *directory, uint64_t number,
                        struct segment_header *header, struct ld_error *error) LD_MUST_USE;

/* "0000000000000001.ldlog" and the path in directory. */
void segment_name(char name[SEGMENT_NAME_SIZE], uint64_t number);
void segment_path(char path[SEGMENT_PATH_SIZE], const char *directory, uint64_t number);
/* The number that a file name stands for, 0 if it is not a segment's. */
uint64_t segment_number_of(const char *name);
bool segment_is_temporary(const char *name);

/* Asked between chunks while a segment is being made; true gives up (LD_CANCELLED). */
typedef bool segment_stop_fn(void *data);

/* How the body of a new segment becomes zeros. */
enum segment_body {
    SEGMENT_WRITTEN,  /* by writing: makes each later commit cheaper */
    SEGMENT_ALLOCATED /* by the file system, if it can: moves no byte twice */
};

/* Makes and opens a segment: zeros to its full size, synced, header written, synced, renamed from a
 * temporary name, directory synced. Leaves nothing behind when it fails.
 * LD_NOSPACE, also when less than reserve_bytes would remain free; LD_CANCELLED; LD_IO. */
int segment_make(const struct ld_context *context, const char *directory,
                 const struct segment_header *header, enum segment_body body,
                 uint64_t reserve_bytes, segment_stop_fn *stop, void *data, int *fd,
                 struct ld_error *error) LD_MUST_USE;

/* Overwrites [begin, end) with zeros; not synced. */
int segment_zero(const struct ld_context *context, int fd, uint64_t begin, uint64_t end,
                 struct ld_error *error) LD_MUST_USE;

/* LD_OK if a segment of size_bytes would leave reserve_bytes free, LD_NOSPACE, LD_IO. */
int segment_space(const struct ld_context *context, const char *directory, uint64_t size_bytes,
                  uint64_t reserve_bytes, struct ld_error *error) LD_MUST_USE;

/* Syncs the directory above directory: makes its name durable. */
int segment_sync_parent(const struct ld_context *context, const char *directory,
                        struct ld_error *error) LD_MUST_USE;

#endif
