// The entries of ck_table, once more: what each call reads and writes. The includer defines
// CK_ENTRY(returns, name, parameters…) and CK_PRODUCT, CK_FUNCTION likewise. A parameter is
//   OUT(type, name, count), IN(type, name, count)   memory: `count` values from the pointer on
//   OUT_AT(type, name, first, count), IN_AT(…)      memory: from the value `first` on
//   MAYBE_OUT(type, name, count), MAYBE_IN(…)       memory, or NULL
//   SHAPE(type, name)                               const type *name
//   VALUE(type, name)                               type name
// A count is an expression of the values and shapes, wherever they stand. Tests/KernelReplay chooses
// values by their names.

CK_ENTRY(void, add, OUT(float, out, count), IN(float, a, count), IN(float, b, count),
         VALUE(ptrdiff_t, count))
CK_ENTRY(void, accumulate, OUT(float, out, count), IN(float, a, count), VALUE(ptrdiff_t, count))
CK_ENTRY(void, accumulate_double, OUT(double, out, count), IN(float, a, count),
         VALUE(ptrdiff_t, count))
CK_ENTRY(void, scale, OUT(float, out, count), IN(float, a, count), VALUE(float, factor),
         VALUE(ptrdiff_t, count))
CK_ENTRY(void, axpy, OUT(float, out, count), IN(float, a, count), VALUE(float, factor),
         VALUE(ptrdiff_t, count))
CK_ENTRY(void, mix, OUT(float, out, count), IN(float, a, count), IN(float, b, count),
         VALUE(float, weight_a), VALUE(float, weight_b), VALUE(ptrdiff_t, count))
CK_ENTRY(void, activate, OUT(float, out, count), IN(float, x, count),
         VALUE(ck_activation, activation), VALUE(ptrdiff_t, count))
CK_ENTRY(void, activate_backward, OUT(float, dx, count), IN(float, dy, count), IN(float, x, count),
         VALUE(ck_activation, activation), VALUE(ptrdiff_t, count))
CK_ENTRY(void, exponential, OUT(float, out, count), IN(float, x, count), VALUE(ptrdiff_t, count))
CK_ENTRY(void, logarithm, OUT(float, out, count), IN(float, x, count), VALUE(ptrdiff_t, count))
CK_ENTRY(void, sigmoid, OUT(float, out, count), IN(float, x, count), VALUE(ptrdiff_t, count))
CK_ENTRY(void, sigmoid_gate, OUT(float, out, count), OUT(float, gate, count),
         IN(float, features, count), IN(float, z, count), VALUE(ptrdiff_t, count))
CK_ENTRY(void, sigmoid_gate_backward, OUT(float, d_features, count), OUT(float, dz, count),
         IN(float, dy, count), IN(float, features, count), IN(float, gate, count),
         VALUE(ptrdiff_t, count))
CK_ENTRY(void, round_to_bfloat16, OUT(float, out, count), IN(float, a, count),
         VALUE(ptrdiff_t, count))
CK_ENTRY(void, to_bfloat16, OUT(uint8_t, out, 2 * count), IN(float, a, count),
         VALUE(ptrdiff_t, count))
CK_ENTRY(void, from_bfloat16, OUT(float, out, count), IN(uint8_t, a, 2 * count),
         VALUE(ptrdiff_t, count))
CK_ENTRY(void, bytes_to_unit, OUT(float, out, count), IN(uint8_t, bytes, count),
         VALUE(ptrdiff_t, count))
CK_ENTRY(int, scan_finite, OUT(float, max_abs, 1), IN(float, x, count), VALUE(ptrdiff_t, count))
CK_ENTRY(void, dropout, OUT(float, out, count), IN(float, x, count), VALUE(uint64_t, key),
         VALUE(uint64_t, stream), VALUE(float, keep), VALUE(ptrdiff_t, first),
         VALUE(ptrdiff_t, count))
CK_ENTRY(void, philox_uniform, OUT(float, out, count), VALUE(uint64_t, key),
         VALUE(uint64_t, stream), VALUE(ptrdiff_t, first), VALUE(ptrdiff_t, count))

CK_ENTRY(void, add_bias, OUT(float, out, rows * channels), IN(float, x, rows * channels),
         IN(float, bias, channels), VALUE(ck_activation, activation), VALUE(ptrdiff_t, rows),
         VALUE(ptrdiff_t, channels))
CK_ENTRY(void, broadcast_row, OUT(float, out, rows * channels), IN(float, row, channels),
         VALUE(float, factor), VALUE(ptrdiff_t, rows), VALUE(ptrdiff_t, channels))
CK_ENTRY(void, copy_columns, OUT(float, out, strided(rows, out_stride, channels)),
         VALUE(ptrdiff_t, out_stride), IN(float, in, strided(rows, in_stride, channels)),
         VALUE(ptrdiff_t, in_stride), VALUE(ptrdiff_t, rows), VALUE(ptrdiff_t, channels))
CK_ENTRY(void, accumulate_columns, OUT(float, out, strided(rows, out_stride, channels)),
         VALUE(ptrdiff_t, out_stride), IN(float, in, strided(rows, in_stride, channels)),
         VALUE(ptrdiff_t, in_stride), VALUE(ptrdiff_t, rows), VALUE(ptrdiff_t, channels))
CK_ENTRY(void, column_sums, OUT(float, sum, channels), IN(float, x, rows * channels),
         VALUE(ptrdiff_t, rows), VALUE(ptrdiff_t, channels))
CK_ENTRY(void, softmax_rows, OUT(float, out, rows * channels), IN(float, x, rows * channels),
         VALUE(ptrdiff_t, rows), VALUE(ptrdiff_t, channels))
CK_ENTRY(ptrdiff_t, cross_entropy_hard, MAYBE_OUT(float, d_logits, rows * channels),
         OUT(double, loss, 1), IN(float, x, rows * channels), IN(uint8_t, labels, rows),
         VALUE(float, factor), VALUE(ptrdiff_t, rows), VALUE(ptrdiff_t, channels))
CK_ENTRY(void, cross_entropy_soft, MAYBE_OUT(float, d_logits, rows * channels),
         OUT(double, loss, 1), IN(float, x, rows * channels), IN(float, target, rows * channels),
         MAYBE_IN(float, weight, rows), VALUE(float, factor), VALUE(ptrdiff_t, rows),
         VALUE(ptrdiff_t, channels))
CK_ENTRY(void, argmax_rows, OUT(uint8_t, out, rows), IN(float, x, rows * channels),
         VALUE(ptrdiff_t, rows), VALUE(ptrdiff_t, channels))

CK_ENTRY(void, batch_norm_sums, OUT(float, sum, channels), OUT(float, square, channels),
         IN(float, x, rows * channels), MAYBE_IN(float, shift, channels), VALUE(ptrdiff_t, rows),
         VALUE(ptrdiff_t, channels))
CK_ENTRY(void, batch_norm_apply, OUT(float, y, rows * channels), IN(float, x, rows * channels),
         IN(float, mean, channels), IN(float, inverse_deviation, channels),
         IN(float, gamma, channels), IN(float, beta, channels), VALUE(ck_activation, activation),
         VALUE(ptrdiff_t, rows), VALUE(ptrdiff_t, channels))
CK_ENTRY(void, batch_norm_backward_sums, OUT(float, sum_dy, channels),
         OUT(float, sum_dy_xhat, channels), IN(float, x, rows * channels),
         IN(float, dy, rows * channels), IN(float, mean, channels),
         IN(float, inverse_deviation, channels), IN(float, gamma, channels),
         IN(float, beta, channels), VALUE(ck_activation, activation), VALUE(ptrdiff_t, rows),
         VALUE(ptrdiff_t, channels))
CK_ENTRY(void, batch_norm_backward_apply, OUT(float, dx, rows * channels),
         IN(float, x, rows * channels), IN(float, dy, rows * channels), IN(float, mean, channels),
         IN(float, inverse_deviation, channels), IN(float, gamma, channels),
         IN(float, beta, channels), MAYBE_IN(float, mean_dy, channels),
         MAYBE_IN(float, mean_dy_xhat, channels), VALUE(ck_activation, activation),
         VALUE(ptrdiff_t, rows), VALUE(ptrdiff_t, channels))

CK_ENTRY(void, depthwise_forward,
         OUT_AT(float, y, row_begin * output_row(window),
                (row_end - row_begin) * output_row(window)),
         IN_AT(float, x,
               (rows_read(window, row_begin, row_end).first - x_row_begin) * input_row(window),
               rows_read(window, row_begin, row_end).count * input_row(window)),
         VALUE(ptrdiff_t, x_row_begin), IN(float, weight, patch(window)),
         SHAPE(ck_window, window), VALUE(ptrdiff_t, row_begin), VALUE(ptrdiff_t, row_end))
CK_ENTRY(void, depthwise_backward_data,
         OUT_AT(float, dx, in_row_begin * input_row(window),
                (in_row_end - in_row_begin) * input_row(window)),
         IN_AT(float, dy,
               (rows_reading(window, in_row_begin, in_row_end).first - dy_row_begin)
                   * output_row(window),
               rows_reading(window, in_row_begin, in_row_end).count * output_row(window)),
         VALUE(ptrdiff_t, dy_row_begin), IN(float, weight, patch(window)),
         SHAPE(ck_window, window), VALUE(ptrdiff_t, in_row_begin),
         VALUE(ptrdiff_t, in_row_end))
CK_ENTRY(void, depthwise_backward_weight, OUT(float, d_weight, patch(window)),
         IN_AT(float, x,
               (rows_read(window, row_begin, row_end).first - x_row_begin) * input_row(window),
               rows_read(window, row_begin, row_end).count * input_row(window)),
         VALUE(ptrdiff_t, x_row_begin),
         IN_AT(float, dy, (row_begin - dy_row_begin) * output_row(window),
               (row_end - row_begin) * output_row(window)),
         VALUE(ptrdiff_t, dy_row_begin), SHAPE(ck_window, window), VALUE(ptrdiff_t, row_begin),
         VALUE(ptrdiff_t, row_end), VALUE(ck_store, store))
CK_ENTRY(void, im2col,
         OUT(float, columns, (row_end - row_begin) * window->out_width * patch(window)),
         IN(float, x, window->batch * window->in_height * input_row(window)),
         SHAPE(ck_window, window), VALUE(ptrdiff_t, row_begin), VALUE(ptrdiff_t, row_end))
CK_ENTRY(void, col2im,
         OUT_AT(float, dx, in_row_begin * input_row(window),
                (in_row_end - in_row_begin) * input_row(window)),
         IN(float, columns, (row_end - row_begin) * window->out_width * patch(window)),
         SHAPE(ck_window, window), VALUE(ptrdiff_t, in_row_begin), VALUE(ptrdiff_t, in_row_end),
         VALUE(ptrdiff_t, row_begin), VALUE(ptrdiff_t, row_end), VALUE(ck_store, store))
CK_ENTRY(void, bilinear_forward,
         OUT_AT(float, y, resized_begin * resized_row(resize),
                (resized_end - resized_begin) * resized_row(resize)),
         IN(float, x, resize->batch * resize->in_height * source_row(resize)),
         SHAPE(ck_resize, resize), VALUE(ptrdiff_t, resized_begin), VALUE(ptrdiff_t, resized_end))
CK_ENTRY(void, bilinear_adjoint,
         OUT_AT(float, dx, source_begin * source_row(resize),
                (source_end - source_begin) * source_row(resize)),
         IN(float, dy, resize->batch * resize->out_height * resized_row(resize)),
         SHAPE(ck_resize, resize), VALUE(ptrdiff_t, source_begin), VALUE(ptrdiff_t, source_end),
         VALUE(ck_store, store))
CK_ENTRY(void, area_forward,
         OUT_AT(float, y, resized_begin * resized_row(resize),
                (resized_end - resized_begin) * resized_row(resize)),
         IN(float, x, resize->batch * resize->in_height * source_row(resize)),
         SHAPE(ck_resize, resize), VALUE(ptrdiff_t, resized_begin), VALUE(ptrdiff_t, resized_end))
CK_ENTRY(void, area_adjoint,
         OUT_AT(float, dx, source_begin * source_row(resize),
                (source_end - source_begin) * source_row(resize)),
         IN(float, dy, resize->batch * resize->out_height * resized_row(resize)),
         SHAPE(ck_resize, resize), VALUE(ptrdiff_t, source_begin), VALUE(ptrdiff_t, source_end),
         VALUE(ck_store, store))

CK_ENTRY(void, multiply_transposed,
         OUT(float, c, strided(product->rows, product->c_stride, product->columns)),
         IN(float, a, strided(product->depth, product->a_stride, product->rows)),
         IN(float, b, strided(product->depth, product->b_stride, product->columns)),
         SHAPE(ck_product, product))

CK_ENTRY(void, momentum_sgd, OUT(float, w, count), OUT(float, velocity, count),
         IN(float, g, count), VALUE(float, learning_rate), VALUE(float, momentum),
         VALUE(float, weight_decay), VALUE(float, gradient_scale), VALUE(ptrdiff_t, count))
CK_ENTRY(void, adamw, OUT(float, w, count), OUT(float, first_moment, count),
         OUT(float, second_moment, count), IN(float, g, count), SHAPE(ck_adamw, constants),
         VALUE(ptrdiff_t, count))
CK_ENTRY(void, moving_average, OUT(float, average, count), IN(float, x, count),
         VALUE(float, rate), VALUE(ptrdiff_t, count))

// pack, pack_transposed and multiply are one call: the packed form is each table's own, so only the
// product can be compared. b lies in rows of product->b_stride.
CK_PRODUCT(int, multiply,
           OUT(float, c, strided(product->rows, product->c_stride, product->columns)),
           IN(float, a, strided(product->rows, product->a_stride, product->depth)),
           IN(float, b, strided(product->depth, product->b_stride, product->columns)),
           SHAPE(ck_product, product))

// What has one implementation for all processors stands in no table, but must give the same bits too.
CK_FUNCTION(void, ck_batch_norm_statistics, OUT(float, mean, channels),
            OUT(float, inverse_deviation, channels), MAYBE_OUT(float, unbiased_variance, channels),
            IN(double, sum, channels), IN(double, square, channels),
            MAYBE_IN(float, shift, channels), VALUE(double, epsilon), VALUE(ptrdiff_t, rows),
            VALUE(ptrdiff_t, channels))
CK_FUNCTION(void, ck_inverse_deviation, OUT(float, inverse_deviation, channels),
            IN(float, variance, channels), VALUE(double, epsilon), VALUE(ptrdiff_t, channels))
CK_FUNCTION(void, ck_round_totals, OUT(float, out, count), IN(double, total, count),
            VALUE(double, total_factor), VALUE(ptrdiff_t, count))
CK_FUNCTION(void, ck_transpose, OUT(float, out, rows * channels), IN(float, in, rows * channels),
            VALUE(ptrdiff_t, rows), VALUE(ptrdiff_t, channels))
CK_FUNCTION(void, ck_weights_to_channels_last, OUT(float, out, outputs * channels * taps),
            IN(float, in, outputs * channels * taps), VALUE(ptrdiff_t, outputs),
            VALUE(ptrdiff_t, channels), VALUE(ptrdiff_t, taps))
CK_FUNCTION(void, ck_weights_to_channels_first, OUT(float, out, outputs * channels * taps),
            IN(float, in, outputs * channels * taps), VALUE(ptrdiff_t, outputs),
            VALUE(ptrdiff_t, channels), VALUE(ptrdiff_t, taps))
CK_FUNCTION(ptrdiff_t, ck_count_valid_labels, IN(uint8_t, labels, count),
            VALUE(ptrdiff_t, channels), VALUE(ptrdiff_t, count))
