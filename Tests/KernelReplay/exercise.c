// Every entry at the lengths 0 … 67 and at three layers' shapes, on drawn numbers, in memory that shows
// any step outside. What a parameter is given follows from its name; a new name is added in `value_of`.
#include "call.h"
#include "guarded.h"
#include "program.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What the kernels are given must not depend on the processor either.
#pragma clang fp contract(off)

// ---- cases ----------------------------------------------------------------------------------------

typedef enum { ORDINARY, SPECIAL } Content;

typedef struct {
    ptrdiff_t count, rows, channels;
    ck_window window;
    ck_resize resize;
    ck_product product;
    ck_adamw adamw;
    /// Chooses activation, store, rows, contents and place in memory.
    int variant;
} Case;

enum { LONGEST = 67, VARIANTS = 6, LAYERS = 3 };

static ck_window window_over(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width,
                             ptrdiff_t channels, ptrdiff_t kernel, ptrdiff_t stride,
                             ptrdiff_t dilation) {
    ptrdiff_t reach = (kernel - 1) * dilation, padding = reach / 2;
    return (ck_window){
        .batch = batch, .in_height = height, .in_width = width,
        .out_height = (height + 2 * padding - reach - 1) / stride + 1,
        .out_width = (width + 2 * padding - reach - 1) / stride + 1, .channels = channels,
        .kernel = kernel, .stride = stride, .dilation = dilation, .padding = padding};
}

/// A product whose rows have gaps between them.
static ck_product product_of(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, int variant) {
    return (ck_product){
        .rows = rows, .columns = columns, .depth = depth, .c_stride = columns + variant,
        .a_stride = (rows > depth ? rows : depth) + variant % 3, .b_stride = columns + variant % 2,
        .store = variant % 2 ? CK_ACCUMULATE : CK_OVERWRITE};
}

static const ck_adamw adamw = {1e-3f, 0.9f, 0.999f, 1e-8f, 1e-2f, 0.25f, 0.271f, 0.002997f};

static Case of_length(ptrdiff_t n, int variant) {
    const ptrdiff_t windows[VARIANTS][3] = {{3, 1, 1}, {3, 2, 1}, {3, 1, 2},
                                            {1, 1, 1}, {5, 2, 1}, {2, 3, 1}};
    const ptrdiff_t sizes[VARIANTS][4] = {{5, 7, 17, 25}, {9, 8, 4, 3}, {1, 1, 3, 4},
                                          {6, 5, 1, 1},   {4, 3, 4, 3}, {3, 40, 7, 37}};
    const ptrdiff_t *w = windows[variant], *r = sizes[variant], channels = n > 0 ? n : 1;
    Case c = {.count = n, .rows = n > 0 ? 3 + 2 * variant : 0, .channels = channels,
              .window = window_over(2, 5, 11, channels, w[0], w[1], w[2]),
              .resize = {2, r[0], r[1], r[2], r[3], channels}, .adamw = adamw,
              .variant = variant};
    switch (variant % 3) {
    case 0: c.product = product_of(13, n, 37, variant); break;
    case 1: c.product = product_of(n, 37, 9, variant); break;
    default: c.product = product_of(7, 33, n, variant);
    }
    return c;
}

static Case of_layer(int layer, int variant) {
    Case c = {.count = 10007, .rows = CK_ROW_TILE, .adamw = adamw, .variant = variant};
    switch (layer) {
    case 0:
        c.window = window_over(1, 33, 33, 96, 3, 2, 1);
        c.resize = (ck_resize){1, 17, 17, 33, 33, 21};
        c.product = product_of(289, 24, 96, variant);
        break;
    case 1:
        c.window = window_over(2, 9, 9, 160, 3, 1, 2);
        c.resize = (ck_resize){2, 9, 9, 17, 17, 160};
        c.product = product_of(162, 320, 160, variant);
        break;
    default:
        c.window = window_over(1, 17, 17, 24, 3, 1, 1);
        c.resize = (ck_resize){1, 33, 33, 5, 5, 24};
        c.product = product_of(70, 48, 576, variant);
    }
    c.channels = c.window.channels;
    return c;
}

// ---- values and shapes ------------------------------------------------------------------------------

static uint64_t of_float(float value) {
    uint64_t word = 0;
    memcpy(&word, &value, sizeof value);
    return word;
}

static uint64_t of_double(double value) {
    uint64_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

/// All rows, or some in the middle.
static ptrdiff_t begin_of(const Case *c, ptrdiff_t rows) { return c->variant % 2 ? rows / 3 : 0; }
static ptrdiff_t end_of(const Case *c, ptrdiff_t rows) {
    return c->variant % 2 ? rows - rows / 4 : rows;
}

static uint64_t value_of(const Case *c, const char *name) {
    const ck_window *w = &c->window;
    const ck_resize *r = &c->resize;
    ptrdiff_t rows = w->batch * w->out_height, in_rows = w->batch * w->in_height;
    ptrdiff_t resized = r->batch * r->out_height, source = r->batch * r->in_height;
    const struct {
        const char *name;
        uint64_t word;
    } values[] = {
        {"count", (uint64_t)c->count},
        {"rows", (uint64_t)c->rows},
        {"channels", (uint64_t)c->channels},
        {"out_stride", (uint64_t)(c->channels + c->variant)},
        {"in_stride", (uint64_t)(c->channels + c->variant % 4)},
        {"outputs", 3},
        {"taps", 9},
        {"row_begin", (uint64_t)begin_of(c, rows)},
        {"row_end", (uint64_t)end_of(c, rows)},
        // The first row of the image that holds row_begin.
        {"x_row_begin", (uint64_t)(begin_of(c, rows) / w->out_height * w->in_height)},
        // Likewise of the output; the rows that read in_row_begin are of the same image.
        {"dy_row_begin", (uint64_t)(begin_of(c, rows) / w->out_height * w->out_height)},
        {"in_row_begin", (uint64_t)begin_of(c, in_rows)},
        {"in_row_end", (uint64_t)end_of(c, in_rows)},
        {"resized_begin", (uint64_t)begin_of(c, resized)},
        {"resized_end", (uint64_t)end_of(c, resized)},
        {"source_begin", (uint64_t)begin_of(c, source)},
        {"source_end", (uint64_t)end_of(c, source)},
        {"activation", (uint64_t)(c->variant % 3)},
        {"store", (uint64_t)(c->variant % 2)},
        {"key", 0x0123456789abcdef},
        {"stream", 0xfedcba9876543210},
        {"first", (uint64_t)(64 * c->variant)},
        {"keep", of_float(c->variant == 0 ? 1 : 0.8f)},
        {"factor", of_float(-0.3f)},
        {"weight_a", of_float(0.3f)},
        {"weight_b", of_float(0.7f)},
        {"learning_rate", of_float(0.007f)},
        {"momentum", of_float(0.9f)},
        {"weight_decay", of_float(4e-5f)},
        {"gradient_scale", of_float(1.0f / 3)},
        {"rate", of_float(0.01f)},
        {"epsilon", of_double(1e-3)},
        {"total_factor", of_double(1.0 / 3)},
    };
    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++)
        if (strcmp(values[i].name, name) == 0) return values[i].word;
    fail(70, "exercise.c has no value for parameters named %s", name);
}

static const void *shape_of(const Case *c, const char *type) {
    if (strcmp(type, "ck_window") == 0) return &c->window;
    if (strcmp(type, "ck_resize") == 0) return &c->resize;
    if (strcmp(type, "ck_product") == 0) return &c->product;
    if (strcmp(type, "ck_adamw") == 0) return &c->adamw;
    fail(70, "exercise.c has no shape of type %s", type);
}

// ---- memory -----------------------------------------------------------------------------------------

/// Uniform in −4 … 4; SPECIAL: a third are the numbers at which kernels differ if they do.
static float number(uint64_t bits, Content content) {
    static const float special[] = {
        0, -0.0f, __builtin_inff(), -__builtin_inff(), __builtin_nanf(""), 0x1p-129f, -0x1p-129f,
        0x1p-149f, 0x1p-126f, 3e38f, -3e38f, 6, -6, 5.9999995f, 88.8f, -87.5f, -100, 1};
    uint64_t choices = sizeof special / sizeof special[0];
    if (content == SPECIAL && bits % 3 == 0) return special[bits / 3 % choices];
    return (float)(int32_t)(bits >> 40) * 0x1p-21f - 4;
}

static void fill(char *memory, ptrdiff_t count, const ck_parameter *p, const Case *c,
                 uint64_t seed) {
    int is_positive =
        strcmp(p->name, "second_moment") == 0 || strcmp(p->name, "variance") == 0;
    int is_label = strcmp(p->name, "labels") == 0;
    Content content = c->variant < 3 && !is_positive ? ORDINARY : SPECIAL;
    for (ptrdiff_t i = 0; i < count; i++) {
        uint64_t bits = ck_hash(seed, (uint64_t)i);
        float value = number(bits, is_positive ? ORDINARY : content);
        if (is_positive) value += 4;
        double wide = value;
        // A fifth of the labels lie beyond the classes.
        unsigned char byte = (unsigned char)(is_label ? bits % (uint64_t)(c->channels * 5 / 4 + 1)
                                                      : bits);
        switch (p->element) {
        case CK_FLOAT: memcpy(memory + 4 * i, &value, 4); break;
        case CK_DOUBLE: memcpy(memory + 8 * i, &wide, 8); break;
        case CK_BYTE: memory[i] = (char)byte; break;
        case CK_STRUCTURE: fail(70, "%s is no memory", p->name);
        }
    }
}

// ---- calls ------------------------------------------------------------------------------------------

static uint64_t called(const ck_table *table, const ck_entry *entry, const Case *c, uint64_t seed,
                       guarded *memory) {
    uint64_t arguments[CK_ARGUMENT_LIMIT] = {0};
    for (ptrdiff_t i = 0; i < entry->parameter_count; i++) {
        const ck_parameter *p = &entry->parameters[i];
        if (p->role == CK_VALUE) arguments[i] = value_of(c, p->name);
        if (p->role == CK_SHAPE) arguments[i] = (uint64_t)shape_of(c, p->type);
    }
    ck_extent extents[CK_ARGUMENT_LIMIT];
    entry->measure(extents, arguments);
    for (ptrdiff_t i = 0; i < entry->parameter_count; i++) {
        const ck_parameter *p = &entry->parameters[i];
        int is_absent = p->presence == CK_OPTIONAL && c->variant % 3 == 1;
        if (p->role == CK_VALUE || p->role == CK_SHAPE || is_absent) continue;
        // At the end of a page, or an element before it: any alignment of a float.
        char *at = guarded_place(&memory[i], (size_t)extents[i].count * p->size,
                                 (size_t)(c->variant / 2 % 2) * p->size);
        fill(at, extents[i].count, p, c, ck_hash(seed, (uint64_t)i));
        arguments[i] = (uint64_t)at - (uint64_t)(extents[i].first * (ptrdiff_t)p->size);
    }
    uint64_t hash = ck_hash_outputs(entry, arguments, entry->call(table, arguments));
    for (ptrdiff_t i = 0; i < entry->parameter_count; i++)
        if (memory[i].base && !guarded_is_intact(&memory[i]))
            fail(1, "%s of %s writes outside its parameter %s", entry->name, table->name,
                 entry->parameters[i].name);
    return hash;
}

/// The hash of all calls of one entry; with `print`, a line for each.
static uint64_t exercised(const ck_table *table, const ck_entry *entry, guarded *memory,
                          int print) {
    uint64_t hash = 0;
    for (int place = 0; place <= LONGEST + LAYERS; place++)
        for (int variant = 0; variant < VARIANTS; variant++) {
            Case c = place <= LONGEST ? of_length(place, variant)
                                      : of_layer(place - LONGEST - 1, variant);
            uint64_t seed = ck_hash((uint64_t)place, (uint64_t)variant);
            uint64_t one = called(table, entry, &c, seed, memory);
            if (print)
                printf("%s %s %d variant %d: %016" PRIx64 "\n", entry->name,
                       place <= LONGEST ? "length" : "layer",
                       place <= LONGEST ? place : place - LONGEST - 1, variant, one);
            hash = ck_hash(hash, one);
        }
    return hash;
}

/// The functions in double that stand behind schedules, initial values and augmentation.
static uint64_t mathematics(void) {
    uint64_t hash = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        double unit = ck_philox_uniform_f64(1, 2, i), x = 40 * unit - 20;
        const double results[] = {
            ck_exp_f64(x), ck_log_f64(unit), ck_sin_f64(x), ck_cos_f64(x), ck_pow_f64(unit, 0.9),
            ck_philox_normal_f64(3, 4, i)};
        for (unsigned r = 0; r < sizeof results / sizeof results[0]; r++)
            hash = ck_hash(hash, of_double(results[r]));
    }
    return hash;
}

void exercise(const ck_table *table, const char *only) {
    guarded memory[CK_ARGUMENT_LIMIT] = {0};
    int found = 0;
    for (int i = 0; i < CK_ENTRY_COUNT; i++) {
        const ck_entry *entry = &ck_entries[i];
        if (only && strcmp(only, entry->name) != 0) continue;
        found = 1;
        uint64_t hash = exercised(table, entry, memory, only != NULL);
        printf("%s %016" PRIx64 "\n", entry->name, hash);
    }
    if (!found) fail(64, "no entry is named %s", only);
    if (!only) printf("mathematics %016" PRIx64 "\n", mathematics());
}
