// Recordings are described in CKernelRecording/recorder.c.
#include "call.h"
#include "guarded.h"
#include "program.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    FILE *file;
    const char *path;
} Recording;

static void read_bytes(Recording *recording, void *bytes, size_t size) {
    if (size > 0 && fread(bytes, size, 1, recording->file) != 1)
        fail(65, "%s ends within a call, at byte %ld", recording->path, ftell(recording->file));
}

static uint64_t read_word(Recording *recording) {
    uint64_t word;
    read_bytes(recording, &word, sizeof word);
    return word;
}

typedef struct {
    ck_entry_index index;
    uint64_t argument[CK_ARGUMENT_LIMIT];
    ptrdiff_t block_of[CK_ARGUMENT_LIMIT], block_count;
} Call;

static Call read_call(Recording *recording) {
    Call call = {.index = (ck_entry_index)read_word(recording)};
    call.block_count = (ptrdiff_t)read_word(recording);
    if (call.index >= CK_ENTRY_COUNT || call.block_count > CK_ARGUMENT_LIMIT)
        fail(65, "%s was made by another build: it holds entry %d", recording->path,
             (int)call.index);
    for (ptrdiff_t i = 0; i < ck_entries[call.index].parameter_count; i++) {
        call.argument[i] = read_word(recording);
        call.block_of[i] = (ptrdiff_t)read_word(recording);
        if (call.block_of[i] >= call.block_count)
            fail(65, "%s: an argument of %s points at block %td of %td", recording->path,
                 ck_entries[call.index].name, call.block_of[i], call.block_count);
    }
    return call;
}

/// Reads what the call's arguments point at, and points them there.
static void read_blocks(Recording *recording, Call *call, guarded *memory) {
    for (ptrdiff_t b = 0; b < call->block_count; b++) {
        size_t size = read_word(recording);
        read_bytes(recording, guarded_place(&memory[b], size, 0), size);
    }
    for (ptrdiff_t i = 0; i < ck_entries[call->index].parameter_count; i++)
        if (call->block_of[i] >= 0)
            call->argument[i] += (uint64_t)memory[call->block_of[i]].begin;
}

static int is_at_end(Recording *recording) {
    int next = fgetc(recording->file);
    if (next != EOF) ungetc(next, recording->file);
    return next == EOF;
}

/// Makes the next call of the recording; returns the hash of what it gave.
static uint64_t repeat_call(Recording *recording, const Call *call, const ck_table *table,
                            const guarded *memory) {
    const ck_entry *entry = &ck_entries[call->index];
    uint64_t found = ck_hash_outputs(entry, call->argument, entry->call(table, call->argument));
    uint64_t expected = read_word(recording);
    for (ptrdiff_t b = 0; b < call->block_count; b++)
        if (!guarded_is_intact(&memory[b]))
            fail(1, "%s of %s writes outside its memory, byte %ld of the recording", entry->name,
                 table->name, ftell(recording->file));
    if (found != expected)
        fail(1, "%s of %s gives %016" PRIx64 ", the recording %016" PRIx64 ", at its byte %ld",
             entry->name, table->name, found, expected, ftell(recording->file));
    return found;
}

void replay(const ck_table *table, const char *path) {
    Recording recording = {fopen(path, "rb"), path};
    if (!recording.file) fail(66, "%s cannot be read: %s", path, strerror(errno));
    char magic[8];
    read_bytes(&recording, magic, sizeof magic);
    if (memcmp(magic, "CKCALLS1", 8) != 0) fail(65, "%s is no recording of kernels", path);
    guarded memory[CK_ARGUMENT_LIMIT] = {0};
    uint64_t hashes[CK_ENTRY_COUNT] = {0};
    ptrdiff_t calls[CK_ENTRY_COUNT] = {0};
    while (!is_at_end(&recording)) {
        Call call = read_call(&recording);
        read_blocks(&recording, &call, memory);
        uint64_t hash = repeat_call(&recording, &call, table, memory);
        hashes[call.index] = ck_hash(hashes[call.index], hash);
        calls[call.index]++;
    }
    fclose(recording.file);
    for (int i = 0; i < CK_ENTRY_COUNT; i++)
        if (calls[i] > 0)
            printf("%s %td calls %016" PRIx64 "\n", ck_entries[i].name, calls[i], hashes[i]);
}
