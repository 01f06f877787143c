#include "guarded.h"
#include "program.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MARKED = 64, MARK = 0xa5 };

static void map(guarded *memory, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (size + page - 1) / page * page;
    if (memory->base) munmap(memory->base, (size_t)(memory->page - memory->base) + page);
    memory->base = mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                        -1, 0);
    if (memory->base == MAP_FAILED) fail(71, "%zu bytes cannot be mapped", bytes + page);
    memory->page = memory->base + bytes;
    if (mprotect(memory->page, page, PROT_NONE) != 0) fail(71, "a page cannot be protected");
}

char *guarded_place(guarded *memory, size_t size, size_t gap) {
    size_t needed = MARKED + size + gap;
    if (!memory->base || (size_t)(memory->page - memory->base) < needed) map(memory, 2 * needed);
    memory->end = memory->page - gap;
    memory->begin = memory->end - size;
    memset(memory->begin - MARKED, MARK, MARKED);
    memset(memory->end, MARK, gap);
    return memory->begin;
}

static int is_marked(const char *begin, const char *end) {
    for (; begin < end; begin++)
        if (*(const unsigned char *)begin != MARK) return 0;
    return 1;
}

int guarded_is_intact(const guarded *memory) {
    return is_marked(memory->begin - MARKED, memory->begin) &&
           is_marked(memory->end, memory->page);
}
