// The vector type of one level and its helpers. The including file defines CK_WIDTH (1, 4, 8 or
// 16 floats) and, by `#pragma clang attribute push`, the instruction set.
//
// Rules that make all widths equal to the bit:
// - each output element is one chain of fused multiply-adds in index order;
// - a reduction over one row has 16 virtual lanes, lane l taking elements ≡ l (mod 16), folded by
//   halves: 8, 4, 2, 1;
// - compare and select, never min/max builtins, whose treatment of −0 and NaN varies;
// - nothing is contracted or reassociated by the compiler.
#pragma clang fp contract(off)
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang diagnostic ignored "-Wunused-function"

#include "../include/CKernels.h"

#define CK_INLINE static inline __attribute__((always_inline))

enum { W = CK_WIDTH, PARTS = 16 / CK_WIDTH };

typedef float V __attribute__((vector_size(CK_WIDTH * 4)));
typedef int32_t I __attribute__((vector_size(CK_WIDTH * 4)));
typedef uint32_t U __attribute__((vector_size(CK_WIDTH * 4)));
typedef double D __attribute__((vector_size(CK_WIDTH * 8)));
typedef uint64_t L __attribute__((vector_size(CK_WIDTH * 8)));
typedef uint16_t H __attribute__((vector_size(CK_WIDTH * 2)));
typedef uint8_t B __attribute__((vector_size(CK_WIDTH)));

/// The 16 virtual lanes of a reduction.
typedef struct {
    V part[PARTS];
} Lanes;

CK_INLINE V splat(float s) { return s - (V){0}; }
CK_INLINE I splat_bits(int32_t s) { return s - (I){0}; }
CK_INLINE U splat_word(uint32_t s) { return s - (U){0}; }
CK_INLINE V fused(V a, V b, V c) { return __builtin_elementwise_fma(a, b, c); }
CK_INLINE V select_lanes(I mask, V yes, V no) { return (V)((mask & (I)yes) | (~mask & (I)no)); }
CK_INLINE V larger(V a, V b) { return select_lanes(a > b, a, b); }

CK_INLINE V load_full(const float *p) {
    V v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

CK_INLINE void store_full(float *p, V v) { __builtin_memcpy(p, &v, sizeof v); }

#if CK_WIDTH == 16
CK_INLINE __mmask16 first_lanes(ptrdiff_t n) { return (__mmask16)((1u << n) - 1); }
CK_INLINE V load_part(const float *p, ptrdiff_t n) {
    return (V)_mm512_maskz_loadu_ps(first_lanes(n), p);
}
CK_INLINE void store_part(float *p, V v, ptrdiff_t n) {
    _mm512_mask_storeu_ps(p, first_lanes(n), (__m512)v);
}
#elif CK_WIDTH == 8
CK_INLINE __m256i first_lanes(ptrdiff_t n) {
    return (__m256i)(splat_bits((int32_t)n) > (I){0, 1, 2, 3, 4, 5, 6, 7});
}
CK_INLINE V load_part(const float *p, ptrdiff_t n) {
    return (V)_mm256_maskload_ps(p, first_lanes(n));
}
CK_INLINE void store_part(float *p, V v, ptrdiff_t n) {
    _mm256_maskstore_ps(p, first_lanes(n), (__m256)v);
}
#else
CK_INLINE V load_part(const float *p, ptrdiff_t n) {
    V v = {0};
    for (ptrdiff_t i = 0; i < n; i++) v[i] = p[i];
    return v;
}
CK_INLINE void store_part(float *p, V v, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i++) p[i] = v[i];
}
#endif

/// The next min(n, W) values, the other lanes 0; n ≥ 0.
CK_INLINE V load(const float *p, ptrdiff_t n) {
    if (__builtin_expect(n >= W, 1)) return load_full(p);
    return n > 0 ? load_part(p, n) : (V){0};
}

/// Writes the first min(n, W) lanes; n ≥ 0.
CK_INLINE void store(float *p, V v, ptrdiff_t n) {
    if (__builtin_expect(n >= W, 1)) store_full(p, v);
    else if (n > 0) store_part(p, v, n);
}

/// The first n lanes of v, the others taken from `other`; n ≥ 1.
CK_INLINE V keep_lanes(V v, ptrdiff_t n, V other) {
    if (n >= W) return v;
    I index;
    for (int i = 0; i < W; i++) index[i] = i;
    return select_lanes(index < splat_bits((int32_t)n), v, other);
}

CK_INLINE Lanes lanes_of(float s) {
    Lanes a;
    for (int i = 0; i < PARTS; i++) a.part[i] = splat(s);
    return a;
}

CK_INLINE float fold_sum(Lanes a) {
    float s[16];
    __builtin_memcpy(s, &a, sizeof s);
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++) s[i] = s[i] + s[i + half];
    return s[0];
}

CK_INLINE float fold_max(Lanes a) {
    float s[16];
    __builtin_memcpy(s, &a, sizeof s);
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++) s[i] = s[i + half] > s[i] ? s[i + half] : s[i];
    return s[0];
}

// a0 b0 a1 b1 … of the lower and of the upper half of the lanes.
#if CK_WIDTH == 16
#define CK_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define CK_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif CK_WIDTH == 8
#define CK_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define CK_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#elif CK_WIDTH == 4
#define CK_LOW 0, 4, 1, 5
#define CK_HIGH 2, 6, 3, 7
#endif

/// Turns W rows of W values into their columns: log₂ W rounds that interleave the row i with i + W/2.
CK_INLINE void transpose(V *block) {
#if CK_WIDTH > 1
#pragma unroll
    for (int round = 1; round < W; round *= 2) {
        V from[W];
        __builtin_memcpy(from, block, sizeof from);
#pragma unroll
        for (int i = 0; i < W / 2; i++) {
            block[2 * i] = __builtin_shufflevector(from[i], from[i + W / 2], CK_LOW);
            block[2 * i + 1] = __builtin_shufflevector(from[i], from[i + W / 2], CK_HIGH);
        }
    }
#endif
}

CK_INLINE V activated(V x, ck_activation activation) {
    if (activation == CK_NONE) return x;
    V y = (V)((I)x & ~(x < splat(0)));
    if (activation == CK_RELU) return y;
    return select_lanes(y > splat(6), splat(6), y);
}

/// dy where the activation has slope 1 at x, else 0; a NaN in x lets dy through.
CK_INLINE V activation_gradient(V dy, V x, ck_activation activation) {
    if (activation == CK_NONE) return dy;
    I closed = x <= splat(0);
    if (activation == CK_RELU6) closed |= x >= splat(6);
    return (V)((I)dy & ~closed);
}
