// Moves of weights and labels between layouts, and the scalar ends of batch-norm sums.
#include "include/CKernels.h"

#pragma clang fp contract(off)

void ck_batch_norm_statistics(float *mean, float *inverse_deviation, float *unbiased_variance,
                              const double *sum, const double *square, const float *shift,
                              double epsilon, ptrdiff_t rows, ptrdiff_t channels) {
    double count = (double)rows;
    for (ptrdiff_t c = 0; c < channels; c++) {
        double offset = sum[c] / count;
        double variance = square[c] / count - offset * offset;
        if (variance < 0) variance = 0;
        mean[c] = (float)((shift ? (double)shift[c] : 0) + offset);
        inverse_deviation[c] = (float)(1 / __builtin_sqrt(variance + epsilon));
        if (unbiased_variance) unbiased_variance[c] = (float)(variance * (count / (count - 1)));
    }
}

void ck_inverse_deviation(float *inverse_deviation, const float *variance, double epsilon,
                          ptrdiff_t channels) {
    for (ptrdiff_t c = 0; c < channels; c++)
        inverse_deviation[c] = (float)(1 / __builtin_sqrt((double)variance[c] + epsilon));
}

void ck_round_totals(float *out, const double *total, double factor, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = (float)(factor * total[i]);
}

ptrdiff_t ck_packed_count(ptrdiff_t columns, ptrdiff_t depth) {
    return (columns + CK_PANEL - 1) / CK_PANEL * CK_PANEL * depth;
}

ptrdiff_t ck_bfloat16_packed_count(ptrdiff_t columns, ptrdiff_t depth) {
    return ck_packed_count(columns, (depth + 1) / 2);
}

void ck_transpose(float *out, const float *in, ptrdiff_t rows, ptrdiff_t columns) {
    enum { BLOCK = 16 };
    for (ptrdiff_t top = 0; top < rows; top += BLOCK)
        for (ptrdiff_t left = 0; left < columns; left += BLOCK) {
            ptrdiff_t bottom = top + BLOCK < rows ? top + BLOCK : rows;
            ptrdiff_t right = left + BLOCK < columns ? left + BLOCK : columns;
            for (ptrdiff_t c = left; c < right; c++)
                for (ptrdiff_t r = top; r < bottom; r++) out[c * rows + r] = in[r * columns + c];
        }
}

void ck_weights_to_channels_last(float *out, const float *in, ptrdiff_t outputs, ptrdiff_t inputs,
                                 ptrdiff_t taps) {
    for (ptrdiff_t o = 0; o < outputs; o++)
        ck_transpose(out + o * inputs * taps, in + o * inputs * taps, inputs, taps);
}

void ck_weights_to_channels_first(float *out, const float *in, ptrdiff_t outputs, ptrdiff_t inputs,
                                  ptrdiff_t taps) {
    for (ptrdiff_t o = 0; o < outputs; o++)
        ck_transpose(out + o * inputs * taps, in + o * inputs * taps, taps, inputs);
}

/// o·(in − 1)/(out − 1) rounded, halves up; 0 if out = 1.
static ptrdiff_t nearest_position(ptrdiff_t o, ptrdiff_t in, ptrdiff_t out) {
    return out == 1 ? 0 : (2 * o * (in - 1) + (out - 1)) / (2 * (out - 1));
}

void ck_resize_labels_nearest(uint8_t *out, const uint8_t *in, ptrdiff_t in_height,
                              ptrdiff_t in_width, ptrdiff_t out_height, ptrdiff_t out_width) {
    for (ptrdiff_t y = 0; y < out_height; y++) {
        const uint8_t *row = in + nearest_position(y, in_height, out_height) * in_width;
        for (ptrdiff_t x = 0; x < out_width; x++)
            out[y * out_width + x] = row[nearest_position(x, in_width, out_width)];
    }
}

ptrdiff_t ck_count_valid_labels(const uint8_t *labels, ptrdiff_t classes, ptrdiff_t count) {
    ptrdiff_t valid = 0;
    for (ptrdiff_t i = 0; i < count; i++) valid += labels[i] < classes;
    return valid;
}
