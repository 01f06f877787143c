// Scalar forms of the functions inside the kernels.
#include "twins.h"

#include <pthread.h>

#pragma clang fp contract(off)

static float from_bits(int32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int32_t to_bits(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

float ck_twin_exp(float x) {
    if (x != x) return x;
    if (x < -87.0f) return 0;
    if (x > 89.0f) x = 89.0f;
    float n = fmaf(x, 0x1.715476p+0f, 12582912.0f) - 12582912.0f;
    float r = fmaf(n, 2.12194440e-4f, fmaf(n, -0.693359375f, x));
    const float coefficients[6] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                   4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
    float p = coefficients[0];
    for (int i = 1; i < 6; i++) p = fmaf(p, r, coefficients[i]);
    float y = fmaf(p, r * r, r) + 1.0f;
    for (; n > 0; n--) y *= 2;
    for (; n < 0; n++) y *= 0.5f;
    return y;
}

float ck_twin_log(float x) {
    if (x != x || x < 0) return NAN;
    if (x == 0) return -INFINITY;
    if (x == INFINITY) return x;
    int subnormal = x < 0x1p-126f;
    int32_t bits = to_bits(subnormal ? x * 8388608.0f : x) - 0x3f3504f3;
    int32_t power = bits / 8388608 - (bits % 8388608 < 0);
    float m = from_bits(bits - power * 8388608 + 0x3f3504f3) - 1.0f;
    float e = (float)(subnormal ? power - 23 : power);
    const float coefficients[9] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,
                                   -1.2420140846e-1f, 1.4249322787e-1f,  -1.6668057665e-1f,
                                   2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
    float p = coefficients[0];
    for (int i = 1; i < 9; i++) p = fmaf(p, m, coefficients[i]);
    float square = m * m;
    float y = fmaf(-0.5f, square, fmaf(e, -2.12194440e-4f, m * square * p));
    return fmaf(e, 0.693359375f, m + y);
}

float ck_twin_activation(float x, ck_activation activation) {
    if (activation == CK_NONE) return x;
    float y = x < 0 ? 0 : x;
    return activation == CK_RELU6 && y > 6 ? 6 : y;
}

int ck_twin_is_open(float x, ck_activation activation) {
    if (activation == CK_NONE) return 1;
    if (x <= 0) return 0;
    return !(activation == CK_RELU6 && x >= 6);
}

float ck_twin_fold(const float *lanes) {
    float eight[8], four[4];
    for (int i = 0; i < 8; i++) eight[i] = lanes[i] + lanes[i + 8];
    for (int i = 0; i < 4; i++) four[i] = eight[i] + eight[i + 4];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

static ck_table table = {.name = "twin"};

static void fill_table(void) {
    ck_twin_add_elementwise(&table);
    ck_twin_add_rows(&table);
    ck_twin_add_windows(&table);
    ck_twin_add_products(&table);
    ck_twin_add_resize(&table);
    ck_twin_add_optimizers(&table);
}

const ck_table *ck_twin_table(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_table);
    return &table;
}
