// Twins of the resize kernels: every pair of positions is asked for its weight.
#include "twins.h"

#pragma clang fp contract(off)

/// Weight of input i in output o; negative where they do not meet.
typedef float (*Meeting)(ptrdiff_t in, ptrdiff_t out, ptrdiff_t i, ptrdiff_t o);

static float bilinear(ptrdiff_t in, ptrdiff_t out, ptrdiff_t i, ptrdiff_t o) {
    if (out == 1) return i == 0 ? 1 : -1;
    ptrdiff_t lower = o * (in - 1) / (out - 1), rest = o * (in - 1) % (out - 1);
    if (i == lower) return (float)(out - 1 - rest) / (float)(out - 1);
    return i == lower + 1 && rest > 0 ? (float)rest / (float)(out - 1) : -1;
}

static float area(ptrdiff_t in, ptrdiff_t out, ptrdiff_t i, ptrdiff_t o) {
    ptrdiff_t touched = 0;  // inputs that share a unit of 1/(in·out) of the axis with the output
    int meets = 0;
    for (ptrdiff_t unit = o * in, last = -1; unit < (o + 1) * in; last = unit++ / out) {
        touched += unit / out != last;
        meets |= unit / out == i;
    }
    return meets ? 1.0f / (float)touched : -1;
}

static void forward(float *y, const float *x, const ck_resize *r, ptrdiff_t row_begin,
                    ptrdiff_t row_end, Meeting weight) {
    for (ptrdiff_t row = row_begin; row < row_end; row++)
        for (ptrdiff_t i = 0; i < r->out_width * r->channels; i++) {
            ptrdiff_t ox = i / r->channels, c = i % r->channels;
            const float *image = x + row / r->out_height * r->in_height * r->in_width * r->channels;
            float sum = 0;
            for (ptrdiff_t iy = 0; iy < r->in_height; iy++) {
                float wy = weight(r->in_height, r->out_height, iy, row % r->out_height);
                for (ptrdiff_t ix = 0; wy >= 0 && ix < r->in_width; ix++) {
                    float wx = weight(r->in_width, r->out_width, ix, ox);
                    if (wx < 0) continue;
                    sum = fmaf(image[(iy * r->in_width + ix) * r->channels + c], wy * wx, sum);
                }
            }
            y[row * r->out_width * r->channels + i] = sum;
        }
}

static void adjoint(float *dx, const float *dy, const ck_resize *r, ptrdiff_t row_begin,
                    ptrdiff_t row_end, ck_store store, Meeting weight) {
    for (ptrdiff_t row = row_begin; row < row_end; row++)
        for (ptrdiff_t i = 0; i < r->in_width * r->channels; i++) {
            ptrdiff_t ix = i / r->channels, c = i % r->channels;
            ptrdiff_t size = r->out_height * r->out_width * r->channels;
            const float *image = dy + row / r->in_height * size;
            float *out = dx + row * r->in_width * r->channels + i;
            float sum = store == CK_ACCUMULATE ? *out : 0;
            for (ptrdiff_t oy = 0; oy < r->out_height; oy++) {
                float wy = weight(r->in_height, r->out_height, row % r->in_height, oy);
                for (ptrdiff_t ox = 0; wy >= 0 && ox < r->out_width; ox++) {
                    float wx = weight(r->in_width, r->out_width, ix, ox);
                    if (wx < 0) continue;
                    sum = fmaf(image[(oy * r->out_width + ox) * r->channels + c], wy * wx, sum);
                }
            }
            *out = sum;
        }
}

static void bilinear_forward(float *y, const float *x, const ck_resize *r, ptrdiff_t row_begin,
                             ptrdiff_t row_end) {
    forward(y, x, r, row_begin, row_end, bilinear);
}

static void bilinear_adjoint(float *dx, const float *dy, const ck_resize *r, ptrdiff_t row_begin,
                             ptrdiff_t row_end, ck_store store) {
    adjoint(dx, dy, r, row_begin, row_end, store, bilinear);
}

static void area_forward(float *y, const float *x, const ck_resize *r, ptrdiff_t row_begin,
                         ptrdiff_t row_end) {
    forward(y, x, r, row_begin, row_end, area);
}

static void area_adjoint(float *dx, const float *dy, const ck_resize *r, ptrdiff_t row_begin,
                         ptrdiff_t row_end, ck_store store) {
    adjoint(dx, dy, r, row_begin, row_end, store, area);
}

void ck_twin_add_resize(ck_table *t) {
    t->bilinear_forward = bilinear_forward, t->bilinear_adjoint = bilinear_adjoint;
    t->area_forward = area_forward, t->area_adjoint = area_adjoint;
}
