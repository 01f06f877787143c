// Twins of the matrix products: three loops, one chain for each element.
#include "twins.h"

#pragma clang fp contract(off)

// The twin packs b as [columns, depth], whatever the widths of the kernels do.
static void pack(float *packed, const float *b, ptrdiff_t b_stride, ptrdiff_t columns,
                 ptrdiff_t depth) {
    for (ptrdiff_t i = 0; i < columns * depth; i++)
        packed[i] = b[i % depth * b_stride + i / depth];
}

static void pack_transposed(float *packed, const float *b, ptrdiff_t b_stride, ptrdiff_t columns,
                            ptrdiff_t depth) {
    for (ptrdiff_t i = 0; i < columns * depth; i++)
        packed[i] = b[i / depth * b_stride + i % depth];
}

static void multiply(float *c, const float *a, const float *packed, const ck_product *p) {
    for (ptrdiff_t i = 0; i < p->rows; i++)
        for (ptrdiff_t j = 0; j < p->columns; j++) {
            float *sum = &c[i * p->c_stride + j];
            if (p->store == CK_OVERWRITE) *sum = 0;
            for (ptrdiff_t k = 0; k < p->depth; k++)
                *sum = fmaf(a[i * p->a_stride + k], packed[j * p->depth + k], *sum);
        }
}

static void multiply_transposed(float *c, const float *a, const float *b, const ck_product *p) {
    for (ptrdiff_t i = 0; i < p->rows; i++)
        for (ptrdiff_t j = 0; j < p->columns; j++) {
            float *sum = &c[i * p->c_stride + j];
            if (p->store == CK_OVERWRITE) *sum = 0;
            for (ptrdiff_t k = 0; k < p->depth; k++)
                *sum = fmaf(a[k * p->a_stride + i], b[k * p->b_stride + j], *sum);
        }
}

void ck_twin_add_products(ck_table *t) {
    t->pack = pack, t->pack_transposed = pack_transposed;
    t->multiply = multiply, t->multiply_transposed = multiply_transposed;
}
