/*
 * A small file system of its own that really gets full: a tmpfs, mounted where only this test and
 * its children see it. Needs root or user namespaces; without either the test fails and says so.
 */
#ifndef TESTS_FAULT_DISK_H
#define TESTS_FAULT_DISK_H

#include <stdint.h>

void disk_mount(const char *folder, uint64_t size_bytes); /* makes the folder */
void disk_unmount(const char *folder);
/* Fills it with one file but for so many bytes; once more takes what has become free. */
void disk_fill(const char *folder, uint64_t leave_bytes);
void disk_empty(const char *folder); /* removes that file */
uint64_t disk_free_bytes(const char *folder);

#endif
