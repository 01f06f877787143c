// Twins of the products of bfloat16: rounding, order of the words, and what vdpbf16ps does with a word
// and tdpbf16ps with sixteen.
#include "twins.h"
#include "../tables.h"

#pragma clang fp contract(off)

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/// Subnormal numbers become zeros of their sign, in operands and results (Intel, Software Developer's
/// Manual, VDPBF16PS and VCVTNE2PS2BF16), as if MXCSR did not exist.
static float flushed(float x) {
    return bits_of(x) & 0x7f800000 ? x : float_of(bits_of(x) & 0x80000000);
}

/// To nearest, ties to the even one; a NaN keeps its upper bits and becomes quiet.
static uint32_t rounded(float x) {
    uint32_t bits = bits_of(flushed(x));
    if (x != x) return bits >> 16 | 0x40;
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

/// The terms 2k and 2k + 1 of a sum of `depth`; behind its end stand zeros.
static uint32_t word(const float *terms, ptrdiff_t stride, ptrdiff_t k, ptrdiff_t depth) {
    uint32_t high = 2 * k + 1 < depth ? rounded(terms[(2 * k + 1) * stride]) : 0;
    return rounded(terms[2 * k * stride]) | high << 16;
}

static float add_lower(float sum, uint32_t a, uint32_t b) {
    return flushed(fmaf(float_of(a << 16), float_of(b << 16), flushed(sum)));
}

static float add_upper(float sum, uint32_t a, uint32_t b) {
    const uint32_t upper = 0xffff0000;
    return flushed(fmaf(float_of(a & upper), float_of(b & upper), flushed(sum)));
}

/// How an element takes its words: one by one, the upper halves first; or by tiles of sixteen (Intel,
/// Software Developer's Manual, TDPBF16PS), whose lower and upper halves are two sums that begin at 0.
typedef enum { BY_PAIRS, BY_TILES } Order;

typedef struct {
    Order order;
    float sum, lower, upper;
    int words;
} Element;

static void end_tile(Element *e) {
    if (e->words > 0) e->sum = flushed(flushed(e->sum) + flushed(e->lower + e->upper));
    e->lower = e->upper = 0;
    e->words = 0;
}

static void add_word(Element *e, uint32_t a, uint32_t b) {
    if (e->order == BY_PAIRS) {
        e->sum = add_lower(add_upper(e->sum, a, b), a, b);
        return;
    }
    e->lower = add_lower(e->lower, a, b);
    e->upper = add_upper(e->upper, a, b);
    if (++e->words == 16) end_tile(e);
}

/// The first word of a column: panels of CK_PANEL columns, row by row of words; a last panel of at most
/// half as many has rows of half the length.
static ptrdiff_t place(ptrdiff_t column, ptrdiff_t columns, ptrdiff_t pairs, ptrdiff_t *stride) {
    ptrdiff_t panel = column / CK_PANEL * CK_PANEL;
    *stride = columns - panel > CK_PANEL / 2 ? CK_PANEL : CK_PANEL / 2;
    return panel * pairs + column - panel;
}

static void pack_any(uint32_t *packed, const float *b, ptrdiff_t column_stride, ptrdiff_t term_stride,
                     ptrdiff_t columns, ptrdiff_t depth) {
    ptrdiff_t pairs = (depth + 1) / 2, stride;
    ptrdiff_t padded = (columns + CK_PANEL / 2 - 1) / (CK_PANEL / 2) * (CK_PANEL / 2);
    for (ptrdiff_t j = 0; j < padded; j++)
        for (ptrdiff_t k = 0; k < pairs; k++) {
            ptrdiff_t first = place(j, columns, pairs, &stride);
            packed[first + k * stride] =
                j < columns ? word(b + j * column_stride, term_stride, k, depth) : 0;
        }
}

static void pack(uint32_t *packed, const float *b, ptrdiff_t b_stride, ptrdiff_t columns,
                 ptrdiff_t depth) {
    pack_any(packed, b, 1, b_stride, columns, depth);
}

static void pack_transposed(uint32_t *packed, const float *b, ptrdiff_t b_stride, ptrdiff_t columns,
                            ptrdiff_t depth) {
    pack_any(packed, b, b_stride, 1, columns, depth);
}

static void multiply_in(Order order, float *c, const float *a, const uint32_t *packed,
                        const ck_product *p) {
    ptrdiff_t pairs = (p->depth + 1) / 2, stride;
    for (ptrdiff_t i = 0; i < p->rows; i++)
        for (ptrdiff_t j = 0; j < p->columns; j++) {
            float *sum = &c[i * p->c_stride + j];
            Element element = {order, p->store == CK_OVERWRITE ? 0 : *sum};
            const uint32_t *column = packed + place(j, p->columns, pairs, &stride);
            for (ptrdiff_t k = 0; k < pairs; k++)
                add_word(&element, word(a + i * p->a_stride, 1, k, p->depth), column[k * stride]);
            end_tile(&element);
            *sum = element.sum;
        }
}

static void multiply_transposed_in(Order order, float *c, const float *a, const float *b,
                                   const ck_product *p) {
    for (ptrdiff_t i = 0; i < p->rows; i++)
        for (ptrdiff_t j = 0; j < p->columns; j++) {
            float *sum = &c[i * p->c_stride + j];
            Element element = {order, p->store == CK_OVERWRITE ? 0 : *sum};
            for (ptrdiff_t k = 0; 2 * k < p->depth; k++)
                add_word(&element, word(a + i, p->a_stride, k, p->depth),
                         word(b + j, p->b_stride, k, p->depth));
            end_tile(&element);
            *sum = element.sum;
        }
}

static void multiply(float *c, const float *a, const uint32_t *packed, const ck_product *p) {
    multiply_in(BY_PAIRS, c, a, packed, p);
}

static void multiply_transposed(float *c, const float *a, const float *b, const ck_product *p) {
    multiply_transposed_in(BY_PAIRS, c, a, b, p);
}

static void multiply_tiled(float *c, const float *a, const uint32_t *packed, const ck_product *p) {
    multiply_in(BY_TILES, c, a, packed, p);
}

static void multiply_tiled_transposed(float *c, const float *a, const float *b,
                                      const ck_product *p) {
    multiply_transposed_in(BY_TILES, c, a, b, p);
}

const ck_bfloat16_table ck_bfloat16_table_twin = {
    .name = "twin", .pack = pack, .pack_transposed = pack_transposed,
    .multiply = multiply, .multiply_transposed = multiply_transposed,
};

const ck_bfloat16_table ck_bfloat16_tiles_twin = {
    .name = "twin of tiles", .pack = pack, .pack_transposed = pack_transposed,
    .multiply = multiply_tiled, .multiply_transposed = multiply_tiled_transposed,
};
