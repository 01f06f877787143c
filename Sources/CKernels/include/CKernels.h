// Single-threaded loops on raw pointers, written once for every vector width and equal to the bit
// at each of them. Conventions: outputs first, then inputs, then sizes. Images are NHWC float32,
// rows are batch·height·width positions of `channels` values each. Pointers need no alignment
// beyond that of a float; nothing is read or written past the sizes given. Where nothing else is
// said, an output may be one of the inputs (same address) but may not overlap it otherwise.
// The rules of arithmetic are in kernels/vector.h. This header holds no float arithmetic.
#ifndef EMEND_CKERNELS_H
#define EMEND_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Row limit of one chain of a column sum: callers cut rows into tiles of at most this many and
/// add the tiles' sums, in order, in double (`accumulate_double`).
enum { CK_ROW_TILE = 256 };

/// Label of a pixel that takes no part in loss or metrics.
enum { CK_IGNORED_LABEL = 255 };

/// What follows an affine operation: x, max(x, 0) or min(max(x, 0), 6). NaN passes.
typedef enum ck_activation { CK_NONE = 0, CK_RELU = 1, CK_RELU6 = 2 } ck_activation;

/// Whether an adjoint starts its chains at 0 or continues those in the output.
typedef enum ck_store { CK_OVERWRITE = 0, CK_ACCUMULATE = 1 } ck_store;

/// A k×k sliding window over [batch, in_height, in_width, channels], giving
/// [batch, out_height, out_width, …]. Output (oy, ox), tap (ky, kx) reads input
/// (oy·stride + ky·dilation − padding, ox·stride + kx·dilation − padding); taps outside are
/// skipped. 1 ≤ kernel ≤ 7.
typedef struct ck_window {
    ptrdiff_t batch, in_height, in_width, out_height, out_width, channels;
    ptrdiff_t kernel, stride, dilation, padding;
} ck_window;

/// A change of size from [batch, in_height, in_width, channels] to
/// [batch, out_height, out_width, channels].
typedef struct ck_resize {
    ptrdiff_t batch, in_height, in_width, out_height, out_width, channels;
} ck_resize;

/// Some floats in memory.
typedef struct ck_floats {
    const float *start;
    ptrdiff_t count;
} ck_floats;

/// What a product's caller reads next, in this order: brought into the cache while the product
/// computes. It changes no result.
typedef struct ck_ahead {
    ck_floats first, second, third;
} ck_ahead;

/// A product of matrices: c[rows, columns] (+)= a · b, sums of `depth` terms. Strides are the floats
/// from one row to the next.
typedef struct ck_product {
    ptrdiff_t rows, columns, depth;
    ptrdiff_t c_stride, a_stride;
    ptrdiff_t b_stride;  ///< of `multiply_transposed`
    ck_store store;
    ck_ahead ahead;
} ck_product;

/// Columns of b that are packed together: those from a multiple of it on begin at
/// packed + column · depth.
enum { CK_PANEL = 32 };

/// Constants of one AdamW step (Loshchilov and Hutter 2019, decoupled weight decay).
typedef struct ck_adamw {
    float learning_rate, beta1, beta2, epsilon, weight_decay;
    float gradient_scale;     ///< multiplies the gradient first
    float first_correction;   ///< 1 − β1^t
    float second_correction;  ///< 1 − β2^t
} ck_adamw;

/// One instruction set's kernels. All tables give the same bits.
typedef struct ck_table {
    const char *name;  ///< "generic", "avx2", "avx512" or "neon"

    // ---- elementwise, on `count` values ------------------------------------------------------

    /// out = a + b
    void (*add)(float *out, const float *a, const float *b, ptrdiff_t count);
    /// out = out + a
    void (*accumulate)(float *out, const float *a, ptrdiff_t count);
    /// out = out + (double)a
    void (*accumulate_double)(double *out, const float *a, ptrdiff_t count);
    /// out = factor · a
    void (*scale)(float *out, const float *a, float factor, ptrdiff_t count);
    /// out = fma(factor, a, out)
    void (*axpy)(float *out, const float *a, float factor, ptrdiff_t count);
    /// out = fma(weight_a, a, weight_b · b): linear combination of two logit maps.
    void (*mix)(float *out, const float *a, const float *b, float weight_a, float weight_b,
                ptrdiff_t count);
    /// out = activation(x)
    void (*activate)(float *out, const float *x, ck_activation activation, ptrdiff_t count);
    /// dx = dy where activation has slope 1 at x, else 0; x may be the activation's input or
    /// output.
    void (*activate_backward)(float *dx, const float *dy, const float *x,
                              ck_activation activation, ptrdiff_t count);
    /// out = exp(x), 0 below −87 and +∞ above 88.72; NaN passes.
    void (*exponential)(float *out, const float *x, ptrdiff_t count);
    /// out = log(x), subnormals included; −∞ at ±0, NaN below.
    void (*logarithm)(float *out, const float *x, ptrdiff_t count);
    /// out = 1 / (1 + exp(−x)), exact symmetry not promised.
    void (*sigmoid)(float *out, const float *x, ptrdiff_t count);
    /// gate = σ(z); out = features · gate. `gate` is kept for the backward pass.
    void (*sigmoid_gate)(float *out, float *gate, const float *features, const float *z,
                         ptrdiff_t count);
    /// d_features = dy · gate; dz = dy · features · gate · (1 − gate).
    void (*sigmoid_gate_backward)(float *d_features, float *dz, const float *dy,
                                  const float *features, const float *gate, ptrdiff_t count);
    /// out = (float)bytes / 127.5 − 1, as fma(byte, 1/127.5, −1).
    void (*bytes_to_unit)(float *out, const uint8_t *bytes, ptrdiff_t count);
    /// out = a rounded to bfloat16: to the nearest, ties to even, subnormals kept, NaN stays NaN.
    void (*round_to_bfloat16)(float *out, const float *a, ptrdiff_t count);
    /// out = a as `round_to_bfloat16` rounds it, in 2·count bytes, the less significant first.
    void (*to_bfloat16)(uint8_t *out, const float *a, ptrdiff_t count);
    /// out = the values whose bfloat16 bytes are `a`.
    void (*from_bfloat16)(float *out, const uint8_t *a, ptrdiff_t count);
    /// max_abs = largest |x| (0 for count 0, +∞ if any value is not finite); returns 1 if all are
    /// finite, else 0.
    int (*scan_finite)(float *max_abs, const float *x, ptrdiff_t count);
    /// out = u < keep ? x · (1/keep) : 0 with u of Philox4x32-10 under `key`. Element
    /// i = 64·g + 16·w + l of the whole tensor takes word w of counter (16·g + l, stream).
    /// `first` (a multiple of 64) is the index of out[0] in the whole tensor; 0 < keep ≤ 1.
    /// The backward pass is the same call on dy.
    void (*dropout)(float *out, const float *x, uint64_t key, uint64_t stream, float keep,
                    ptrdiff_t first, ptrdiff_t count);
    /// out = uniform floats in [0, 1), multiples of 2⁻²⁴, indexed like `dropout`'s.
    void (*philox_uniform)(float *out, uint64_t key, uint64_t stream, ptrdiff_t first,
                           ptrdiff_t count);

    // ---- rows × channels ---------------------------------------------------------------------

    /// out[r, c] = activation(x[r, c] + bias[c])
    void (*add_bias)(float *out, const float *x, const float *bias, ck_activation activation,
                     ptrdiff_t rows, ptrdiff_t channels);
    /// out[r, c] = factor · row[c]: resize from 1×1, and the global average pool's adjoint.
    void (*broadcast_row)(float *out, const float *row, float factor, ptrdiff_t rows,
                          ptrdiff_t channels);
    /// out[r·out_stride + c] = in[r·in_stride + c] for c < channels (concatenate, split).
    void (*copy_columns)(float *out, ptrdiff_t out_stride, const float *in, ptrdiff_t in_stride,
                         ptrdiff_t rows, ptrdiff_t channels);
    /// out[r·out_stride + c] += in[r·in_stride + c] for c < channels.
    void (*accumulate_columns)(float *out, ptrdiff_t out_stride, const float *in,
                               ptrdiff_t in_stride, ptrdiff_t rows, ptrdiff_t channels);
    /// sum[c] = Σ_r x[r, c], one chain; rows ≤ CK_ROW_TILE. Bias gradient, global pool.
    void (*column_sums)(float *sum, const float *x, ptrdiff_t rows, ptrdiff_t channels);
    /// out[r, ·] = softmax(x[r, ·])
    void (*softmax_rows)(float *out, const float *x, ptrdiff_t rows, ptrdiff_t channels);
    /// Cross-entropy with class labels. loss = Σ_r −log softmax(x[r])[labels[r]], added in double
    /// in row order; d_logits = factor · (softmax(x[r]) − onehot). Rows labelled ≥ channels
    /// (CK_IGNORED_LABEL) give loss 0 and gradient 0. Returns the number of rows that counted.
    /// d_logits may be NULL, or x.
    ptrdiff_t (*cross_entropy_hard)(float *d_logits, double *loss, const float *x,
                                    const uint8_t *labels, float factor, ptrdiff_t rows,
                                    ptrdiff_t channels);
    /// Cross-entropy with target probabilities. loss = Σ_r weight[r] · Σ_c −target[r, c] ·
    /// log softmax(x[r])[c], added in double in row order; d_logits = factor · weight[r] ·
    /// (softmax(x[r]) · Σ_c target[r, c] − target[r]). Rows of weight 0 give loss 0 and
    /// gradient 0. `weight` may be NULL (all 1); d_logits may be NULL, or x.
    void (*cross_entropy_soft)(float *d_logits, double *loss, const float *x, const float *target,
                               const float *weight, float factor, ptrdiff_t rows,
                               ptrdiff_t channels);
    /// out[r] = index of the row's largest value, the first of equals; channels ≤ 256.
    void (*argmax_rows)(uint8_t *out, const float *x, ptrdiff_t rows, ptrdiff_t channels);

    // ---- batch normalisation, rows × channels -------------------------------------------------

    /// sum[c] = Σ_r (x[r, c] − shift[c]), square[c] = Σ_r (x[r, c] − shift[c])², one chain each;
    /// rows ≤ CK_ROW_TILE. Add tiles in order with `accumulate_double`, then
    /// `ck_batch_norm_statistics`. `shift` is the running mean (NULL: 0).
    void (*batch_norm_sums)(float *sum, float *square, const float *x, const float *shift,
                            ptrdiff_t rows, ptrdiff_t channels);
    /// y = activation(fma(x − mean, gamma · inverse_deviation, beta)); mean, inverse_deviation,
    /// gamma, beta: [channels].
    void (*batch_norm_apply)(float *y, const float *x, const float *mean,
                             const float *inverse_deviation, const float *gamma, const float *beta,
                             ck_activation activation, ptrdiff_t rows, ptrdiff_t channels);
    /// With g = dy where the activation has slope 1 at x's normalised value, else 0, and
    /// x̂ = (x − mean) · inverse_deviation: sum_dy[c] = Σ_r g, sum_dy_xhat[c] = Σ_r g·x̂, one chain
    /// each; rows ≤ CK_ROW_TILE. Their totals are the gradients of beta and gamma.
    void (*batch_norm_backward_sums)(float *sum_dy, float *sum_dy_xhat, const float *x,
                                     const float *dy, const float *mean,
                                     const float *inverse_deviation, const float *gamma,
                                     const float *beta, ck_activation activation, ptrdiff_t rows,
                                     ptrdiff_t channels);
    /// dx = gamma · inverse_deviation · (g − mean_dy − x̂ · mean_dy_xhat), where mean_… [channels]
    /// are the totals of `batch_norm_backward_sums` over the number of rows. Both NULL: statistics
    /// are constants, dx = gamma · inverse_deviation · g. dx may be x or dy.
    void (*batch_norm_backward_apply)(float *dx, const float *x, const float *dy,
                                      const float *mean, const float *inverse_deviation,
                                      const float *gamma, const float *beta, const float *mean_dy,
                                      const float *mean_dy_xhat, ck_activation activation,
                                      ptrdiff_t rows, ptrdiff_t channels);

    // ---- windows; row ranges count image rows, batch·height ------------------------------------
    // Whole tensors are passed; a call writes only the rows [row_begin, row_end) of its output.
    // Output and input may not overlap.

    /// y[b, oy, ox, c] = Σ_(ky, kx) x · weight, one chain in tap order. weight: [kernel²,
    /// channels]. Rows are output rows, b·out_height + oy. `x` points at the values of input row
    /// x_row_begin (b·in_height + iy), and need hold no more rows than these outputs read.
    void (*depthwise_forward)(float *y, const float *x, ptrdiff_t x_row_begin,
                              const float *weight, const ck_window *window, ptrdiff_t row_begin,
                              ptrdiff_t row_end);
    /// dx, one chain per element in tap order. Rows are input rows, b·in_height + iy. `dy` points at
    /// the values of output row dy_row_begin, and need hold no more rows than read these inputs.
    void (*depthwise_backward_data)(float *dx, const float *dy, ptrdiff_t dy_row_begin,
                                    const float *weight, const ck_window *window,
                                    ptrdiff_t row_begin, ptrdiff_t row_end);
    /// d_weight [kernel², channels] = the part from output rows [row_begin, row_end): a chain along
    /// each output row, rows added in order, to 0 or to what is there. Ascending ranges with
    /// CK_ACCUMULATE give the same bits as one call. `x` as in depthwise_forward; `dy` points at the
    /// values of output row dy_row_begin.
    void (*depthwise_backward_weight)(float *d_weight, const float *x, ptrdiff_t x_row_begin,
                                      const float *dy, ptrdiff_t dy_row_begin,
                                      const ck_window *window, ptrdiff_t row_begin,
                                      ptrdiff_t row_end, ck_store store);
    /// columns [(row_end − row_begin)·out_width, kernel²·channels]: the window's values of each
    /// output position, (ky, kx, channel) in this order, 0 outside. Rows are output rows;
    /// `columns` points at the values of row_begin.
    void (*im2col)(float *columns, const float *x, const ck_window *window, ptrdiff_t row_begin,
                   ptrdiff_t row_end);
    /// The adjoint of im2col onto input rows [row_begin, row_end): dx (the whole tensor) receives
    /// what output rows [column_row_begin, column_row_end) hold of it; `columns` points at the
    /// values of column_row_begin. Chains run in output order, so ascending ranges with
    /// CK_ACCUMULATE give the same bits as one call.
    void (*col2im)(float *dx, const float *columns, const ck_window *window, ptrdiff_t row_begin,
                   ptrdiff_t row_end, ptrdiff_t column_row_begin, ptrdiff_t column_row_end,
                   ck_store store);
    /// Bilinear with aligned corners: output o samples input o·(in − 1)/(out − 1), 0 if out = 1.
    /// y is the whole tensor; rows are output rows.
    void (*bilinear_forward)(float *y, const float *x, const ck_resize *resize,
                             ptrdiff_t row_begin, ptrdiff_t row_end);
    /// Its adjoint; rows are input rows.
    void (*bilinear_adjoint)(float *dx, const float *dy, const ck_resize *resize,
                             ptrdiff_t row_begin, ptrdiff_t row_end, ck_store store);
    /// Area mean (adaptive average, PyTorch's mode 'area'): output o is the plain mean of all inputs
    /// that [o·in/out, (o + 1)·in/out) touches. Rows are output rows.
    void (*area_forward)(float *y, const float *x, const ck_resize *resize, ptrdiff_t row_begin,
                         ptrdiff_t row_end);
    /// Its adjoint; rows are input rows.
    void (*area_adjoint)(float *dx, const float *dy, const ck_resize *resize, ptrdiff_t row_begin,
                         ptrdiff_t row_end, ck_store store);

    // ---- matrix products ------------------------------------------------------------------------
    // An element of c is one chain of fused multiply-adds in ascending order of depth, from 0 or,
    // with CK_ACCUMULATE, from what c holds. Hence a product cut by rows or columns, or by depth
    // in ascending order, has the same bits. c may not overlap what is read. A product takes up to
    // 320 KiB of its caller's stack.

    /// Brings b[depth, columns] into the order that this table's `multiply` reads. `packed` has
    /// ck_packed_count(columns, depth) floats.
    void (*pack)(float *packed, const float *b, ptrdiff_t b_stride, ptrdiff_t columns,
                 ptrdiff_t depth);
    /// The same from bᵀ[columns, depth], as the weights [outputs, inputs] of y = x · wᵀ lie.
    void (*pack_transposed)(float *packed, const float *b, ptrdiff_t b_stride, ptrdiff_t columns,
                            ptrdiff_t depth);
    /// c[rows, columns] (+)= a[rows, depth] · b, packed by this table.
    void (*multiply)(float *c, const float *a, const float *packed, const ck_product *product);
    /// c[rows, columns] (+)= a[depth, rows]ᵀ · b[depth, columns].
    void (*multiply_transposed)(float *c, const float *a, const float *b,
                                const ck_product *product);

    // ---- update rules -------------------------------------------------------------------------

    /// d = fma(weight_decay, w, gradient_scale · g); velocity = fma(momentum, velocity, d);
    /// w = fma(−learning_rate, velocity, w).
    void (*momentum_sgd)(float *w, float *velocity, const float *g, float learning_rate,
                         float momentum, float weight_decay, float gradient_scale,
                         ptrdiff_t count);
    /// AdamW: with d = gradient_scale·g, first = fma(β1, first, (1−β1)·d),
    /// second = fma(β2, second, ((1−β2)·d)·d), w = fma(−learning_rate·weight_decay, w, w), then
    /// w = fma(−learning_rate/first_correction, first / (√second/√second_correction + ε), w).
    void (*adamw)(float *w, float *first, float *second, const float *g, const ck_adamw *constants,
                  ptrdiff_t count);
    /// average = fma(rate, x − average, average)
    void (*moving_average)(float *average, const float *x, float rate, ptrdiff_t count);
} ck_table;

/// Instruction sets that have a table.
typedef enum ck_isa { CK_GENERIC = 0, CK_AVX2 = 1, CK_AVX512 = 2, CK_NEON = 3 } ck_isa;

/// The kernels for `level`, NULL if this processor or build lacks it. Every machine has CK_GENERIC.
const ck_table *ck_table_for(ck_isa level);
/// The fastest level this processor and operating system offer; never changes.
ck_isa ck_best_isa(void);
/// ck_table_for(ck_best_isa()).
const ck_table *ck_kernels(void);

/// The twins: the same operations written separately as plain scalar loops, for tests. Every level
/// of ck_table_for equals this table to the bit.
const ck_table *ck_twin_table(void);

// ---- matrix products of bfloat16 ---------------------------------------------------------------

/// The matrix products with operands rounded to bfloat16 (to nearest even, subnormals to 0, NaN kept)
/// while they are packed; c and the sums are float32. Terms 2k and 2k + 1 of a sum share a word, lower
/// and upper half; an odd depth is filled up with 0. All sums take and give 0 for subnormals; their products
/// are added by fused multiply-adds. There are two orders, with bits of their own.
/// Pairs: an element of c is one chain in ascending order of words, each adding its upper halves' product,
/// then its lower ones'. Hence a product cut by rows or columns, or by an even depth in ascending order,
/// has the same bits.
/// Tiles: sixteen words at a time, in ascending order, the lower halves' products are one chain from 0, the
/// upper ones' another, and the sum of both is added to the element. Hence a product may be cut by rows or
/// columns, or by a depth that is a multiple of 32. Conventions are those of ck_table's products.
typedef struct ck_bfloat16_table {
    const char *name;
    /// As ck_table.pack; `packed` has ck_bfloat16_packed_count(columns, depth) words. Columns from a
    /// multiple of CK_PANEL on begin at packed + column · ((depth + 1) / 2).
    void (*pack)(uint32_t *packed, const float *b, ptrdiff_t b_stride, ptrdiff_t columns,
                 ptrdiff_t depth);
    /// The same from bᵀ[columns, depth].
    void (*pack_transposed)(uint32_t *packed, const float *b, ptrdiff_t b_stride,
                            ptrdiff_t columns, ptrdiff_t depth);
    /// c[rows, columns] (+)= a[rows, depth] · b, packed.
    void (*multiply)(float *c, const float *a, const uint32_t *packed, const ck_product *product);
    /// c[rows, columns] (+)= a[depth, rows]ᵀ · b[depth, columns].
    void (*multiply_transposed)(float *c, const float *a, const float *b,
                                const ck_product *product);
} ck_bfloat16_table;

/// The products of bfloat16 by pairs beside a table of kernels: those of vdpbf16ps beside "avx512" where the
/// processor has AVX-512 BF16, their twins beside the twins (the same packed words and the same bits),
/// else NULL.
const ck_bfloat16_table *ck_bfloat16_beside(const ck_table *kernels);
/// Likewise by tiles: those of tdpbf16ps where processor and operating system have AMX BF16 as well.
const ck_bfloat16_table *ck_bfloat16_tiles_beside(const ck_table *kernels);
/// Words of b[depth, columns] when packed.
ptrdiff_t ck_bfloat16_packed_count(ptrdiff_t columns, ptrdiff_t depth);

// ---- one implementation for all processors ---------------------------------------------------

/// From totals over `rows` of (x − shift) and its square: mean, biased variance's
/// inverse_deviation = 1/√(variance + epsilon), and unbiased_variance = variance·rows/(rows − 1)
/// (rows ≥ 2), all [channels], computed in double. `shift` may be NULL (0), unbiased_variance too.
void ck_batch_norm_statistics(float *mean, float *inverse_deviation, float *unbiased_variance,
                              const double *sum, const double *square, const float *shift,
                              double epsilon, ptrdiff_t rows, ptrdiff_t channels);
/// inverse_deviation = 1/√(variance + epsilon) in double: evaluation mode.
void ck_inverse_deviation(float *inverse_deviation, const float *variance, double epsilon,
                          ptrdiff_t channels);
/// out = (float)(factor · total): the end of a sum kept in double.
void ck_round_totals(float *out, const double *total, double factor, ptrdiff_t count);
/// Floats that every table's packed form of b[depth, columns] fits into.
ptrdiff_t ck_packed_count(ptrdiff_t columns, ptrdiff_t depth);
/// out[c, r] = in[r, c]. No overlap. [C, 1, k, k] → [k², C] is rows = C, columns = k².
void ck_transpose(float *out, const float *in, ptrdiff_t rows, ptrdiff_t columns);
/// [O, I, kH, kW] → [O, kH, kW, I] with taps = kH·kW. No overlap.
void ck_weights_to_channels_last(float *out, const float *in, ptrdiff_t outputs, ptrdiff_t inputs,
                                 ptrdiff_t taps);
/// [O, kH, kW, I] → [O, I, kH, kW] with taps = kH·kW. No overlap.
void ck_weights_to_channels_first(float *out, const float *in, ptrdiff_t outputs, ptrdiff_t inputs,
                                  ptrdiff_t taps);
/// Nearest neighbour of labels [in_height, in_width] → [out_height, out_width], corners aligned:
/// output o takes input o·(in − 1)/(out − 1) rounded, halves up; 0 if out = 1. No overlap.
void ck_resize_labels_nearest(uint8_t *out, const uint8_t *in, ptrdiff_t in_height,
                              ptrdiff_t in_width, ptrdiff_t out_height, ptrdiff_t out_width);
/// Number of labels below `classes`: the valid pixels of a hard loss.
ptrdiff_t ck_count_valid_labels(const uint8_t *labels, ptrdiff_t classes, ptrdiff_t count);

/// Philox4x32-10 (Salmon et al. 2011): one block. counter: 4 words, key: 2 words, out: 4 words.
void ck_philox_block(uint32_t *out, const uint32_t *counter, const uint32_t *key);
/// 64 random bits: words 0 (low) and 1 of Philox at counter (index, stream) under `key`.
uint64_t ck_philox_u64(uint64_t key, uint64_t stream, uint64_t index);
/// Uniform in [0, 1): the top 53 bits of ck_philox_u64.
double ck_philox_uniform_f64(uint64_t key, uint64_t stream, uint64_t index);
/// Standard normal by Box–Muller from all four words at counter (index, stream).
double ck_philox_normal_f64(uint64_t key, uint64_t stream, uint64_t index);

/// e^x, natural logarithm, sine and cosine (radians, |x| ≤ 2²⁰·π), in double with at most 2 ulp
/// (units in the last place) of error and the same bits everywhere.
double ck_exp_f64(double x);
double ck_log_f64(double x);
double ck_sin_f64(double x);
double ck_cos_f64(double x);
/// x^y = exp(y · log x) with the logarithm carried beyond double, at most 2 ulp; x ≥ 0.
/// x^0 = 1; 0^y = 0 for y > 0, +∞ for y < 0; NaN for x < 0.
double ck_pow_f64(double x, double y);

// ---- limits -----------------------------------------------------------------------------------

/// Keeps the arithmetic units busy with `rounds` ≥ 0 of independent fused multiply-adds in
/// registers and returns how many operations that were (a multiply-add is two); 0 at a level that
/// this build or processor lacks.
double ck_fma_burst(ck_isa level, ptrdiff_t rounds);

// ---- threads ----------------------------------------------------------------------------------

/// A fixed set of threads that share out numbered tiles.
typedef struct ck_pool ck_pool;
/// `thread` is below the pool's thread count, and the same for no two tiles that run at a time: it
/// chooses scratch memory and nothing that a result depends on.
typedef void (*ck_tile_function)(void *context, ptrdiff_t tile, ptrdiff_t thread);

/// A pool of `threads` ≥ 1 including the caller of ck_pool_run, or NULL if they cannot be started.
ck_pool *ck_pool_create(ptrdiff_t threads);
/// Calls function(context, tile, thread) once for each tile in 0..<count, on any thread in any order, and
/// returns when all are done; their writes are then visible to the caller. Not to be called from
/// within a tile nor by two threads at a time (checked: aborts).
void ck_pool_run(ck_pool *pool, ptrdiff_t count, ck_tile_function function, void *context);
ptrdiff_t ck_pool_thread_count(const ck_pool *pool);
/// Ends the threads and frees the pool; no run may be in progress. NULL is allowed.
void ck_pool_destroy(ck_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
