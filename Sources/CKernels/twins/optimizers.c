// Twins of the update rules.
#include "twins.h"

#pragma clang fp contract(off)

static void momentum_sgd(float *w, float *velocity, const float *g, float learning_rate,
                         float momentum, float weight_decay, float gradient_scale,
                         ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        float d = fmaf(weight_decay, w[i], gradient_scale * g[i]);
        velocity[i] = fmaf(momentum, velocity[i], d);
        w[i] = fmaf(-learning_rate, velocity[i], w[i]);
    }
}

static void adamw(float *w, float *first, float *second, const float *g, const ck_adamw *k,
                  ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        float d = k->gradient_scale * g[i];
        first[i] = fmaf(k->beta1, first[i], (1 - k->beta1) * d);
        second[i] = fmaf(k->beta2, second[i], ((1 - k->beta2) * d) * d);
        float decayed = fmaf(-(k->learning_rate * k->weight_decay), w[i], w[i]);
        float deviation = sqrtf(second[i]) / sqrtf(k->second_correction) + k->epsilon;
        w[i] = fmaf(-(k->learning_rate / k->first_correction), first[i] / deviation, decayed);
    }
}

static void moving_average(float *average, const float *x, float rate, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++)
        average[i] = fmaf(rate, x[i] - average[i], average[i]);
}

void ck_twin_add_optimizers(ck_table *t) {
    t->momentum_sgd = momentum_sgd, t->adamw = adamw, t->moving_average = moving_average;
}
