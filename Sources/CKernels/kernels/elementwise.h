// Elementwise operations on contiguous values: memory-bound, one pass.

static void add(float *out, const float *a, const float *b, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W)
        store(out + i, load(a + i, count - i) + load(b + i, count - i), count - i);
}

static void accumulate(float *out, const float *a, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W)
        store(out + i, load(out + i, count - i) + load(a + i, count - i), count - i);
}

static void accumulate_double(double *out, const float *a, ptrdiff_t count) {
    ptrdiff_t i = 0;
    for (; i + W <= count; i += W) {
        D total;
        __builtin_memcpy(&total, out + i, sizeof total);
        total += __builtin_convertvector(load_full(a + i), D);
        __builtin_memcpy(out + i, &total, sizeof total);
    }
    for (; i < count; i++) out[i] += (double)a[i];
}

static void scale(float *out, const float *a, float factor, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W)
        store(out + i, splat(factor) * load(a + i, count - i), count - i);
}

static void axpy(float *out, const float *a, float factor, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W) {
        ptrdiff_t n = count - i;
        store(out + i, fused(splat(factor), load(a + i, n), load(out + i, n)), n);
    }
}

static void mix(float *out, const float *a, const float *b, float weight_a, float weight_b,
                ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W) {
        ptrdiff_t n = count - i;
        V scaled = splat(weight_b) * load(b + i, n);
        store(out + i, fused(splat(weight_a), load(a + i, n), scaled), n);
    }
}

static void activate(float *out, const float *x, ck_activation activation, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W)
        store(out + i, activated(load(x + i, count - i), activation), count - i);
}

static void activate_backward(float *dx, const float *dy, const float *x,
                              ck_activation activation, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W) {
        ptrdiff_t n = count - i;
        store(dx + i, activation_gradient(load(dy + i, n), load(x + i, n), activation), n);
    }
}

CK_INLINE float byte_to_unit(uint8_t byte) {
    return __builtin_fmaf((float)byte, 1.0f / 127.5f, -1.0f);
}

static void bytes_to_unit(float *out, const uint8_t *bytes, ptrdiff_t count) {
    ptrdiff_t i = 0;
    for (; i + W <= count; i += W) {
        B b;
        __builtin_memcpy(&b, bytes + i, sizeof b);
        V v = __builtin_convertvector(__builtin_convertvector(b, I), V);
        store_full(out + i, fused(v, splat(1.0f / 127.5f), splat(-1.0f)));
    }
    for (; i < count; i++) out[i] = byte_to_unit(bytes[i]);
}

// The upper halves of the words hold the result; the carry of what is dropped rounds it.
CK_INLINE U rounded_to_bfloat16(V v) {
    U bits = (U)v;
    U nearest = bits + 0x7fff + (bits >> 16 & 1);
    U quiet = bits | 0x400000;
    U is_nan = (U)((I)(bits & 0x7fffffff) > splat_bits(0x7f800000));
    return (is_nan & quiet) | (~is_nan & nearest);
}

static void round_to_bfloat16(float *out, const float *a, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W)
        store(out + i, (V)(rounded_to_bfloat16(load(a + i, count - i)) & 0xffff0000), count - i);
}

static void to_bfloat16(uint8_t *out, const float *a, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W) {
        ptrdiff_t n = count - i < W ? count - i : W;
        H halves = __builtin_convertvector(rounded_to_bfloat16(load(a + i, n)) >> 16, H);
        __builtin_memcpy(out + 2 * i, &halves, 2 * (size_t)n);
    }
}

static void from_bfloat16(float *out, const uint8_t *a, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W) {
        ptrdiff_t n = count - i < W ? count - i : W;
        H halves = {0};
        __builtin_memcpy(&halves, a + 2 * i, 2 * (size_t)n);
        store(out + i, (V)(__builtin_convertvector(halves, U) << 16), n);
    }
}

// Without the sign bit, the bits of floats are ordered like their sizes, NaN above infinity.
static int scan_finite(float *max_abs, const float *x, ptrdiff_t count) {
    I largest = {0};
    for (ptrdiff_t i = 0; i < count; i += W) {
        I bits = (I)load(x + i, count - i) & 0x7fffffff;
        I mask = bits > largest;
        largest = (mask & bits) | (~mask & largest);
    }
    int32_t top = 0;
    for (int i = 0; i < W; i++) top = largest[i] > top ? largest[i] : top;
    int finite = top < 0x7f800000;
    if (!finite) top = 0x7f800000;
    __builtin_memcpy(max_abs, &top, sizeof top);
    return finite;
}
