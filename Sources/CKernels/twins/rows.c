// Twins of the kernels over rows × channels.
#include "twins.h"

#pragma clang fp contract(off)

static void add_bias(float *out, const float *x, const float *bias, ck_activation activation,
                     ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t i = 0; i < rows * channels; i++)
        out[i] = ck_twin_activation(x[i] + bias[i % channels], activation);
}

static void broadcast_row(float *out, const float *row, float factor, ptrdiff_t rows,
                          ptrdiff_t channels) {
    for (ptrdiff_t i = 0; i < rows * channels; i++) out[i] = factor * row[i % channels];
}

static void copy_columns(float *out, ptrdiff_t out_stride, const float *in, ptrdiff_t in_stride,
                         ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < channels; c++) out[r * out_stride + c] = in[r * in_stride + c];
}

static void accumulate_columns(float *out, ptrdiff_t out_stride, const float *in,
                               ptrdiff_t in_stride, ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < channels; c++) out[r * out_stride + c] += in[r * in_stride + c];
}

static void column_sums(float *sum, const float *x, ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t c = 0; c < channels; c++) {
        sum[c] = 0;
        for (ptrdiff_t r = 0; r < rows; r++) sum[c] = sum[c] + x[r * channels + c];
    }
}

static float largest(const float *x, ptrdiff_t channels) {
    float top = -INFINITY;
    for (ptrdiff_t c = 0; c < channels; c++)
        if (x[c] > top) top = x[c];
    return top;
}

/// terms[c] = exp(x[c] − top) if asked for; returns their sum.
static float exponentials(float *terms, const float *x, float top, ptrdiff_t channels) {
    float lanes[16] = {0};
    for (ptrdiff_t c = 0; c < channels; c++) {
        float e = ck_twin_exp(x[c] - top);
        if (terms) terms[c] = e;
        lanes[c % 16] = lanes[c % 16] + e;
    }
    return ck_twin_fold(lanes);
}

static void softmax_rows(float *out, const float *x, ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        float *p = out + r * channels;
        float sum = exponentials(p, x + r * channels, largest(x + r * channels, channels),
                                 channels);
        for (ptrdiff_t c = 0; c < channels; c++) p[c] = p[c] * (1.0f / sum);
    }
}

static ptrdiff_t cross_entropy_hard(float *d_logits, double *loss, const float *x,
                                    const uint8_t *labels, float factor, ptrdiff_t rows,
                                    ptrdiff_t channels) {
    ptrdiff_t valid = 0;
    *loss = 0;
    for (ptrdiff_t r = 0; r < rows; r++) {
        const float *row = x + r * channels;
        float *gradient = d_logits ? d_logits + r * channels : NULL;
        if (labels[r] >= channels) {
            for (ptrdiff_t c = 0; gradient && c < channels; c++) gradient[c] = 0;
            continue;
        }
        valid++;
        float top = largest(row, channels), chosen = row[labels[r]] - top;
        float sum = exponentials(gradient, row, top, channels);
        *loss += (double)fmaf(1, ck_twin_log(sum), -chosen);
        float weight = factor / sum;
        for (ptrdiff_t c = 0; gradient && c < channels; c++)
            gradient[c] = c == labels[r] ? fmaf(gradient[c], weight, -factor)
                                         : gradient[c] * weight;
    }
    return valid;
}

static void cross_entropy_soft(float *d_logits, double *loss, const float *x, const float *target,
                               const float *weight, float factor, ptrdiff_t rows,
                               ptrdiff_t channels) {
    *loss = 0;
    for (ptrdiff_t r = 0; r < rows; r++) {
        const float *row = x + r * channels, *goal = target + r * channels;
        float *gradient = d_logits ? d_logits + r * channels : NULL;
        if (weight && weight[r] == 0) {
            for (ptrdiff_t c = 0; gradient && c < channels; c++) gradient[c] = 0;
            continue;
        }
        float top = largest(row, channels), masses[16] = {0}, products[16] = {0};
        for (ptrdiff_t c = 0; c < channels; c++) {
            masses[c % 16] = masses[c % 16] + goal[c];
            products[c % 16] = fmaf(goal[c], row[c] - top, products[c % 16]);
        }
        float mass = ck_twin_fold(masses), chosen = ck_twin_fold(products);
        float sum = exponentials(gradient, row, top, channels);
        double row_loss = (double)fmaf(mass, ck_twin_log(sum), -chosen);
        *loss += weight ? row_loss * (double)weight[r] : row_loss;
        float step = weight ? factor * weight[r] : factor, slope = step * (mass / sum);
        for (ptrdiff_t c = 0; gradient && c < channels; c++)
            gradient[c] = fmaf(slope, gradient[c], -step * goal[c]);
    }
}

static void argmax_rows(uint8_t *out, const float *x, ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        float top = -INFINITY;
        ptrdiff_t best = -1;
        for (ptrdiff_t c = 0; c < channels; c++) {
            float v = x[r * channels + c];
            if (v > top || (best < 0 && v == top)) top = v, best = c;
        }
        out[r] = (uint8_t)(best < 0 ? 0 : best);
    }
}

static void batch_norm_sums(float *sum, float *square, const float *x, const float *shift,
                            ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t c = 0; c < channels; c++) {
        float total = 0, squares = 0;
        for (ptrdiff_t r = 0; r < rows; r++) {
            float d = x[r * channels + c] - (shift ? shift[c] : 0);
            total = total + d;
            squares = fmaf(d, d, squares);
        }
        sum[c] = total;
        square[c] = squares;
    }
}

static void batch_norm_apply(float *y, const float *x, const float *mean,
                             const float *inverse_deviation, const float *gamma, const float *beta,
                             ck_activation activation, ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t i = 0; i < rows * channels; i++) {
        ptrdiff_t c = i % channels;
        float z = fmaf(x[i] - mean[c], gamma[c] * inverse_deviation[c], beta[c]);
        y[i] = ck_twin_activation(z, activation);
    }
}

static void batch_norm_backward_sums(float *sum_dy, float *sum_dy_xhat, const float *x,
                                     const float *dy, const float *mean,
                                     const float *inverse_deviation, const float *gamma,
                                     const float *beta, ck_activation activation, ptrdiff_t rows,
                                     ptrdiff_t channels) {
    for (ptrdiff_t c = 0; c < channels; c++) {
        float total = 0, products = 0;
        for (ptrdiff_t r = 0; r < rows; r++) {
            float d = x[r * channels + c] - mean[c];
            float z = fmaf(d, gamma[c] * inverse_deviation[c], beta[c]);
            float g = ck_twin_is_open(z, activation) ? dy[r * channels + c] : 0;
            total = total + g;
            products = fmaf(g, d * inverse_deviation[c], products);
        }
        sum_dy[c] = total;
        sum_dy_xhat[c] = products;
    }
}

static void batch_norm_backward_apply(float *dx, const float *x, const float *dy,
                                      const float *mean, const float *inverse_deviation,
                                      const float *gamma, const float *beta, const float *mean_dy,
                                      const float *mean_dy_xhat, ck_activation activation,
                                      ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t i = 0; i < rows * channels; i++) {
        ptrdiff_t c = i % channels;
        float d = x[i] - mean[c], factor = gamma[c] * inverse_deviation[c];
        float g = ck_twin_is_open(fmaf(d, factor, beta[c]), activation) ? dy[i] : 0;
        if (mean_dy)
            g = fmaf(-(d * inverse_deviation[c]), mean_dy_xhat[c], g - mean_dy[c]);
        dx[i] = factor * g;
    }
}

void ck_twin_add_rows(ck_table *t) {
    t->add_bias = add_bias, t->broadcast_row = broadcast_row;
    t->copy_columns = copy_columns, t->accumulate_columns = accumulate_columns;
    t->column_sums = column_sums, t->softmax_rows = softmax_rows;
    t->cross_entropy_hard = cross_entropy_hard, t->cross_entropy_soft = cross_entropy_soft;
    t->argmax_rows = argmax_rows;
    t->batch_norm_sums = batch_norm_sums, t->batch_norm_apply = batch_norm_apply;
    t->batch_norm_backward_sums = batch_norm_backward_sums;
    t->batch_norm_backward_apply = batch_norm_backward_apply;
}
