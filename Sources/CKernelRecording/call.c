#include "call.h"
#include "each.h"

#include <stdlib.h>
#include <string.h>

// ---- counts -------------------------------------------------------------------------------------

/// Floats from the first to the last of `rows` that are `stride` apart and `columns` long.
static ptrdiff_t strided(ptrdiff_t rows, ptrdiff_t stride, ptrdiff_t columns) {
    return rows > 0 && columns > 0 ? (rows - 1) * stride + columns : 0;
}

static ptrdiff_t input_row(const ck_window *w) { return w->in_width * w->channels; }
static ptrdiff_t output_row(const ck_window *w) { return w->out_width * w->channels; }
static ptrdiff_t patch(const ck_window *w) { return w->kernel * w->kernel * w->channels; }
static ptrdiff_t source_row(const ck_resize *r) { return r->in_width * r->channels; }
static ptrdiff_t resized_row(const ck_resize *r) { return r->out_width * r->channels; }

/// The input rows that these output rows read, with those between them.
static ck_extent rows_read(const ck_window *w, ptrdiff_t row_begin, ptrdiff_t row_end) {
    ptrdiff_t first = 0, end = 0;
    for (ptrdiff_t row = row_begin; row < row_end; row++)
        for (ptrdiff_t ky = 0; ky < w->kernel; ky++) {
            ptrdiff_t iy = row % w->out_height * w->stride + ky * w->dilation - w->padding;
            if (iy < 0 || iy >= w->in_height) continue;
            ptrdiff_t at = row / w->out_height * w->in_height + iy;
            if (end == 0 || at < first) first = at;
            if (at >= end) end = at + 1;
        }
    return (ck_extent){first, end - first};
}

/// The output rows that read these input rows, with those between them.
static ck_extent rows_reading(const ck_window *w, ptrdiff_t row_begin, ptrdiff_t row_end) {
    ptrdiff_t first = 0, end = 0;
    for (ptrdiff_t row = row_begin; row < row_end; row++)
        for (ptrdiff_t ky = 0; ky < w->kernel; ky++) {
            ptrdiff_t sy = row % w->in_height + w->padding - ky * w->dilation;
            if (sy < 0 || sy % w->stride != 0 || sy / w->stride >= w->out_height) continue;
            ptrdiff_t at = row / w->in_height * w->out_height + sy / w->stride;
            if (end == 0 || at < first) first = at;
            if (at >= end) end = at + 1;
        }
    return (ck_extent){first, end - first};
}

// ---- the packed form ------------------------------------------------------------------------------

/// Packs b or bᵀ into memory of its exact size with a mark behind it; the caller frees it.
static float *packed_by(void (*pack)(float *, const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t),
                        const float *b, ptrdiff_t stride, const ck_product *p) {
    enum { MARK = 16 };
    ptrdiff_t count = ck_packed_count(p->columns, p->depth);
    float *packed = calloc((size_t)(count + MARK), sizeof(float));
    if (!packed) abort();
    pack(packed, b, stride, p->columns, p->depth);
    for (int i = 0; i < MARK; i++)
        if (packed[count + i] != 0) abort();
    return packed;
}

/// c (+)= a · b by all three functions that know the packed form; returns whether b and bᵀ have the
/// same one.
static int packed_product(const ck_table *table, float *c, const float *a, const float *b,
                          const ck_product *p) {
    float *transposed = malloc(sizeof(float) * (size_t)(p->columns * p->depth + 1));
    if (!transposed) abort();
    for (ptrdiff_t k = 0; k < p->depth; k++)
        for (ptrdiff_t j = 0; j < p->columns; j++)
            transposed[j * p->depth + k] = b[k * p->b_stride + j];
    float *packed = packed_by(table->pack, b, p->b_stride, p);
    float *other = packed_by(table->pack_transposed, transposed, p->depth, p);
    size_t size = sizeof(float) * (size_t)ck_packed_count(p->columns, p->depth);
    int equal = memcmp(packed, other, size) == 0;
    table->multiply(c, a, packed, p);
    free(transposed), free(packed), free(other);
    return equal;
}

// ---- what entries.h says, as functions and tables -----------------------------------------------

#define CK_TAKE(type, name) \
    type name;              \
    memcpy(&name, word++, sizeof name);
#define CK_TAKE_OUT(type, name, count) CK_TAKE(type *, name)
#define CK_TAKE_OUT_AT(type, name, first, count) CK_TAKE(type *, name)
#define CK_TAKE_MAYBE_OUT(type, name, count) CK_TAKE(type *, name)
#define CK_TAKE_IN(type, name, count) CK_TAKE(const type *, name)
#define CK_TAKE_IN_AT(type, name, first, count) CK_TAKE(const type *, name)
#define CK_TAKE_MAYBE_IN(type, name, count) CK_TAKE(const type *, name)
#define CK_TAKE_SHAPE(type, name) CK_TAKE(const type *, name)
#define CK_TAKE_VALUE(type, name) CK_TAKE(type, name)

#define CK_MEASURE(name, first, count) \
    (void)name;                        \
    *extent++ = (ck_extent){first, count};
#define CK_MEASURE_OUT(type, name, count) CK_MEASURE(name, 0, count)
#define CK_MEASURE_OUT_AT(type, name, first, count) CK_MEASURE(name, first, count)
#define CK_MEASURE_MAYBE_OUT(type, name, count) CK_MEASURE(name, 0, count)
#define CK_MEASURE_IN(type, name, count) CK_MEASURE(name, 0, count)
#define CK_MEASURE_IN_AT(type, name, first, count) CK_MEASURE(name, first, count)
#define CK_MEASURE_MAYBE_IN(type, name, count) CK_MEASURE(name, 0, count)
#define CK_MEASURE_SHAPE(type, name) CK_MEASURE(name, 0, 1)
#define CK_MEASURE_VALUE(type, name) CK_MEASURE(name, 0, 0)

#define CK_NAME_OUT(type, name, count) , name
#define CK_NAME_OUT_AT(type, name, first, count) , name
#define CK_NAME_MAYBE_OUT(type, name, count) , name
#define CK_NAME_IN(type, name, count) , name
#define CK_NAME_IN_AT(type, name, first, count) , name
#define CK_NAME_MAYBE_IN(type, name, count) , name
#define CK_NAME_SHAPE(type, name) , name
#define CK_NAME_VALUE(type, name) , name

#define CK_ELEMENT_float CK_FLOAT
#define CK_ELEMENT_double CK_DOUBLE
#define CK_ELEMENT_uint8_t CK_BYTE
#define CK_DESCRIBE(role, presence, element, type, name) \
    {role, presence, element, sizeof(type), #type, #name},
#define CK_DESCRIBE_OUT(type, name, count) \
    CK_DESCRIBE(CK_OUTPUT, CK_REQUIRED, CK_ELEMENT_##type, type, name)
#define CK_DESCRIBE_OUT_AT(type, name, first, count) CK_DESCRIBE_OUT(type, name, count)
#define CK_DESCRIBE_MAYBE_OUT(type, name, count) \
    CK_DESCRIBE(CK_OUTPUT, CK_OPTIONAL, CK_ELEMENT_##type, type, name)
#define CK_DESCRIBE_IN(type, name, count) \
    CK_DESCRIBE(CK_INPUT, CK_REQUIRED, CK_ELEMENT_##type, type, name)
#define CK_DESCRIBE_IN_AT(type, name, first, count) CK_DESCRIBE_IN(type, name, count)
#define CK_DESCRIBE_MAYBE_IN(type, name, count) \
    CK_DESCRIBE(CK_INPUT, CK_OPTIONAL, CK_ELEMENT_##type, type, name)
#define CK_DESCRIBE_SHAPE(type, name) CK_DESCRIBE(CK_SHAPE, CK_REQUIRED, CK_STRUCTURE, type, name)
#define CK_DESCRIBE_VALUE(type, name) CK_DESCRIBE(CK_VALUE, CK_REQUIRED, CK_STRUCTURE, type, name)

#define CK_RETURN_void(call) \
    call;                    \
    return 0
#define CK_RETURN_int(call) return (uint64_t)(call)
#define CK_RETURN_ptrdiff_t(call) return (uint64_t)(call)

#define CK_DEFINE(returns, entry, function, ...)                                        \
    static void measure_##entry(ck_extent *extent, const uint64_t *word) {              \
        CK_EACH(CK_TAKE_, __VA_ARGS__)                                                  \
        CK_EACH(CK_MEASURE_, __VA_ARGS__)                                               \
    }                                                                                   \
    static uint64_t call_##entry(const ck_table *table, const uint64_t *word) {         \
        (void)table;                                                                    \
        CK_EACH(CK_TAKE_, __VA_ARGS__)                                                  \
        CK_RETURN_##returns(function(CK_LIST(_ CK_EACH(CK_NAME_, __VA_ARGS__))));       \
    }                                                                                   \
    static const ck_parameter parameters_##entry[] = {CK_EACH(CK_DESCRIBE_, __VA_ARGS__)}; \
    _Static_assert(sizeof parameters_##entry <= CK_ARGUMENT_LIMIT * sizeof(ck_parameter), "");

#define CK_ENTRY(returns, name, ...) CK_DEFINE(returns, name, table->name, __VA_ARGS__)
#define CK_PACKED_PRODUCT(...) packed_product(table, __VA_ARGS__)
#define CK_PRODUCT(returns, name, ...) CK_DEFINE(returns, name, CK_PACKED_PRODUCT, __VA_ARGS__)
#define CK_FUNCTION(returns, name, ...) CK_DEFINE(returns, name, name, __VA_ARGS__)
#include "entries.h"
#undef CK_FUNCTION
#undef CK_PRODUCT
#undef CK_ENTRY

const ck_entry ck_entries[] = {
#define CK_ENTRY(returns, name, ...)                                                \
    {#name, parameters_##name, sizeof parameters_##name / sizeof(ck_parameter),      \
     measure_##name, call_##name},
#define CK_PRODUCT CK_ENTRY
#define CK_FUNCTION CK_ENTRY
#include "entries.h"
#undef CK_FUNCTION
#undef CK_PRODUCT
#undef CK_ENTRY
};

// The pointers of ck_table: its name, one for each entry, and three behind CK_PRODUCT.
enum {
    TABLE_POINTERS = 1
#define CK_ENTRY(returns, name, ...) +1
#define CK_PRODUCT(returns, name, ...) +3
#define CK_FUNCTION(returns, name, ...)
#include "entries.h"
#undef CK_FUNCTION
#undef CK_PRODUCT
#undef CK_ENTRY
};
_Static_assert(sizeof(ck_table) == TABLE_POINTERS * sizeof(void *),
               "an entry of ck_table is missing in entries.h");

// ---- hashes ---------------------------------------------------------------------------------------

uint64_t ck_hash(uint64_t hash, uint64_t word) {
    // The finisher of SplitMix64 (Steele, Lea and Flood 2014).
    uint64_t z = hash * 0x9e3779b97f4a7c15 + word + 1;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static uint64_t word_of_element(ck_element element, const char *at) {
    uint64_t word = 0;
    switch (element) {
    case CK_FLOAT: {
        float value;
        memcpy(&value, at, sizeof value);
        if (value != value) return UINT64_MAX;
        memcpy(&word, at, sizeof value);
        return word;
    }
    case CK_DOUBLE: {
        double value;
        memcpy(&value, at, sizeof value);
        if (value != value) return UINT64_MAX;
        memcpy(&word, at, sizeof value);
        return word;
    }
    case CK_BYTE: return *(const unsigned char *)at;
    case CK_STRUCTURE: abort();  // No output is one.
    }
}

uint64_t ck_hash_outputs(const ck_entry *entry, const uint64_t *arguments, uint64_t returned) {
    ck_extent extents[CK_ARGUMENT_LIMIT];
    entry->measure(extents, arguments);
    uint64_t hash = ck_hash(0, returned);
    for (ptrdiff_t i = 0; i < entry->parameter_count; i++) {
        const ck_parameter *p = &entry->parameters[i];
        if (p->role != CK_OUTPUT || !arguments[i]) continue;
        const char *begin = (const char *)arguments[i] + extents[i].first * (ptrdiff_t)p->size;
        for (ptrdiff_t e = 0; e < extents[i].count; e++)
            hash = ck_hash(hash, word_of_element(p->element, begin + e * (ptrdiff_t)p->size));
    }
    return hash;
}
