// Twins of the sliding-window kernels: loops over every tap, skipping those outside.
#include "twins.h"

#pragma clang fp contract(off)

/// Input position of output o and tap k on one axis.
static ptrdiff_t position(const ck_window *w, ptrdiff_t o, ptrdiff_t k) {
    return o * w->stride + k * w->dilation - w->padding;
}

static void depthwise_forward(float *y, const float *x, ptrdiff_t x_row_begin,
                              const float *weight, const ck_window *w, ptrdiff_t row_begin,
                              ptrdiff_t row_end) {
    for (ptrdiff_t row = row_begin; row < row_end; row++)
        for (ptrdiff_t ox = 0; ox < w->out_width; ox++)
            for (ptrdiff_t c = 0; c < w->channels; c++) {
                float sum = 0;
                for (ptrdiff_t k = 0; k < w->kernel * w->kernel; k++) {
                    ptrdiff_t iy = position(w, row % w->out_height, k / w->kernel);
                    ptrdiff_t ix = position(w, ox, k % w->kernel);
                    if (iy < 0 || iy >= w->in_height || ix < 0 || ix >= w->in_width) continue;
                    ptrdiff_t in_row = row / w->out_height * w->in_height + iy - x_row_begin;
                    sum = fmaf(x[(in_row * w->in_width + ix) * w->channels + c],
                               weight[k * w->channels + c], sum);
                }
                y[(row * w->out_width + ox) * w->channels + c] = sum;
            }
}

static void depthwise_backward_data(float *dx, const float *dy, ptrdiff_t dy_row_begin,
                                    const float *weight, const ck_window *w, ptrdiff_t row_begin,
                                    ptrdiff_t row_end) {
    for (ptrdiff_t row = row_begin; row < row_end; row++)
        for (ptrdiff_t ix = 0; ix < w->in_width; ix++)
            for (ptrdiff_t c = 0; c < w->channels; c++) {
                float sum = 0;
                for (ptrdiff_t k = 0; k < w->kernel * w->kernel; k++)
                    for (ptrdiff_t oy = 0; oy < w->out_height; oy++) {
                        if (position(w, oy, k / w->kernel) != row % w->in_height) continue;
                        for (ptrdiff_t ox = 0; ox < w->out_width; ox++) {
                            if (position(w, ox, k % w->kernel) != ix) continue;
                            ptrdiff_t from = row / w->in_height * w->out_height + oy - dy_row_begin;
                            sum = fmaf(dy[(from * w->out_width + ox) * w->channels + c],
                                       weight[k * w->channels + c], sum);
                        }
                    }
                dx[(row * w->in_width + ix) * w->channels + c] = sum;
            }
}

static void depthwise_backward_weight(float *d_weight, const float *x, ptrdiff_t x_row_begin,
                                      const float *dy, ptrdiff_t dy_row_begin,
                                      const ck_window *w, ptrdiff_t row_begin, ptrdiff_t row_end,
                                      ck_store store) {
    for (ptrdiff_t k = 0; k < w->kernel * w->kernel; k++)
        for (ptrdiff_t c = 0; c < w->channels; c++) {
            float total = store == CK_OVERWRITE ? 0 : d_weight[k * w->channels + c];
            for (ptrdiff_t row = row_begin; row < row_end; row++) {
                ptrdiff_t iy = position(w, row % w->out_height, k / w->kernel);
                if (iy < 0 || iy >= w->in_height) continue;
                ptrdiff_t in_row = row / w->out_height * w->in_height + iy - x_row_begin;
                float chain = 0;
                for (ptrdiff_t ox = 0; ox < w->out_width; ox++) {
                    ptrdiff_t ix = position(w, ox, k % w->kernel);
                    if (ix < 0 || ix >= w->in_width) continue;
                    chain = fmaf(x[(in_row * w->in_width + ix) * w->channels + c],
                                 dy[((row - dy_row_begin) * w->out_width + ox) * w->channels + c],
                                 chain);
                }
                total = total + chain;
            }
            d_weight[k * w->channels + c] = total;
        }
}

static void im2col(float *columns, const float *x, const ck_window *w, ptrdiff_t row_begin,
                   ptrdiff_t row_end) {
    ptrdiff_t patch = w->kernel * w->kernel * w->channels;
    for (ptrdiff_t i = 0; i < (row_end - row_begin) * w->out_width * patch; i++) {
        ptrdiff_t row = row_begin + i / patch / w->out_width, ox = i / patch % w->out_width;
        ptrdiff_t tap = i % patch / w->channels, c = i % w->channels;
        ptrdiff_t iy = position(w, row % w->out_height, tap / w->kernel);
        ptrdiff_t ix = position(w, ox, tap % w->kernel);
        int inside = iy >= 0 && iy < w->in_height && ix >= 0 && ix < w->in_width;
        ptrdiff_t in_row = row / w->out_height * w->in_height + iy;
        columns[i] = inside ? x[(in_row * w->in_width + ix) * w->channels + c] : 0;
    }
}

// Scatters in output order, where the kernel gathers.
static void col2im(float *dx, const float *columns, const ck_window *w, ptrdiff_t row_begin,
                   ptrdiff_t row_end, ptrdiff_t column_row_begin, ptrdiff_t column_row_end,
                   ck_store store) {
    ptrdiff_t patch = w->kernel * w->kernel * w->channels, stripe = w->in_width * w->channels;
    for (ptrdiff_t i = row_begin * stripe; store == CK_OVERWRITE && i < row_end * stripe; i++)
        dx[i] = 0;
    for (ptrdiff_t i = 0; i < (column_row_end - column_row_begin) * w->out_width * patch; i++) {
        ptrdiff_t row = column_row_begin + i / patch / w->out_width, ox = i / patch % w->out_width;
        ptrdiff_t tap = i % patch / w->channels, c = i % w->channels;
        ptrdiff_t iy = position(w, row % w->out_height, tap / w->kernel);
        ptrdiff_t ix = position(w, ox, tap % w->kernel);
        if (iy < 0 || iy >= w->in_height || ix < 0 || ix >= w->in_width) continue;
        ptrdiff_t in_row = row / w->out_height * w->in_height + iy;
        if (in_row >= row_begin && in_row < row_end)
            dx[in_row * stripe + ix * w->channels + c] += columns[i];
    }
}

void ck_twin_add_windows(ck_table *t) {
    t->depthwise_forward = depthwise_forward;
    t->depthwise_backward_data = depthwise_backward_data;
    t->depthwise_backward_weight = depthwise_backward_weight;
    t->im2col = im2col, t->col2im = col2im;
}
