// Operations on rows × channels that treat each channel alike.

static void add_bias(float *out, const float *x, const float *bias, ck_activation activation,
                     ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < channels; c += W) {
            ptrdiff_t n = channels - c, at = r * channels + c;
            store(out + at, activated(load(x + at, n) + load(bias + c, n), activation), n);
        }
}

static void broadcast_row(float *out, const float *row, float factor, ptrdiff_t rows,
                          ptrdiff_t channels) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < channels; c += W) {
            ptrdiff_t n = channels - c;
            store(out + r * channels + c, splat(factor) * load(row + c, n), n);
        }
}

CK_INLINE void copy_values(float *out, const float *in, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W) store(out + i, load(in + i, count - i), count - i);
}

static void copy_columns(float *out, ptrdiff_t out_stride, const float *in, ptrdiff_t in_stride,
                         ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t r = 0; r < rows; r++)
        copy_values(out + r * out_stride, in + r * in_stride, channels);
}

static void accumulate_columns(float *out, ptrdiff_t out_stride, const float *in,
                               ptrdiff_t in_stride, ptrdiff_t rows, ptrdiff_t channels) {
    for (ptrdiff_t r = 0; r < rows; r++)
        accumulate(out + r * out_stride, in + r * in_stride, channels);
}
