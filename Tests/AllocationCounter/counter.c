// Counts, per thread, the allocations of more than 64 KiB. To be preloaded into a test process:
//     cc -O2 -shared -fPIC -o counter.so Tests/AllocationCounter/counter.c
//     LD_PRELOAD=$PWD/counter.so swift test -c release --filter AllocationTests
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

// The C library's own functions, under the names that survive being replaced (glibc).
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static __thread long large_allocations;

/// Allocations of more than 64 KiB that the calling thread has made.
long emend_large_allocations(void) { return large_allocations; }

static void note(size_t size) {
    if (size > 65536) large_allocations++;
}

void *malloc(size_t size) {
    note(size);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    size_t total;
    if (!__builtin_mul_overflow(count, size, &total)) note(total);
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    note(size);
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    note(size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    void *found = memalign(alignment, size);
    if (!found) return ENOMEM;
    *memory = found;
    return 0;
}
