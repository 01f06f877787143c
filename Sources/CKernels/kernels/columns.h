// A k×k convolution as one product: windows to rows of a matrix, and its adjoint.

static void im2col(float *columns, const float *x, const ck_window *window, ptrdiff_t row_begin,
                   ptrdiff_t row_end) {
    const ck_window *w = window;
    ptrdiff_t channels = w->channels;
    float *out = columns;
    for (ptrdiff_t row = row_begin; row < row_end; row++) {
        ptrdiff_t image = row / w->out_height, oy = row % w->out_height;
        const float *in = x + image * w->in_height * w->in_width * channels;
        for (ptrdiff_t ox = 0; ox < w->out_width; ox++)
            for (ptrdiff_t ky = 0; ky < w->kernel; ky++)
                for (ptrdiff_t kx = 0; kx < w->kernel; kx++, out += channels) {
                    ptrdiff_t iy = oy * w->stride + ky * w->dilation - w->padding;
                    ptrdiff_t ix = ox * w->stride + kx * w->dilation - w->padding;
                    int inside = iy >= 0 && iy < w->in_height && ix >= 0 && ix < w->in_width;
                    if (inside) copy_values(out, in + (iy * w->in_width + ix) * channels, channels);
                    else fill_zero(out, channels);
                }
    }
}

/// The taps of one axis by which input i is read, in ascending order of the output that reads it.
typedef struct {
    ptrdiff_t output[MAX_KERNEL], tap[MAX_KERNEL], count;
} Readers;

CK_INLINE Readers readers_of(ptrdiff_t i, const ck_window *w, ptrdiff_t out_size) {
    Readers list;
    list.count = 0;
    for (ptrdiff_t k = w->kernel - 1; k >= 0; k--) {
        ptrdiff_t s = i + w->padding - k * w->dilation;
        if (s < 0 || s % w->stride != 0 || s / w->stride >= out_size) continue;
        list.output[list.count] = s / w->stride;
        list.tap[list.count++] = k;
    }
    return list;
}

static void col2im(float *dx, const float *columns, const ck_window *window, ptrdiff_t row_begin,
                   ptrdiff_t row_end, ptrdiff_t column_row_begin, ptrdiff_t column_row_end,
                   ck_store store_mode) {
    const ck_window *w = window;
    ptrdiff_t channels = w->channels, patch = w->kernel * w->kernel * channels;
    for (ptrdiff_t row = row_begin; row < row_end; row++) {
        Readers ys = readers_of(row % w->in_height, w, w->out_height);
        ptrdiff_t first_row = row / w->in_height * w->out_height;
        for (ptrdiff_t ix = 0; ix < w->in_width; ix++) {
            float *out = dx + (row * w->in_width + ix) * channels;
            if (store_mode == CK_OVERWRITE) fill_zero(out, channels);
            Readers xs = readers_of(ix, w, w->out_width);
            for (ptrdiff_t a = 0; a < ys.count; a++) {
                ptrdiff_t from = first_row + ys.output[a];
                if (from < column_row_begin || from >= column_row_end) continue;
                for (ptrdiff_t b = 0; b < xs.count; b++) {
                    ptrdiff_t at = (from - column_row_begin) * w->out_width + xs.output[b];
                    ptrdiff_t tap = ys.tap[a] * w->kernel + xs.tap[b];
                    accumulate(out, columns + at * patch + tap * channels, channels);
                }
            }
        }
    }
}
