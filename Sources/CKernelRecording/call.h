// A call of a kernel as data: its arguments are words, and a description says what they mean.
#ifndef EMEND_CKERNEL_RECORDING_CALL_H
#define EMEND_CKERNEL_RECORDING_CALL_H

#include <CKernels.h>

enum { CK_ARGUMENT_LIMIT = 16 };

typedef enum { CK_VALUE, CK_SHAPE, CK_INPUT, CK_OUTPUT } ck_role;
typedef enum { CK_FLOAT, CK_DOUBLE, CK_BYTE, CK_STRUCTURE } ck_element;
typedef enum { CK_REQUIRED, CK_OPTIONAL } ck_presence;

/// A parameter; `type` is that of its value, or of the elements it points at.
typedef struct {
    ck_role role;
    ck_presence presence;
    ck_element element;  ///< of memory
    size_t size;         ///< of an element, in bytes
    const char *type, *name;
} ck_parameter;

/// Elements behind a pointer that a call may touch: `count` from `first` on.
typedef struct {
    ptrdiff_t first, count;
} ck_extent;

/// An entry of the table. An argument is a word that begins with the value's bytes, or the pointer.
typedef struct {
    const char *name;
    const ck_parameter *parameters;
    ptrdiff_t parameter_count;
    /// The extent of each argument; 0 for values. Values and shapes must be there, memory need not.
    void (*measure)(ck_extent *extents, const uint64_t *arguments);
    /// Calls the kernel; the word is what it returns, else 0.
    uint64_t (*call)(const ck_table *table, const uint64_t *arguments);
} ck_entry;

/// The places in `ck_entries`, CK_ENTRY_add and so on, and their number.
typedef enum {
#define CK_ENTRY(returns, name, ...) CK_ENTRY_##name,
#define CK_PRODUCT CK_ENTRY
#define CK_FUNCTION CK_ENTRY
#include "entries.h"
#undef CK_FUNCTION
#undef CK_PRODUCT
#undef CK_ENTRY
    CK_ENTRY_COUNT
} ck_entry_index;

extern const ck_entry ck_entries[CK_ENTRY_COUNT];

/// Goes on from `hash` with a word; a hash begins at 0.
uint64_t ck_hash(uint64_t hash, uint64_t word);
/// The hash of what a call returned and wrote; all NaN are one.
uint64_t ck_hash_outputs(const ck_entry *entry, const uint64_t *arguments, uint64_t returned);

#endif
