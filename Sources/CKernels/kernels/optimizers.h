// Update rules on flat ranges of parameters.

static void momentum_sgd(float *w, float *velocity, const float *g, float learning_rate,
                         float momentum, float weight_decay, float gradient_scale,
                         ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W) {
        ptrdiff_t n = count - i;
        V weight = load(w + i, n);
        V d = fused(splat(weight_decay), weight, splat(gradient_scale) * load(g + i, n));
        V v = fused(splat(momentum), load(velocity + i, n), d);
        store(velocity + i, v, n);
        store(w + i, fused(splat(-learning_rate), v, weight), n);
    }
}

static void adamw(float *w, float *first, float *second, const float *g,
                  const ck_adamw *constants, ptrdiff_t count) {
    const ck_adamw k = *constants;
    V decay = splat(-(k.learning_rate * k.weight_decay));
    V step = splat(-(k.learning_rate / k.first_correction));
    V root = __builtin_elementwise_sqrt(splat(k.second_correction));
    V rest1 = splat(1.0f - k.beta1), rest2 = splat(1.0f - k.beta2);
    for (ptrdiff_t i = 0; i < count; i += W) {
        ptrdiff_t n = count - i;
        V weight = load(w + i, n), d = splat(k.gradient_scale) * load(g + i, n);
        V m = fused(splat(k.beta1), load(first + i, n), rest1 * d);
        V v = fused(splat(k.beta2), load(second + i, n), (rest2 * d) * d);
        store(first + i, m, n);
        store(second + i, v, n);
        weight = fused(decay, weight, weight);
        V deviation = __builtin_elementwise_sqrt(v) / root + splat(k.epsilon);
        store(w + i, fused(step, m / deviation, weight), n);
    }
}

static void moving_average(float *average, const float *x, float rate, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += W) {
        ptrdiff_t n = count - i;
        V a = load(average + i, n);
        store(average + i, fused(splat(rate), load(x + i, n) - a, a), n);
    }
}
