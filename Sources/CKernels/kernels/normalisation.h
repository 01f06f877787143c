// Column sums and batch normalisation (Ioffe and Szegedy 2015) over rows × channels.
// Sums run down the rows in registers, COLUMNS vectors side by side. Rows are taken in bands, the
// partial chains waiting in the output meanwhile, so that memory is read nearly in order.

enum { COLUMNS = CK_WIDTH == 16 ? 8 : 4, BAND = 8 };

CK_INLINE ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

CK_INLINE void fill_zero(float *out, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W) store(out + i, (V){0}, count - i);
}

CK_INLINE void sum_block(float *sum, const float *x, ptrdiff_t rows, ptrdiff_t channels, int width,
                         ptrdiff_t lanes) {
    V total[COLUMNS];
    for (int j = 0; j < width; j++) total[j] = load(sum + j * W, lanes);
    for (ptrdiff_t r = 0; r < rows; r++)
        for (int j = 0; j < width; j++) total[j] += load(x + r * channels + j * W, lanes);
    for (int j = 0; j < width; j++) store(sum + j * W, total[j], lanes);
}

static void column_sums(float *sum, const float *x, ptrdiff_t rows, ptrdiff_t channels) {
    fill_zero(sum, channels);
    for (ptrdiff_t band = 0; band < rows; band += BAND) {
        ptrdiff_t height = smaller(BAND, rows - band), c = 0;
        const float *in = x + band * channels;
        for (; c + COLUMNS * W <= channels; c += COLUMNS * W)
            sum_block(sum + c, in + c, height, channels, COLUMNS, W);
        for (; c < channels; c += W)
            sum_block(sum + c, in + c, height, channels, 1, smaller(W, channels - c));
    }
}

CK_INLINE void moments_block(float *sum, float *square, const float *x, const float *shift,
                             ptrdiff_t rows, ptrdiff_t channels, int width, ptrdiff_t lanes) {
    V total[COLUMNS], squares[COLUMNS], m[COLUMNS];
    for (int j = 0; j < width; j++) {
        total[j] = load(sum + j * W, lanes);
        squares[j] = load(square + j * W, lanes);
        m[j] = shift ? load(shift + j * W, lanes) : (V){0};
    }
    for (ptrdiff_t r = 0; r < rows; r++)
        for (int j = 0; j < width; j++) {
            V d = load(x + r * channels + j * W, lanes) - m[j];
            total[j] += d;
            squares[j] = fused(d, d, squares[j]);
        }
    for (int j = 0; j < width; j++) {
        store(sum + j * W, total[j], lanes);
        store(square + j * W, squares[j], lanes);
    }
}

static void batch_norm_sums(float *sum, float *square, const float *x, const float *shift,
                            ptrdiff_t rows, ptrdiff_t channels) {
    fill_zero(sum, channels);
    fill_zero(square, channels);
    for (ptrdiff_t band = 0; band < rows; band += BAND) {
        ptrdiff_t height = smaller(BAND, rows - band), c = 0;
        const float *in = x + band * channels;
        for (; c + COLUMNS * W <= channels; c += COLUMNS * W)
            moments_block(sum + c, square + c, in + c, shift ? shift + c : NULL, height, channels,
                          COLUMNS, W);
        for (; c < channels; c += W)
            moments_block(sum + c, square + c, in + c, shift ? shift + c : NULL, height, channels,
                          1, smaller(W, channels - c));
    }
}

/// W channels of `height` rows, for which the constants are loaded once; the pointers point at the first.
CK_INLINE void apply_block(float *y, const float *x, const float *mean,
                           const float *inverse_deviation, const float *gamma, const float *beta,
                           ck_activation activation, ptrdiff_t height, ptrdiff_t channels,
                           ptrdiff_t lanes) {
    V factor = load(gamma, lanes) * load(inverse_deviation, lanes);
    V m = load(mean, lanes), b = load(beta, lanes);
    for (ptrdiff_t r = 0; r < height; r++) {
        V d = load(x + r * channels, lanes) - m;
        store(y + r * channels, activated(fused(d, factor, b), activation), lanes);
    }
}

CK_INLINE void apply_rows(float *y, const float *x, const float *mean,
                          const float *inverse_deviation, const float *gamma, const float *beta,
                          ck_activation activation, ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t band = 0; band < rows; band += BAND) {
        ptrdiff_t height = smaller(BAND, rows - band), at = band * channels, c = 0;
        for (; c + W <= channels; c += W)
            apply_block(y + at + c, x + at + c, mean + c, inverse_deviation + c, gamma + c,
                        beta + c, activation, height, channels, W);
        if (c < channels)
            apply_block(y + at + c, x + at + c, mean + c, inverse_deviation + c, gamma + c,
                        beta + c, activation, height, channels, channels - c);
    }
}

static void batch_norm_apply(float *y, const float *x, const float *mean,
                             const float *inverse_deviation, const float *gamma, const float *beta,
                             ck_activation activation, ptrdiff_t rows, ptrdiff_t channels) {
    switch (activation) {
    case CK_NONE:
        apply_rows(y, x, mean, inverse_deviation, gamma, beta, CK_NONE, rows, channels);
        break;
    case CK_RELU:
        apply_rows(y, x, mean, inverse_deviation, gamma, beta, CK_RELU, rows, channels);
        break;
    case CK_RELU6:
        apply_rows(y, x, mean, inverse_deviation, gamma, beta, CK_RELU6, rows, channels);
        break;
    }
}

/// What a channel's backward pass needs, for W channels.
typedef struct {
    V mean, inverse, factor, beta;
} Normaliser;

CK_INLINE Normaliser normaliser(const float *mean, const float *inverse_deviation,
                                const float *gamma, const float *beta, ptrdiff_t n) {
    V inverse = load(inverse_deviation, n);
    return (Normaliser){load(mean, n), inverse, load(gamma, n) * inverse, load(beta, n)};
}

CK_INLINE V gradient_before(Normaliser k, V d, V dy, ck_activation activation) {
    if (activation == CK_NONE) return dy;
    return activation_gradient(dy, fused(d, k.factor, k.beta), activation);
}

typedef struct {
    float *sum_dy, *sum_dy_xhat;
    const float *x, *dy, *mean, *inverse_deviation, *gamma, *beta;
    ptrdiff_t rows, channels;
} BackwardSums;

CK_INLINE void backward_sums_block(const BackwardSums *s, ptrdiff_t row, ptrdiff_t height,
                                   ptrdiff_t c, ck_activation activation, int width,
                                   ptrdiff_t lanes) {
    V total[4], product[4];
    Normaliser k[4];
    for (int j = 0; j < width; j++) {
        ptrdiff_t at = c + j * W;
        total[j] = load(s->sum_dy + at, lanes);
        product[j] = load(s->sum_dy_xhat + at, lanes);
        k[j] = normaliser(s->mean + at, s->inverse_deviation + at, s->gamma + at, s->beta + at,
                          lanes);
    }
    for (ptrdiff_t r = row; r < row + height; r++)
        for (int j = 0; j < width; j++) {
            ptrdiff_t at = r * s->channels + c + j * W;
            V d = load(s->x + at, lanes) - k[j].mean;
            V g = gradient_before(k[j], d, load(s->dy + at, lanes), activation);
            total[j] += g;
            product[j] = fused(g, d * k[j].inverse, product[j]);
        }
    for (int j = 0; j < width; j++) {
        store(s->sum_dy + c + j * W, total[j], lanes);
        store(s->sum_dy_xhat + c + j * W, product[j], lanes);
    }
}

CK_INLINE void backward_sums(const BackwardSums *s, ck_activation activation) {
    fill_zero(s->sum_dy, s->channels);
    fill_zero(s->sum_dy_xhat, s->channels);
    for (ptrdiff_t band = 0; band < s->rows; band += BAND) {
        ptrdiff_t height = smaller(BAND, s->rows - band), c = 0;
        enum { WIDE = CK_WIDTH == 16 ? 4 : 2 };
        for (; c + WIDE * W <= s->channels; c += WIDE * W)
            backward_sums_block(s, band, height, c, activation, WIDE, W);
        for (; c < s->channels; c += W)
            backward_sums_block(s, band, height, c, activation, 1, smaller(W, s->channels - c));
    }
}

static void batch_norm_backward_sums(float *sum_dy, float *sum_dy_xhat, const float *x,
                                     const float *dy, const float *mean,
                                     const float *inverse_deviation, const float *gamma,
                                     const float *beta, ck_activation activation, ptrdiff_t rows,
                                     ptrdiff_t channels) {
    const BackwardSums s = {sum_dy, sum_dy_xhat, x, dy, mean, inverse_deviation, gamma, beta, rows,
                            channels};
    switch (activation) {
    case CK_NONE: backward_sums(&s, CK_NONE); break;
    case CK_RELU: backward_sums(&s, CK_RELU); break;
    case CK_RELU6: backward_sums(&s, CK_RELU6); break;
    }
}

typedef struct {
    float *dx;
    const float *x, *dy, *mean, *inverse_deviation, *gamma, *beta, *mean_dy, *mean_dy_xhat;
    ptrdiff_t rows, channels;
} BackwardApply;

/// W channels from c of `height` rows from `row` on, for which the constants are loaded once.
CK_INLINE void backward_apply_block(const BackwardApply *s, ptrdiff_t row, ptrdiff_t height,
                                    ptrdiff_t c, ck_activation activation, int frozen,
                                    ptrdiff_t lanes) {
    Normaliser k = normaliser(s->mean + c, s->inverse_deviation + c, s->gamma + c, s->beta + c,
                              lanes);
    V mean_dy = frozen ? (V){0} : load(s->mean_dy + c, lanes);
    V mean_dy_xhat = frozen ? (V){0} : load(s->mean_dy_xhat + c, lanes);
    for (ptrdiff_t r = row; r < row + height; r++) {
        ptrdiff_t at = r * s->channels + c;
        V d = load(s->x + at, lanes) - k.mean;
        V g = gradient_before(k, d, load(s->dy + at, lanes), activation);
        if (!frozen) g = fused(-(d * k.inverse), mean_dy_xhat, g - mean_dy);
        store(s->dx + at, k.factor * g, lanes);
    }
}

CK_INLINE void backward_apply(const BackwardApply *s, ck_activation activation, int frozen) {
    for (ptrdiff_t band = 0; band < s->rows; band += BAND) {
        ptrdiff_t height = smaller(BAND, s->rows - band), c = 0;
        for (; c + W <= s->channels; c += W)
            backward_apply_block(s, band, height, c, activation, frozen, W);
        if (c < s->channels)
            backward_apply_block(s, band, height, c, activation, frozen, s->channels - c);
    }
}

static void batch_norm_backward_apply(float *dx, const float *x, const float *dy,
                                      const float *mean, const float *inverse_deviation,
                                      const float *gamma, const float *beta, const float *mean_dy,
                                      const float *mean_dy_xhat, ck_activation activation,
                                      ptrdiff_t rows, ptrdiff_t channels) {
    const BackwardApply s = {dx, x, dy, mean, inverse_deviation, gamma, beta, mean_dy,
                             mean_dy_xhat, rows, channels};
    if (mean_dy == NULL || mean_dy_xhat == NULL) {
        backward_apply(&s, activation, 1);
        return;
    }
    switch (activation) {
    case CK_NONE: backward_apply(&s, CK_NONE, 0); break;
    case CK_RELU: backward_apply(&s, CK_RELU, 0); break;
    case CK_RELU6: backward_apply(&s, CK_RELU6, 0); break;
    }
}
