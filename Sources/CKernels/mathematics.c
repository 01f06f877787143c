// exp, log, pow, sin and cos in double from + − × ÷ and fma alone, hence equal everywhere.
// Reductions and the polynomials of log, sin and cos follow fdlibm (Sun Microsystems 1993).
#include "include/CKernels.h"

#pragma clang fp contract(off)

static double bits_to_double(uint64_t bits) {
    double x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

static uint64_t double_to_bits(double x) {
    uint64_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

/// x·2^n for |n| ≤ 2044, rounded once.
static double times_power_of_two(double x, int n) {
    int half = n / 2, rest = n - half;
    return x * bits_to_double((uint64_t)(half + 1023) << 52) *
           bits_to_double((uint64_t)(rest + 1023) << 52);
}

#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW 1.90821492927058770002e-10

/// exp(x + tail), |tail| far below |x|'s last place times its size.
static double exp_with_tail(double x, double tail) {
    static const double inverse_factorial[] = {
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
        1.0 / 40320,      1.0 / 5040,      1.0 / 720,      1.0 / 120,     1.0 / 24,
        1.0 / 6,          0.5};
    if (x != x) return x;
    if (x > 709.8) return __builtin_inf();
    if (x < -745.2) return 0;
    double n = __builtin_rint(x * 1.44269504088896338700);
    double high = __builtin_fma(n, -LN2_HIGH, x);
    double low = __builtin_fma(n, -LN2_LOW, tail);
    double r = high + low;
    double rest = (high - r) + low;
    double p = inverse_factorial[0];
    for (int i = 1; i < 12; i++) p = __builtin_fma(p, r, inverse_factorial[i]);
    // exp(r + rest) = 1 + r + r²·p + rest·(1 + r)
    double small = __builtin_fma(r * r, p, __builtin_fma(rest, r, rest));
    return times_power_of_two(1 + (r + small), (int)n);
}

double ck_exp_f64(double x) { return exp_with_tail(x, 0); }

/// x = 2^exponent · (1 + f) with 1 + f in [√½, √2); x positive and finite.
static double split(double x, int *exponent) {
    int shift = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        shift = -54;
    }
    uint64_t bits = double_to_bits(x);
    uint64_t root_half = 0x3fe6a09e667f3bcdull;
    int64_t offset = (int64_t)(bits - root_half);
    *exponent = (int)(offset >> 52) + shift;
    return bits_to_double(((uint64_t)offset & 0xfffffffffffffull) + root_half) - 1;
}

/// The logarithm outside the positive finite numbers.
static double log_of_special(double x) {
    if (x == 0) return -__builtin_inf();
    if (x < 0) return __builtin_nan("");
    return x;
}

double ck_log_f64(double x) {
    if (!(x > 0) || x == __builtin_inf()) return log_of_special(x);
    int exponent;
    double f = split(x, &exponent), k = exponent;
    double s = f / (2 + f), z = s * s, half_square = 0.5 * f * f;
    double p = 1.479819860511658591e-01;
    p = __builtin_fma(p, z, 1.531383769920937332e-01);
    p = __builtin_fma(p, z, 1.818357216161805012e-01);
    p = __builtin_fma(p, z, 2.222219843214978396e-01);
    p = __builtin_fma(p, z, 2.857142874366239149e-01);
    p = __builtin_fma(p, z, 3.999999999940941908e-01);
    p = __builtin_fma(p, z, 6.666666666666735130e-01);
    double correction = __builtin_fma(s, half_square + z * p, k * LN2_LOW);
    return __builtin_fma(k, LN2_HIGH, -((half_square - correction) - f));
}

/// A sum of two doubles, `low` below half a unit in `high`'s last place.
typedef struct {
    double high, low;
} Pair;

static Pair sum_of(double a, double b) {
    double s = a + b, back = s - a;
    return (Pair){s, (a - (s - back)) + (b - back)};
}

static Pair product_of(Pair a, Pair b) {
    double p = a.high * b.high;
    double e = __builtin_fma(a.high, b.high, -p);
    e = __builtin_fma(a.high, b.low, e);
    e = __builtin_fma(a.low, b.high, e);
    return sum_of(p, e);
}

static Pair pair_sum(Pair a, Pair b) {
    Pair s = sum_of(a.high, b.high);
    return sum_of(s.high, s.low + (a.low + b.low));
}

/// log x to about 2⁻⁶⁶: 2·atanh(s) = 2s(1 + z/3 + z²/5 + …), z = s², the first terms as pairs.
static Pair log_pair(double x) {
    int exponent;
    double f = split(x, &exponent), k = exponent;
    Pair divisor = sum_of(2, f);
    double s0 = f / divisor.high;
    double rest = __builtin_fma(-s0, divisor.high, f);
    Pair s = sum_of(s0, __builtin_fma(-s0, divisor.low, rest) / divisor.high);
    Pair z = product_of(s, s);
    double p = 0;
    for (int term = 29; term >= 7; term -= 2) p = __builtin_fma(p, z.high, 1.0 / term);
    Pair series = sum_of(0.2, -0x1.999999999999ap-57 + p * z.high);
    series = pair_sum((Pair){1.0 / 3, 0x1.5555555555555p-56}, product_of(z, series));
    series = pair_sum((Pair){1, 0}, product_of(z, series));
    Pair mantissa = product_of((Pair){2 * s.high, 2 * s.low}, series);
    double low = k * LN2_LOW;
    Pair power = sum_of(k * LN2_HIGH, low);
    power.low += __builtin_fma(k, LN2_LOW, -low);
    return pair_sum(power, mantissa);
}

double ck_pow_f64(double x, double y) {
    if (y == 0 || x == 1) return 1;
    if (x != x || y != y) return x + y;
    if (x < 0) return __builtin_nan("");
    if (x == 0 || x == __builtin_inf()) return (x == 0) == (y > 0) ? 0 : __builtin_inf();
    Pair l = log_pair(x);
    double high = y * l.high;
    if (!(high > -800 && high < 800)) return high > 0 ? __builtin_inf() : 0;
    double low = __builtin_fma(y, l.low, __builtin_fma(y, l.high, -high));
    return exp_with_tail(high, low);
}

/// x − n·π/2 as a pair, n the nearest integer; π/2 in three parts of 33 bits and a tail.
static Pair reduce(double x, int64_t *quadrant) {
    double n = __builtin_rint(x * 6.36619772367581382433e-01);
    *quadrant = (int64_t)n;
    double first = __builtin_fma(n, -1.57079632673412561417e+00, x);
    Pair r = sum_of(first, -(n * 6.07710050630396597660e-11));
    Pair part = sum_of(r.high, -(n * 2.02226624871116645580e-21));
    part.low += r.low;
    part.low -= n * 8.47842766036889956997e-32;
    return sum_of(part.high, part.low);
}

static double sine_kernel(Pair r) {
    double z = r.high * r.high, v = z * r.high;
    double p = 1.58969099521155010221e-10;
    p = __builtin_fma(p, z, -2.50507602534068634195e-08);
    p = __builtin_fma(p, z, 2.75573137070700676789e-06);
    p = __builtin_fma(p, z, -1.98412698298579493134e-04);
    p = __builtin_fma(p, z, 8.33333333332248946124e-03);
    double tail = z * (0.5 * r.low - v * p) - r.low;
    return r.high - (tail - v * -1.66666666666666324348e-01);
}

static double cosine_kernel(Pair r) {
    double z = r.high * r.high;
    double p = -1.13596475577881948265e-11;
    p = __builtin_fma(p, z, 2.08757232129817482790e-09);
    p = __builtin_fma(p, z, -2.75573143513906633035e-07);
    p = __builtin_fma(p, z, 2.48015872894767294178e-05);
    p = __builtin_fma(p, z, -1.38888888888741095749e-03);
    p = __builtin_fma(p, z, 4.16666666666666019037e-02);
    double half = 0.5 * z, w = 1 - half;
    return w + (((1 - w) - half) + (z * z * p - r.high * r.low));
}

double ck_sin_f64(double x) {
    if (x != x || x - x != 0) return __builtin_nan("");
    if (x == 0) return x;
    int64_t quadrant;
    Pair r = reduce(x, &quadrant);
    double value = quadrant & 1 ? cosine_kernel(r) : sine_kernel(r);
    return quadrant & 2 ? -value : value;
}

double ck_cos_f64(double x) {
    if (x != x || x - x != 0) return __builtin_nan("");
    int64_t quadrant;
    Pair r = reduce(x, &quadrant);
    double value = quadrant & 1 ? sine_kernel(r) : cosine_kernel(r);
    return (quadrant + 1) & 2 ? -value : value;
}
