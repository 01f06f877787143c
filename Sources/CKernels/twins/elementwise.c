// Twins of the elementwise kernels.
#include "twins.h"

#pragma clang fp contract(off)

static void add(float *out, const float *a, const float *b, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = a[i] + b[i];
}

static void accumulate(float *out, const float *a, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = out[i] + a[i];
}

static void accumulate_double(double *out, const float *a, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = out[i] + (double)a[i];
}

static void scale(float *out, const float *a, float factor, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = factor * a[i];
}

static void axpy(float *out, const float *a, float factor, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = fmaf(factor, a[i], out[i]);
}

static void mix(float *out, const float *a, const float *b, float weight_a, float weight_b,
                ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = fmaf(weight_a, a[i], weight_b * b[i]);
}

static void activate(float *out, const float *x, ck_activation activation, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = ck_twin_activation(x[i], activation);
}

static void activate_backward(float *dx, const float *dy, const float *x,
                              ck_activation activation, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) dx[i] = ck_twin_is_open(x[i], activation) ? dy[i] : 0;
}

static void exponential(float *out, const float *x, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = ck_twin_exp(x[i]);
}

static void logarithm(float *out, const float *x, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = ck_twin_log(x[i]);
}

static float logistic(float x) { return 1.0f / (1.0f + ck_twin_exp(-x)); }

static void sigmoid(float *out, const float *x, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = logistic(x[i]);
}

static void sigmoid_gate(float *out, float *gate, const float *features, const float *z,
                         ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        float f = features[i];
        gate[i] = logistic(z[i]);
        out[i] = f * gate[i];
    }
}

static void sigmoid_gate_backward(float *d_features, float *dz, const float *dy,
                                  const float *features, const float *gate, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        float g = dy[i], f = features[i], a = gate[i];
        d_features[i] = g * a;
        dz[i] = (g * f) * (a * (1 - a));
    }
}

static void bytes_to_unit(float *out, const uint8_t *bytes, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = fmaf((float)bytes[i], 1.0f / 127.5f, -1.0f);
}

static uint16_t bfloat16(float a) {
    uint32_t bits;
    memcpy(&bits, &a, 4);
    uint16_t upper = (uint16_t)(bits >> 16);
    uint32_t dropped = bits & 0xffff;
    if (a != a) return upper | 0x40;
    return upper + (dropped > 0x8000 || (dropped == 0x8000 && upper % 2 == 1));
}

static float float_of(uint16_t upper) {
    uint32_t bits = (uint32_t)upper << 16;
    float a;
    memcpy(&a, &bits, 4);
    return a;
}

static void round_to_bfloat16(float *out, const float *a, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = float_of(bfloat16(a[i]));
}

static void to_bfloat16(uint8_t *out, const float *a, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        out[2 * i] = bfloat16(a[i]) & 0xff;
        out[2 * i + 1] = bfloat16(a[i]) >> 8;
    }
}

static void from_bfloat16(float *out, const uint8_t *a, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++)
        out[i] = float_of((uint16_t)(a[2 * i] | a[2 * i + 1] << 8));
}

static int scan_finite(float *max_abs, const float *x, ptrdiff_t count) {
    float largest = 0;
    int finite = 1;
    for (ptrdiff_t i = 0; i < count; i++) {
        if (!isfinite(x[i])) finite = 0;
        else if (fabsf(x[i]) > largest) largest = fabsf(x[i]);
    }
    *max_abs = finite ? largest : INFINITY;
    return finite;
}

static float uniform(uint64_t key, uint64_t stream, ptrdiff_t element) {
    uint64_t index = (uint64_t)(element / 64 * 16 + element % 16);
    const uint32_t keys[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
    const uint32_t counter[4] = {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream,
                                 (uint32_t)(stream >> 32)};
    uint32_t words[4];
    ck_philox_block(words, counter, keys);
    return (float)(words[element % 64 / 16] >> 8) / 16777216.0f;
}

static void dropout(float *out, const float *x, uint64_t key, uint64_t stream, float keep,
                    ptrdiff_t first, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++)
        out[i] = uniform(key, stream, first + i) < keep ? x[i] * (1.0f / keep) : 0;
}

static void philox_uniform(float *out, uint64_t key, uint64_t stream, ptrdiff_t first,
                           ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = uniform(key, stream, first + i);
}

void ck_twin_add_elementwise(ck_table *t) {
    t->add = add, t->accumulate = accumulate, t->accumulate_double = accumulate_double;
    t->scale = scale, t->axpy = axpy, t->mix = mix;
    t->activate = activate, t->activate_backward = activate_backward;
    t->exponential = exponential, t->logarithm = logarithm, t->sigmoid = sigmoid;
    t->sigmoid_gate = sigmoid_gate, t->sigmoid_gate_backward = sigmoid_gate_backward;
    t->round_to_bfloat16 = round_to_bfloat16, t->to_bfloat16 = to_bfloat16;
    t->from_bfloat16 = from_bfloat16;
    t->bytes_to_unit = bytes_to_unit, t->scan_finite = scan_finite;
    t->dropout = dropout, t->philox_uniform = philox_uniform;
}
