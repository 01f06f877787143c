// exp, log and the logistic function as polynomials of fused multiply-adds
// (coefficients: Cephes single precision, Moshier 1989).

enum { ROUND_BITS = 0x4b400000 };  // 1.5·2²³: adding it leaves the rounded integer in the low bits

/// 2^n for −126 ≤ n ≤ 127.
CK_INLINE V power_of_two(I n) { return (V)((n + 127) << 23); }

CK_INLINE V vector_exp(V x) {
    I too_small = x < splat(-87.0f);
    V limited = select_lanes(x > splat(89.0f), splat(89.0f), x);
    limited = select_lanes(too_small, splat(-87.0f), limited);
    V shifted = fused(limited, splat(0x1.715476p+0f), splat(0x1.8p23f));
    V n = shifted - splat(0x1.8p23f);
    V r = fused(n, splat(-0x1.63p-1f), limited);
    r = fused(n, splat(0x1.bd0106p-13f), r);
    V p = splat(1.9875691500e-4f);
    p = fused(p, r, splat(1.3981999507e-3f));
    p = fused(p, r, splat(8.3334519073e-3f));
    p = fused(p, r, splat(4.1665795894e-2f));
    p = fused(p, r, splat(1.6666665459e-1f));
    p = fused(p, r, splat(5.0000001201e-1f));
    p = fused(p, r * r, r) + splat(1.0f);
    // Two factors, so that 2^128 is reached; the mask keeps a NaN's shift defined.
    I exponent = (I)shifted - ROUND_BITS;
    I half = (exponent >> 1) & ~(x != x);
    I rest = (exponent & ~(x != x)) - half;
    V y = p * power_of_two(half) * power_of_two(rest);
    return (V)((I)y & ~too_small);
}

CK_INLINE V vector_log(V x) {
    I tiny = x < splat(0x1p-126f);
    V scaled = select_lanes(tiny, x * splat(0x1p23f), x);
    // Mantissa in [√½, √2): subtract the bits of √½, split, add them again.
    I bits = (I)scaled - 0x3f3504f3;
    I exponent = (bits >> 23) - (tiny & 23);
    V m = (V)((bits & 0x007fffff) + 0x3f3504f3) - splat(1.0f);
    V e = __builtin_convertvector(exponent, V);
    V z = m * m;
    V p = splat(7.0376836292e-2f);
    p = fused(p, m, splat(-1.1514610310e-1f));
    p = fused(p, m, splat(1.1676998740e-1f));
    p = fused(p, m, splat(-1.2420140846e-1f));
    p = fused(p, m, splat(1.4249322787e-1f));
    p = fused(p, m, splat(-1.6668057665e-1f));
    p = fused(p, m, splat(2.0000714765e-1f));
    p = fused(p, m, splat(-2.4999993993e-1f));
    p = fused(p, m, splat(3.3333331174e-1f));
    V y = fused(e, splat(-2.12194440e-4f), m * z * p);
    y = fused(splat(-0.5f), z, y);
    y = fused(e, splat(0.693359375f), m + y);
    y = select_lanes(x == splat(0.0f), splat(-__builtin_inff()), y);
    y = select_lanes((x < splat(0.0f)) | (x != x), splat(__builtin_nanf("")), y);
    return select_lanes(x == splat(__builtin_inff()), x, y);
}

CK_INLINE V vector_sigmoid(V x) { return splat(1.0f) / (splat(1.0f) + vector_exp(-x)); }

static void exponential(float *out, const float *x, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W)
        store(out + i, vector_exp(load(x + i, count - i)), count - i);
}

static void logarithm(float *out, const float *x, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W)
        store(out + i, vector_log(load(x + i, count - i)), count - i);
}

static void sigmoid(float *out, const float *x, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W)
        store(out + i, vector_sigmoid(load(x + i, count - i)), count - i);
}

static void sigmoid_gate(float *out, float *gate, const float *features, const float *z,
                         ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W) {
        ptrdiff_t n = count - i;
        V f = load(features + i, n), a = vector_sigmoid(load(z + i, n));
        store(gate + i, a, n);
        store(out + i, f * a, n);
    }
}

static void sigmoid_gate_backward(float *d_features, float *dz, const float *dy,
                                  const float *features, const float *gate, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W) {
        ptrdiff_t n = count - i;
        V g = load(dy + i, n), f = load(features + i, n), a = load(gate + i, n);
        store(d_features + i, g * a, n);
        store(dz + i, g * f * (a * (splat(1.0f) - a)), n);
    }
}
