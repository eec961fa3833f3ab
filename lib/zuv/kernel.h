/* What the kernel knows of a connection and of the process. */
#ifndef LD_ZUV_KERNEL_H
#define LD_ZUV_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that the peer of a connected socket has sent in all (TCP), else at_least and what of them
 * waits to be read. */
uint64_t kernel_received(int descriptor, uint64_t at_least);

/* Bytes of the process's memory that no file stands behind; statm: an open /proc/self/statm. */
size_t kernel_memory(int statm);

#endif
