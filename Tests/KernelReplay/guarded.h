// Memory that shows when a kernel leaves it: an inaccessible page stands behind, marks before, and
// between the memory and the page where it does not end there.
#ifndef EMEND_KERNEL_REPLAY_GUARDED_H
#define EMEND_KERNEL_REPLAY_GUARDED_H

#include <stddef.h>

/// All 0: none yet.
typedef struct {
    char *base, *page;
    char *begin, *end;
} guarded;

/// Makes the memory `size` bytes long, its end `gap` bytes before the page; contents are undefined.
char *guarded_place(guarded *memory, size_t size, size_t gap);
/// Whether the marks are as `guarded_place` left them.
int guarded_is_intact(const guarded *memory);

#endif
