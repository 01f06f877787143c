// Change of size, bilinear with aligned corners or by area, and the adjoints. All four gather: an
// element is a chain over the positions of the other image that share weight with it, rows outer.

typedef enum { BILINEAR, AREA } Sampling;

/// The positions of the other axis, begin ..< end, that share weight with one position.
typedef struct {
    ptrdiff_t begin, end;
} Span;

/// Weight of input i in output o, from an input of `in` positions to an output of `out`.
/// Quotients of integers, so that only one rounding is involved.
CK_INLINE float shared_weight(Sampling sampling, ptrdiff_t in, ptrdiff_t out, ptrdiff_t i,
                              ptrdiff_t o) {
    if (sampling == AREA) {
        ptrdiff_t begin = o * in / out, end = ceiling((o + 1) * in, out);
        return begin <= i && i < end ? 1.0f / (float)(end - begin) : 0.0f;
    }
    if (out == 1) return i == 0 ? 1.0f : 0.0f;
    ptrdiff_t distance = o * (in - 1) - i * (out - 1);
    if (distance < 0) distance = -distance;
    return distance < out - 1 ? (float)(out - 1 - distance) / (float)(out - 1) : 0.0f;
}

/// Inputs with weight in output o.
CK_INLINE Span inputs_of(Sampling sampling, ptrdiff_t in, ptrdiff_t out, ptrdiff_t o) {
    if (sampling == AREA) return (Span){o * in / out, ceiling((o + 1) * in, out)};
    if (out == 1) return (Span){0, 1};
    ptrdiff_t first = o * (in - 1) / (out - 1), rest = o * (in - 1) % (out - 1);
    return (Span){first, first + (rest > 0 ? 2 : 1)};
}

/// Outputs in which input i has weight.
CK_INLINE Span outputs_of(Sampling sampling, ptrdiff_t in, ptrdiff_t out, ptrdiff_t i) {
    if (sampling == AREA) return (Span){i * out / in, ceiling((i + 1) * out, in)};
    if (in == 1) return (Span){0, out};
    if (out == 1) return (Span){0, i == 0 ? 1 : 0};
    ptrdiff_t begin = i == 0 ? 0 : (i - 1) * (out - 1) / (in - 1) + 1;
    return (Span){begin, smaller(ceiling((i + 1) * (out - 1), in - 1), out)};
}

enum { KEPT = 32 };

/// One position's span with its first weights; the others are computed when needed.
typedef struct {
    Span span;
    float weight[KEPT];
} Weights;

typedef struct {
    Sampling sampling;
    int adjoint;
    ptrdiff_t in, out;
} Axis;

CK_INLINE float axis_weight(Axis axis, ptrdiff_t target, ptrdiff_t source) {
    ptrdiff_t i = axis.adjoint ? target : source, o = axis.adjoint ? source : target;
    return shared_weight(axis.sampling, axis.in, axis.out, i, o);
}

CK_INLINE void find_weights(Weights *w, Axis axis, ptrdiff_t target) {
    w->span = axis.adjoint ? outputs_of(axis.sampling, axis.in, axis.out, target)
                           : inputs_of(axis.sampling, axis.in, axis.out, target);
    for (ptrdiff_t s = w->span.begin; s < w->span.end && s < w->span.begin + KEPT; s++)
        w->weight[s - w->span.begin] = axis_weight(axis, target, s);
}

CK_INLINE float weight_at(const Weights *w, Axis axis, ptrdiff_t target, ptrdiff_t source) {
    ptrdiff_t index = source - w->span.begin;
    return index < KEPT ? w->weight[index] : axis_weight(axis, target, source);
}

typedef struct {
    float *out;
    const float *in;
    Axis vertical, horizontal;
    ptrdiff_t out_height, out_width, in_height, in_width, channels;
    ck_store store;
} Gather;

/// `width` vectors of one position, `lanes` channels in all.
CK_INLINE void gather_position(const Gather *g, const float *image, float *out, ptrdiff_t y,
                               ptrdiff_t x, const Weights *wy, const Weights *wx, ptrdiff_t c,
                               int width, ptrdiff_t lanes) {
    V sum[4];
    for (int j = 0; j < width; j++) {
        V before = load(out + c + j * W, lanes - j * W);
        sum[j] = g->store == CK_ACCUMULATE ? before : (V){0};
    }
    for (ptrdiff_t sy = wy->span.begin; sy < wy->span.end; sy++) {
        float row_weight = weight_at(wy, g->vertical, y, sy);
        const float *row = image + sy * g->in_width * g->channels + c;
        for (ptrdiff_t sx = wx->span.begin; sx < wx->span.end; sx++) {
            V weight = splat(row_weight * weight_at(wx, g->horizontal, x, sx));
            const float *source = row + sx * g->channels;
            for (int j = 0; j < width; j++)
                sum[j] = fused(load(source + j * W, lanes - j * W), weight, sum[j]);
        }
    }
    for (int j = 0; j < width; j++) store(out + c + j * W, sum[j], lanes - j * W);
}

CK_INLINE void gather_all_channels(const Gather *g, const float *image, float *out, ptrdiff_t y,
                                   ptrdiff_t x, const Weights *wy, const Weights *wx) {
    ptrdiff_t c = 0;
    for (; c + 4 * W <= g->channels; c += 4 * W)
        gather_position(g, image, out, y, x, wy, wx, c, 4, 4 * W);
    ptrdiff_t rest = g->channels - c;
    if (rest > 3 * W) gather_position(g, image, out, y, x, wy, wx, c, 4, rest);
    else if (rest > 2 * W) gather_position(g, image, out, y, x, wy, wx, c, 3, rest);
    else if (rest > W) gather_position(g, image, out, y, x, wy, wx, c, 2, rest);
    else if (rest > 0) gather_position(g, image, out, y, x, wy, wx, c, 1, rest);
}

enum { STRIP = 32 };

/// Strips of columns, so that a column's weights are found once for all rows.
static void gather_rows(const Gather *g, ptrdiff_t row_begin, ptrdiff_t row_end) {
    ptrdiff_t image_size = g->in_height * g->in_width * g->channels;
    Weights wx[STRIP], wy;
    for (ptrdiff_t left = 0; left < g->out_width; left += STRIP) {
        ptrdiff_t count = smaller(STRIP, g->out_width - left);
        for (ptrdiff_t i = 0; i < count; i++) find_weights(&wx[i], g->horizontal, left + i);
        for (ptrdiff_t row = row_begin; row < row_end; row++) {
            ptrdiff_t y = row % g->out_height;
            const float *image = g->in + row / g->out_height * image_size;
            float *out = g->out + (row * g->out_width + left) * g->channels;
            find_weights(&wy, g->vertical, y);
            for (ptrdiff_t i = 0; i < count; i++)
                gather_all_channels(g, image, out + i * g->channels, y, left + i, &wy, &wx[i]);
        }
    }
}

CK_INLINE Gather forward_gather(float *y, const float *x, const ck_resize *r, Sampling sampling) {
    return (Gather){y, x, {sampling, 0, r->in_height, r->out_height},
                    {sampling, 0, r->in_width, r->out_width}, r->out_height, r->out_width,
                    r->in_height, r->in_width, r->channels, CK_OVERWRITE};
}

CK_INLINE Gather adjoint_gather(float *dx, const float *dy, const ck_resize *r, Sampling sampling,
                                ck_store store_mode) {
    return (Gather){dx, dy, {sampling, 1, r->in_height, r->out_height},
                    {sampling, 1, r->in_width, r->out_width}, r->in_height, r->in_width,
                    r->out_height, r->out_width, r->channels, store_mode};
}

static void bilinear_forward(float *y, const float *x, const ck_resize *resize,
                             ptrdiff_t row_begin, ptrdiff_t row_end) {
    const Gather g = forward_gather(y, x, resize, BILINEAR);
    gather_rows(&g, row_begin, row_end);
}

static void bilinear_adjoint(float *dx, const float *dy, const ck_resize *resize,
                             ptrdiff_t row_begin, ptrdiff_t row_end, ck_store store_mode) {
    const Gather g = adjoint_gather(dx, dy, resize, BILINEAR, store_mode);
    gather_rows(&g, row_begin, row_end);
}

static void area_forward(float *y, const float *x, const ck_resize *resize, ptrdiff_t row_begin,
                         ptrdiff_t row_end) {
    const Gather g = forward_gather(y, x, resize, AREA);
    gather_rows(&g, row_begin, row_end);
}

static void area_adjoint(float *dx, const float *dy, const ck_resize *resize, ptrdiff_t row_begin,
                         ptrdiff_t row_end, ck_store store_mode) {
    const Gather g = adjoint_gather(dx, dy, resize, AREA, store_mode);
    gather_rows(&g, row_begin, row_end);
}
