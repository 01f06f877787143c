// Depthwise k×k convolution. Forward and backward-data both gather: an output position is a chain
// over a list of taps (source address, weights). OUTPUTS positions of a row that share their list
// are computed together, so that each weight is loaded once for all of them.

enum { MAX_KERNEL = 7, MAX_TAPS = MAX_KERNEL * MAX_KERNEL, OUTPUTS = 4 };

/// The taps of one output position: pairs of source and weights, each [channels].
typedef struct {
    const float *source[MAX_TAPS], *weight[MAX_TAPS];
    ptrdiff_t count;
} Taps;

/// `outputs` positions, `out_step` apart in y and `source_step` apart in the source, on `width`
/// vectors of channels from c, `lanes` channels in all.
CK_INLINE void gather_taps(float *y, const Taps *taps, ptrdiff_t offset, ptrdiff_t out_step,
                           ptrdiff_t source_step, ptrdiff_t c, int outputs, int width,
                           ptrdiff_t lanes) {
    V sum[OUTPUTS][2];
    for (int j = 0; j < outputs; j++)
        for (int v = 0; v < width; v++) sum[j][v] = (V){0};
    for (ptrdiff_t t = 0; t < taps->count; t++) {
        const float *source = taps->source[t] + offset + c;
        V w[2];
        for (int v = 0; v < width; v++) w[v] = load(taps->weight[t] + c + v * W, lanes - v * W);
        for (int j = 0; j < outputs; j++)
            for (int v = 0; v < width; v++) {
                V value = load(source + j * source_step + v * W, lanes - v * W);
                sum[j][v] = fused(value, w[v], sum[j][v]);
            }
    }
    for (int j = 0; j < outputs; j++)
        for (int v = 0; v < width; v++)
            store(y + c + j * out_step + v * W, sum[j][v], lanes - v * W);
}

CK_INLINE void gather_channels(float *y, const Taps *taps, ptrdiff_t offset, ptrdiff_t out_step,
                               ptrdiff_t source_step, ptrdiff_t channels, int outputs) {
    ptrdiff_t c = 0;
    for (; c + 2 * W <= channels; c += 2 * W)
        gather_taps(y, taps, offset, out_step, source_step, c, outputs, 2, 2 * W);
    for (; c < channels; c += W)
        gather_taps(y, taps, offset, out_step, source_step, c, outputs, 1,
                    smaller(W, channels - c));
}

/// `count` positions from y on. A last block may overlap the one before: it writes equal values.
CK_INLINE void gather_run(float *y, const Taps *taps, ptrdiff_t count, ptrdiff_t out_step,
                          ptrdiff_t source_step, ptrdiff_t channels) {
    if (count < OUTPUTS) {
        for (ptrdiff_t x = 0; x < count; x++)
            gather_channels(y + x * out_step, taps, x * source_step, out_step, source_step,
                            channels, 1);
        return;
    }
    for (ptrdiff_t next = 0; next < count; next += OUTPUTS) {
        ptrdiff_t x = next + OUTPUTS <= count ? next : count - OUTPUTS;
        gather_channels(y + x * out_step, taps, x * source_step, out_step, source_step, channels,
                        OUTPUTS);
    }
}

/// ⌈a / b⌉ for b > 0.
CK_INLINE ptrdiff_t ceiling(ptrdiff_t a, ptrdiff_t b) {
    return a > 0 ? (a + b - 1) / b : -(-a / b);
}

CK_INLINE ptrdiff_t clamp(ptrdiff_t v, ptrdiff_t low, ptrdiff_t high) {
    return v < low ? low : v > high ? high : v;
}

/// Taps of output (oy, ox) within the image, whose row 0 lies `image_row` rows behind x.
CK_INLINE void forward_taps(Taps *taps, const float *x, ptrdiff_t image_row, const float *weight,
                            const ck_window *w, ptrdiff_t oy, ptrdiff_t ox) {
    taps->count = 0;
    for (ptrdiff_t ky = 0; ky < w->kernel; ky++) {
        ptrdiff_t iy = oy * w->stride + ky * w->dilation - w->padding;
        if (iy < 0 || iy >= w->in_height) continue;
        for (ptrdiff_t kx = 0; kx < w->kernel; kx++) {
            ptrdiff_t ix = ox * w->stride + kx * w->dilation - w->padding;
            if (ix < 0 || ix >= w->in_width) continue;
            ptrdiff_t at = (image_row + iy) * w->in_width + ix;
            taps->source[taps->count] = x + at * w->channels;
            taps->weight[taps->count++] = weight + (ky * w->kernel + kx) * w->channels;
        }
    }
}

static void depthwise_forward(float *y, const float *x, ptrdiff_t x_row_begin,
                              const float *weight, const ck_window *window, ptrdiff_t row_begin,
                              ptrdiff_t row_end) {
    const ck_window *w = window;
    ptrdiff_t channels = w->channels, reach = (w->kernel - 1) * w->dilation;
    // Positions whose taps are all inside horizontally.
    ptrdiff_t left = clamp(ceiling(w->padding, w->stride), 0, w->out_width);
    ptrdiff_t beyond = ceiling(w->in_width + w->padding - reach, w->stride);
    ptrdiff_t right = clamp(beyond, left, w->out_width);
    Taps taps;
    for (ptrdiff_t row = row_begin; row < row_end; row++) {
        ptrdiff_t image = row / w->out_height, oy = row % w->out_height;
        ptrdiff_t image_row = image * w->in_height - x_row_begin;
        float *out = y + row * w->out_width * channels;
        for (ptrdiff_t ox = 0; ox < w->out_width; ox++) {
            forward_taps(&taps, x, image_row, weight, w, oy, ox);
            ptrdiff_t run = ox == left && left < right ? right - left : 1;
            gather_run(out + ox * channels, &taps, run, channels, w->stride * channels, channels);
            ox += run - 1;
        }
    }
}

/// Taps of input (iy, ix): the outputs that read it.
CK_INLINE void backward_taps(Taps *taps, const float *image, const float *weight,
                             const ck_window *w, ptrdiff_t iy, ptrdiff_t ix) {
    taps->count = 0;
    for (ptrdiff_t ky = 0; ky < w->kernel; ky++) {
        ptrdiff_t sy = iy + w->padding - ky * w->dilation;
        if (sy < 0 || sy % w->stride != 0 || sy / w->stride >= w->out_height) continue;
        for (ptrdiff_t kx = 0; kx < w->kernel; kx++) {
            ptrdiff_t sx = ix + w->padding - kx * w->dilation;
            if (sx < 0 || sx % w->stride != 0 || sx / w->stride >= w->out_width) continue;
            ptrdiff_t at = sy / w->stride * w->out_width + sx / w->stride;
            taps->source[taps->count] = image + at * w->channels;
            taps->weight[taps->count++] = weight + (ky * w->kernel + kx) * w->channels;
        }
    }
}

static void depthwise_backward_data(float *dx, const float *dy, ptrdiff_t dy_row_begin,
                                    const float *weight, const ck_window *window,
                                    ptrdiff_t row_begin, ptrdiff_t row_end) {
    const ck_window *w = window;
    ptrdiff_t channels = w->channels, stride = w->stride, reach = (w->kernel - 1) * w->dilation;
    // Positions at which no tap of matching residue falls outside horizontally.
    ptrdiff_t left = clamp(reach - w->padding, 0, w->in_width);
    ptrdiff_t right = clamp(w->out_width * stride - w->padding, left, w->in_width);
    Taps taps;
    for (ptrdiff_t row = row_begin; row < row_end; row++) {
        ptrdiff_t image = row / w->in_height, iy = row % w->in_height;
        const float *in = dy + (image * w->out_height - dy_row_begin) * w->out_width * channels;
        float *out = dx + row * w->in_width * channels;
        for (ptrdiff_t residue = 0; residue < stride; residue++)
            for (ptrdiff_t ix = residue; ix < w->in_width; ix += stride) {
                backward_taps(&taps, in, weight, w, iy, ix);
                ptrdiff_t inside = ix >= left && ix < right;
                ptrdiff_t run = inside ? (right - ix + stride - 1) / stride : 1;
                gather_run(out + ix * channels, &taps, run, stride * channels, channels, channels);
                ix += (run - 1) * stride;
            }
    }
}

/// One output row and one ky: adds to d_weight[kx] (kx < 3) the chains along the row. x and dy
/// point at channel c; columns [first[kx], last[kx]) are inside for tap kx.
CK_INLINE void weight_row_3(float *d_weight, const float *x, const float *dy, const ck_window *w,
                            const ptrdiff_t *first, const ptrdiff_t *last, int width,
                            ptrdiff_t lanes) {
    V sum[3][4];
    for (int k = 0; k < 3; k++)
        for (int j = 0; j < width; j++) sum[k][j] = (V){0};
    ptrdiff_t step = w->stride * w->channels, tap = w->dilation * w->channels;
    ptrdiff_t inner = first[0] < last[2] ? first[0] : last[2];
    ptrdiff_t bounds[4] = {0, inner, last[2] > inner ? last[2] : inner, w->out_width};
    for (int part = 0; part < 3; part++)
        for (ptrdiff_t ox = bounds[part]; ox < bounds[part + 1]; ox++) {
            const float *source = x + ox * step - w->padding * w->channels;
            const float *gradient = dy + ox * w->channels;
            for (int k = 0; k < 3; k++) {
                if (part != 1 && (ox < first[k] || ox >= last[k])) continue;
                for (int j = 0; j < width; j++) {
                    V g = load(gradient + j * W, lanes);
                    sum[k][j] = fused(load(source + k * tap + j * W, lanes), g, sum[k][j]);
                }
            }
        }
    for (int k = 0; k < 3; k++)
        for (int j = 0; j < width; j++) {
            float *out = d_weight + k * w->channels + j * W;
            if (first[k] < last[k]) store(out, load(out, lanes) + sum[k][j], lanes);
        }
}

CK_INLINE void weight_row_any(float *d_weight, const float *x, const float *dy,
                              const ck_window *w, ptrdiff_t k, ptrdiff_t first, ptrdiff_t last) {
    if (first >= last) return;
    for (ptrdiff_t c = 0; c < w->channels; c += W) {
        ptrdiff_t n = w->channels - c;
        V sum = {0};
        for (ptrdiff_t ox = first; ox < last; ox++) {
            ptrdiff_t ix = ox * w->stride + k * w->dilation - w->padding;
            V source = load(x + ix * w->channels + c, n);
            sum = fused(source, load(dy + ox * w->channels + c, n), sum);
        }
        store(d_weight + c, load(d_weight + c, n) + sum, n);
    }
}

static void depthwise_backward_weight(float *d_weight, const float *x, ptrdiff_t x_row_begin,
                                      const float *dy, ptrdiff_t dy_row_begin,
                                      const ck_window *window, ptrdiff_t row_begin,
                                      ptrdiff_t row_end, ck_store store_kind) {
    const ck_window *w = window;
    ptrdiff_t channels = w->channels, k = w->kernel, first[MAX_KERNEL], last[MAX_KERNEL];
    if (store_kind == CK_OVERWRITE) fill_zero(d_weight, k * k * channels);
    for (ptrdiff_t kx = 0; kx < k; kx++) {
        ptrdiff_t shift = w->padding - kx * w->dilation;
        first[kx] = clamp(ceiling(shift, w->stride), 0, w->out_width);
        last[kx] = clamp(ceiling(w->in_width + shift, w->stride), first[kx], w->out_width);
    }
    for (ptrdiff_t row = row_begin; row < row_end; row++) {
        ptrdiff_t image = row / w->out_height, oy = row % w->out_height;
        const float *gradient = dy + (row - dy_row_begin) * w->out_width * channels;
        for (ptrdiff_t ky = 0; ky < k; ky++) {
            ptrdiff_t iy = oy * w->stride + ky * w->dilation - w->padding;
            if (iy < 0 || iy >= w->in_height) continue;
            ptrdiff_t in_row = image * w->in_height + iy - x_row_begin;
            const float *source = x + in_row * w->in_width * channels;
            float *out = d_weight + ky * k * channels;
            ptrdiff_t c = 0;
            for (; k == 3 && c + 4 * W <= channels; c += 4 * W)
                weight_row_3(out + c, source + c, gradient + c, w, first, last, 4, W);
            for (; k == 3 && c < channels; c += W)
                weight_row_3(out + c, source + c, gradient + c, w, first, last, 1,
                             smaller(W, channels - c));
            for (ptrdiff_t kx = 0; k != 3 && kx < k; kx++)
                weight_row_any(out + kx * channels, source, gradient, w, kx, first[kx], last[kx]);
        }
    }
}
