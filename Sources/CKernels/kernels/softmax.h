// Softmax along rows and the two cross-entropies, in blocks of 16 rows whose logarithms are taken
// together.

CK_INLINE float row_max(const float *x, ptrdiff_t channels) {
    Lanes top = lanes_of(-__builtin_inff());
    for (ptrdiff_t c = 0; c < channels; c += 16)
        for (int p = 0; p < PARTS; p++) {
            ptrdiff_t at = c + p * W, n = channels - at;
            if (n <= 0) break;
            V v = keep_lanes(load(x + at, n), n, splat(-__builtin_inff()));
            top.part[p] = larger(v, top.part[p]);
        }
    return fold_max(top);
}

/// Σ exp(x − top); the terms go to out unless it is NULL.
CK_INLINE float exponentials(float *out, const float *x, float top, ptrdiff_t channels) {
    Lanes sum = lanes_of(0);
    for (ptrdiff_t c = 0; c < channels; c += 16)
        for (int p = 0; p < PARTS; p++) {
            ptrdiff_t at = c + p * W, n = channels - at;
            if (n <= 0) break;
            V e = vector_exp(load(x + at, n) - splat(top));
            if (out) store(out + at, e, n);
            sum.part[p] += keep_lanes(e, n, (V){0});
        }
    return fold_sum(sum);
}

static void softmax_rows(float *out, const float *x, ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        float *row = out + r * channels;
        float top = row_max(x + r * channels, channels);
        float sum = exponentials(row, x + r * channels, top, channels);
        scale(row, row, 1.0f / sum, channels);
    }
}

/// losses[i] = total[i]·log(sum[i]) − chosen[i] for a block of 16 rows.
CK_INLINE void block_losses(float *losses, const float *sum, const float *total,
                            const float *chosen) {
    for (int i = 0; i < 16; i += W) {
        V log_sum = vector_log(load_full(sum + i));
        V loss = fused(load_full(total + i), log_sum, -load_full(chosen + i));
        store_full(losses + i, loss);
    }
}

static ptrdiff_t cross_entropy_hard(float *d_logits, double *loss, const float *x,
                                    const uint8_t *labels, float factor, ptrdiff_t rows,
                                    ptrdiff_t channels) {
    double total = 0;
    ptrdiff_t valid = 0;
    for (ptrdiff_t begin = 0; begin < rows; begin += 16) {
        float sum[16], ones[16], chosen[16], losses[16];
        int counted[16];
        for (int i = 0; i < 16; i++) sum[i] = ones[i] = 1, chosen[i] = 0, counted[i] = 0;
        for (ptrdiff_t r = begin; r < rows && r < begin + 16; r++) {
            const float *row = x + r * channels;
            float *gradient = d_logits ? d_logits + r * channels : NULL;
            ptrdiff_t label = labels[r], i = r - begin;
            if (label >= channels) {
                if (gradient) fill_zero(gradient, channels);
                continue;
            }
            float top = row_max(row, channels);
            chosen[i] = row[label] - top;
            sum[i] = exponentials(gradient, row, top, channels);
            counted[i] = 1;
            valid++;
            if (!gradient) continue;
            float weight = factor / sum[i];
            float at_label = __builtin_fmaf(gradient[label], weight, -factor);
            scale(gradient, gradient, weight, channels);
            gradient[label] = at_label;
        }
        block_losses(losses, sum, ones, chosen);
        for (int i = 0; i < 16; i++)
            if (counted[i]) total += (double)losses[i];
    }
    *loss = total;
    return valid;
}

/// Σ target and Σ target · (x − top).
CK_INLINE void target_sums(float *mass, float *chosen, const float *x, const float *target,
                           float top, ptrdiff_t channels) {
    Lanes sum = lanes_of(0), product = lanes_of(0);
    for (ptrdiff_t c = 0; c < channels; c += 16)
        for (int p = 0; p < PARTS; p++) {
            ptrdiff_t at = c + p * W, n = channels - at;
            if (n <= 0) break;
            V t = load(target + at, n), d = load(x + at, n) - splat(top);
            sum.part[p] += t;
            product.part[p] = fused(t, d, product.part[p]);
        }
    *mass = fold_sum(sum);
    *chosen = fold_sum(product);
}

static void cross_entropy_soft(float *d_logits, double *loss, const float *x, const float *target,
                               const float *weight, float factor, ptrdiff_t rows,
                               ptrdiff_t channels) {
    double total = 0;
    for (ptrdiff_t begin = 0; begin < rows; begin += 16) {
        float sum[16], mass[16], chosen[16], losses[16];
        for (int i = 0; i < 16; i++) sum[i] = 1, mass[i] = chosen[i] = 0;
        for (ptrdiff_t r = begin; r < rows && r < begin + 16; r++) {
            const float *row = x + r * channels, *goal = target + r * channels;
            float *gradient = d_logits ? d_logits + r * channels : NULL;
            ptrdiff_t i = r - begin;
            if (weight && weight[r] == 0) {
                if (gradient) fill_zero(gradient, channels);
                continue;
            }
            float top = row_max(row, channels);
            target_sums(&mass[i], &chosen[i], row, goal, top, channels);
            sum[i] = exponentials(gradient, row, top, channels);
            if (!gradient) continue;
            float step = weight ? factor * weight[r] : factor;
            V slope = splat(step * (mass[i] / sum[i])), minus = splat(-step);
            for (ptrdiff_t c = 0; c < channels; c += W) {
                ptrdiff_t n = channels - c;
                V pulled = minus * load(goal + c, n);
                store(gradient + c, fused(slope, load(gradient + c, n), pulled), n);
            }
        }
        block_losses(losses, sum, mass, chosen);
        for (ptrdiff_t r = begin; r < rows && r < begin + 16; r++) {
            if (weight && weight[r] == 0) continue;
            double row_loss = (double)losses[r - begin];
            total += weight ? row_loss * (double)weight[r] : row_loss;
        }
    }
    *loss = total;
}

static void argmax_rows(uint8_t *out, const float *x, ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        const float *row = x + r * channels;
        ptrdiff_t best = 0;
        for (ptrdiff_t c = 1; c < channels; c++)
            if (row[c] > row[best] || (row[best] != row[best] && row[c] == row[c])) best = c;
        out[r] = (uint8_t)best;
    }
}
