// A table whose entries have themselves written down before they are made.
//
// File: "CKCALLS1"; then of each call: int64 entry, int64 blocks; for each argument its word and, int64,
// the block it points into (then the word is the offset from its start, in bytes) or −1; for each block
// its size, uint64, and its bytes before the call; the hash of what the call wrote. Little-endian. Blocks
// are what the call may touch; memory that overlaps is one block, so that a call in place stays one.
#include "call.h"
#include "each.h"
#include "include/CKernelRecording.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// An entry of a table has no argument that could say which recording it belongs to.
static struct {
    FILE *file;
    const ck_table *kernels;
    ptrdiff_t calls;
    int error;
    pthread_mutex_t lock;
} recording = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void write_bytes(const void *bytes, size_t size) {
    if (size > 0 && fwrite(bytes, size, 1, recording.file) != 1 && recording.error == 0)
        recording.error = errno;
}

static void write_word(uint64_t word) { write_bytes(&word, sizeof word); }

// ---- blocks ---------------------------------------------------------------------------------------

typedef struct {
    uintptr_t begin, end;
} Block;

typedef struct {
    Block block[CK_ARGUMENT_LIMIT];
    ptrdiff_t count;
} Blocks;

/// Adds memory, taking in every block that shares bytes with it.
static void add_block(Blocks *blocks, Block added) {
    ptrdiff_t kept = 0;
    for (ptrdiff_t i = 0; i < blocks->count; i++) {
        Block b = blocks->block[i];
        if (b.begin >= added.end || added.begin >= b.end) {
            blocks->block[kept++] = b;
            continue;
        }
        if (b.begin < added.begin) added.begin = b.begin;
        if (b.end > added.end) added.end = b.end;
    }
    blocks->block[kept++] = added;
    blocks->count = kept;
}

static Block memory_of(const ck_parameter *parameter, uint64_t argument, ck_extent extent) {
    ptrdiff_t size = (ptrdiff_t)parameter->size;
    uintptr_t begin = (uintptr_t)argument + (uintptr_t)(extent.first * size);
    return (Block){begin, begin + (uintptr_t)(extent.count * size)};
}

static int is_memory(const ck_parameter *parameter, uint64_t argument) {
    return parameter->role != CK_VALUE && argument != 0;
}

static ptrdiff_t block_around(const Blocks *blocks, Block memory) {
    for (ptrdiff_t i = 0; i < blocks->count; i++)
        if (blocks->block[i].begin <= memory.begin && memory.end <= blocks->block[i].end) return i;
    abort();  // Each was added.
}

// ---- calls ----------------------------------------------------------------------------------------

static void write_call(ck_entry_index index, const uint64_t *arguments) {
    const ck_entry *entry = &ck_entries[index];
    ck_extent extents[CK_ARGUMENT_LIMIT];
    entry->measure(extents, arguments);
    Blocks blocks = {.count = 0};
    for (ptrdiff_t i = 0; i < entry->parameter_count; i++)
        if (is_memory(&entry->parameters[i], arguments[i]))
            add_block(&blocks, memory_of(&entry->parameters[i], arguments[i], extents[i]));
    write_word((uint64_t)index);
    write_word((uint64_t)blocks.count);
    for (ptrdiff_t i = 0; i < entry->parameter_count; i++) {
        if (!is_memory(&entry->parameters[i], arguments[i])) {
            write_word(arguments[i]);
            write_word((uint64_t)-1);
            continue;
        }
        ptrdiff_t at =
            block_around(&blocks, memory_of(&entry->parameters[i], arguments[i], extents[i]));
        write_word(arguments[i] - blocks.block[at].begin);
        write_word((uint64_t)at);
    }
    for (ptrdiff_t i = 0; i < blocks.count; i++) {
        size_t size = blocks.block[i].end - blocks.block[i].begin;
        write_word(size);
        write_bytes((const void *)blocks.block[i].begin, size);
    }
}

/// Leaves out what a product fetches ahead, which lies in the memory of this process.
static void forget_ahead(ck_entry_index index, uint64_t *arguments, ck_product *product) {
    if (index != CK_ENTRY_multiply && index != CK_ENTRY_multiply_transposed) return;
    *product = *(const ck_product *)arguments[3];
    product->ahead = (ck_ahead){0};
    arguments[3] = (uint64_t)product;
}

/// Writes the call down and makes it.
static uint64_t recorded(ck_entry_index index, uint64_t *arguments) {
    ck_product product;
    forget_ahead(index, arguments, &product);
    pthread_mutex_lock(&recording.lock);
    write_call(index, arguments);
    uint64_t returned = ck_entries[index].call(recording.kernels, arguments);
    write_word(ck_hash_outputs(&ck_entries[index], arguments, returned));
    recording.calls++;
    pthread_mutex_unlock(&recording.lock);
    return returned;
}

#define CK_DECLARE_OUT(type, name, count) , type *name
#define CK_DECLARE_OUT_AT(type, name, first, count) , type *name
#define CK_DECLARE_MAYBE_OUT(type, name, count) , type *name
#define CK_DECLARE_IN(type, name, count) , const type *name
#define CK_DECLARE_IN_AT(type, name, first, count) , const type *name
#define CK_DECLARE_MAYBE_IN(type, name, count) , const type *name
#define CK_DECLARE_SHAPE(type, name) , const type *name
#define CK_DECLARE_VALUE(type, name) , type name

#define CK_GIVE(name) memcpy(word++, &name, sizeof name);
#define CK_GIVE_OUT(type, name, count) CK_GIVE(name)
#define CK_GIVE_OUT_AT(type, name, first, count) CK_GIVE(name)
#define CK_GIVE_MAYBE_OUT(type, name, count) CK_GIVE(name)
#define CK_GIVE_IN(type, name, count) CK_GIVE(name)
#define CK_GIVE_IN_AT(type, name, first, count) CK_GIVE(name)
#define CK_GIVE_MAYBE_IN(type, name, count) CK_GIVE(name)
#define CK_GIVE_SHAPE(type, name) CK_GIVE(name)
#define CK_GIVE_VALUE(type, name) CK_GIVE(name)

#define CK_ENTRY(returns, name, ...)                                           \
    static returns name(CK_LIST(_ CK_EACH(CK_DECLARE_, __VA_ARGS__))) {        \
        uint64_t arguments[CK_ARGUMENT_LIMIT] = {0}, *word = arguments;        \
        CK_EACH(CK_GIVE_, __VA_ARGS__)                                         \
        return (returns)recorded(CK_ENTRY_##name, arguments);                  \
    }
#define CK_PRODUCT(returns, name, ...)
#define CK_FUNCTION(returns, name, ...)
#include "entries.h"
#undef CK_ENTRY

// ---- products -------------------------------------------------------------------------------------
// The packed form is each table's own. Here it is b itself, in panels of CK_PANEL columns, so that a
// recording does not depend on the level that made it.

static void pack(float *packed, const float *b, ptrdiff_t b_stride, ptrdiff_t columns,
                 ptrdiff_t depth) {
    for (ptrdiff_t j = 0; j < columns; j++)
        for (ptrdiff_t k = 0; k < depth; k++)
            packed[j / CK_PANEL * CK_PANEL * depth + k * CK_PANEL + j % CK_PANEL] =
                b[k * b_stride + j];
}

static void pack_transposed(float *packed, const float *b, ptrdiff_t b_stride, ptrdiff_t columns,
                            ptrdiff_t depth) {
    for (ptrdiff_t j = 0; j < columns; j++)
        for (ptrdiff_t k = 0; k < depth; k++)
            packed[j / CK_PANEL * CK_PANEL * depth + k * CK_PANEL + j % CK_PANEL] =
                b[j * b_stride + k];
}

static void multiply(float *c, const float *a, const float *packed, const ck_product *product) {
    ptrdiff_t columns = product->columns, depth = product->depth;
    float *b = malloc(sizeof(float) * (size_t)(columns * depth + 1));
    if (!b) abort();
    for (ptrdiff_t k = 0; k < depth; k++)
        for (ptrdiff_t j = 0; j < columns; j++)
            b[k * columns + j] =
                packed[j / CK_PANEL * CK_PANEL * depth + k * CK_PANEL + j % CK_PANEL];
    ck_product dense = *product;
    dense.b_stride = columns;
    uint64_t arguments[] = {(uint64_t)c, (uint64_t)a, (uint64_t)b, (uint64_t)&dense};
    recorded(CK_ENTRY_multiply, arguments);
    free(b);
}

static const ck_table recorder = {
    .name = "recorder", .pack = pack, .pack_transposed = pack_transposed, .multiply = multiply,
#define CK_ENTRY(returns, name, ...) .name = name,
#include "entries.h"
};

// ---- a recording ----------------------------------------------------------------------------------

const ck_table *ck_recording_begin(const char *path, const ck_table *kernels) {
    if (recording.file) abort();
    recording.file = fopen(path, "wb");
    if (!recording.file) return NULL;
    recording.kernels = kernels, recording.calls = 0, recording.error = 0;
    write_bytes("CKCALLS1", 8);
    return &recorder;
}

ptrdiff_t ck_recording_end(void) {
    if (fclose(recording.file) != 0 && recording.error == 0) recording.error = errno;
    recording.file = NULL;
    errno = recording.error;
    return recording.error ? -1 : recording.calls;
}
