// Matrix products of bfloat16 operands by vdpbf16ps, tiled like those of products.h. Operands are rounded
// while they are packed, two terms of the sum to a word. An element of c is one chain in ascending order
// of depth, which waits in c between two blocks; blocks are counted in words.

CK_INLINE U load_words(const uint32_t *p) {
    U v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

CK_INLINE void store_words(uint32_t *p, U v) { __builtin_memcpy(p, &v, sizeof v); }

/// Words of neighbours: lanes 0 and 1 of `first`, 2 and 3, …, then those of `second`.
CK_INLINE U words_along(V first, V second) {
    return (U)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
}

/// Words of lanes: `low`'s in the lower halves, `high`'s in the upper ones.
CK_INLINE U words_across(V low, V high) {
    typedef uint16_t H __attribute__((vector_size(64)));
    const H order = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                     8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return (U)_mm512_permutexvar_epi16((__m512i)order, (__m512i)words_along(low, high));
}

/// Rounds `depth` neighbours, 0 behind them, into whole vectors of words.
CK_INLINE void round_row(uint32_t *out, const float *in, ptrdiff_t depth) {
    for (ptrdiff_t k = 0; k < depth; k += 2 * W)
        store_words(out + k / 2, words_along(load(in + k, depth - k), load(in + k + W, depth - k - W)));
}

/// Rounds the next one or two of `depth` rows, lane by lane.
CK_INLINE U round_rows(const float *in, ptrdiff_t stride, ptrdiff_t depth, ptrdiff_t columns) {
    return words_across(load(in, columns), depth > 1 ? load(in + stride, columns) : (V){0});
}

CK_INLINE __m512bh pairs_at(const uint32_t *p) { return (__m512bh)load_words(p); }
CK_INLINE __m512bh pair_in_all(uint32_t word) { return (__m512bh)splat_word(word); }
CK_INLINE V add_pair_products(V sum, __m512bh left, __m512bh right) {
    return (V)_mm512_dpbf16_ps((__m512)sum, left, right);
}

#define CK_TERM uint32_t
#define CK_TERMS __m512bh
#define CK_TERMS_AT pairs_at
#define CK_TERM_IN_ALL pair_in_all
#define CK_ADD_PRODUCT add_pair_products
#define CK_TILE PairTile
#define CK_MULTIPLY_TILE multiply_pair_tile
#define CK_MULTIPLY_NEXT multiply_next_pairs
#define CK_MULTIPLY_PANEL multiply_pair_panel
#include "tile.h"

CK_INLINE ptrdiff_t pairs_of(ptrdiff_t depth) { return (depth + 1) / 2; }

static void pack_pairs(uint32_t *packed, const float *b, ptrdiff_t b_stride, ptrdiff_t columns,
                       ptrdiff_t depth) {
    for (ptrdiff_t j = 0; j < columns; j += PANEL) {
        ptrdiff_t stride = panel_stride(columns - j);
        for (ptrdiff_t k = 0; k < depth; k += 2, packed += stride)
            for (ptrdiff_t v = 0; v < stride; v += W)
                store_words(packed + v, round_rows(b + k * b_stride + j + v, b_stride, depth - k,
                                                   columns - j - v));
    }
}

static void pack_pairs_transposed(uint32_t *packed, const float *b, ptrdiff_t b_stride,
                                  ptrdiff_t columns, ptrdiff_t depth) {
    for (ptrdiff_t j = 0; j < columns; j += PANEL) {
        ptrdiff_t stride = panel_stride(columns - j);
        for (ptrdiff_t v = 0; v < stride; v += W)
            for (ptrdiff_t k = 0; k < depth; k += 2 * W) {
                V block[W];
                for (int l = 0; l < W; l++) {
                    const float *column = b + (j + v + l) * b_stride + k;
                    block[l] = j + v + l < columns
                                   ? (V)words_along(load(column, depth - k),
                                                    load(column + W, depth - k - W))
                                   : (V){0};
                }
                transpose(block);
                for (int l = 0; l < W && k + 2 * l < depth; l++)
                    store_words(packed + (k / 2 + l) * stride + v, (U)block[l]);
            }
        packed += pairs_of(depth) * stride;
    }
}

static void multiply_pairs(float *c, const float *a, const uint32_t *packed,
                           const ck_product *product) {
    const ck_product *p = product;
    ptrdiff_t all = pairs_of(p->depth), block = block_length(all, DEPTH_BLOCK);
    uint32_t copy[ROW_BLOCK * COPY_STRIDE];
    Fetch fetch = fetch_during(p, all);
    for (ptrdiff_t k = 0; k == 0 || k < all; k += block)
        for (ptrdiff_t top = 0; top < p->rows; top += ROW_BLOCK) {
            ptrdiff_t rows = smaller(ROW_BLOCK, p->rows - top);
            PairTile tile = {.a = copy, .a_row = COPY_STRIDE, .a_column = 1,
                             .a_tile = TILE_ROWS * COPY_STRIDE,
                             .c_row = p->c_stride, .depth = smaller(block, all - k),
                             .store = k > 0 ? CK_ACCUMULATE : p->store,
                             .ahead_step = fetch.step,
                             .b_ahead_step = panel_ahead_step(rows)};
            for (ptrdiff_t i = 0; i < rows; i++)
                round_row(copy + i * COPY_STRIDE, a + (top + i) * p->a_stride + 2 * k,
                          smaller(2 * block, p->depth - 2 * k));
            for (ptrdiff_t j = 0; j < p->columns; j += PANEL) {
                tile.c = c + top * p->c_stride + j;
                tile.columns = p->columns - j;
                tile.b_row = panel_stride(tile.columns);
                tile.b = packed + j * all + k * tile.b_row;
                tile.b_ahead = j + PANEL < p->columns ? tile.b + PANEL * all : packed;
                tile.ahead = fetch_next(&fetch, rows, tile.depth, tile.c);
                multiply_pair_panel(tile, rows);
            }
        }
}

/// Rounds `rows` columns of a[depth, rows] into words that lie WEIGHT_ROWS from one pair to the next.
CK_INLINE void round_columns(uint32_t *out, const float *a, ptrdiff_t a_stride, ptrdiff_t rows,
                             ptrdiff_t depth) {
    for (ptrdiff_t k = 0; k < depth; k += 2, out += WEIGHT_ROWS)
        for (ptrdiff_t i = 0; i < rows; i += W)
            store_words(out + i, round_rows(a + k * a_stride + i, a_stride, depth - k, rows - i));
}

static void multiply_pairs_transposed(float *c, const float *a, const float *b,
                                      const ck_product *product) {
    const ck_product *p = product;
    ptrdiff_t block = 2 * block_length(pairs_of(p->depth), WEIGHT_BLOCK);
    uint32_t panels[WEIGHT_BLOCK * COLUMN_BLOCK], copy[WEIGHT_BLOCK * WEIGHT_ROWS];
    Fetch fetch = fetch_during(p, pairs_of(p->depth));
    for (ptrdiff_t k = 0; k == 0 || k < p->depth; k += block)
        for (ptrdiff_t left = 0; left < p->columns; left += COLUMN_BLOCK) {
            ptrdiff_t columns = smaller(COLUMN_BLOCK, p->columns - left);
            ptrdiff_t depth = smaller(block, p->depth - k);
            pack_pairs(panels, b + k * p->b_stride + left, p->b_stride, columns, depth);
            for (ptrdiff_t top = 0; top < p->rows; top += WEIGHT_ROWS) {
                ptrdiff_t rows = smaller(WEIGHT_ROWS, p->rows - top);
                PairTile tile = {.a = copy, .a_row = 1, .a_column = WEIGHT_ROWS, .a_tile = TILE_ROWS,
                                 .c_row = p->c_stride, .depth = pairs_of(depth),
                                 .store = k > 0 ? CK_ACCUMULATE : p->store,
                                 .ahead_step = fetch.step};
                round_columns(copy, a + k * p->a_stride + top, p->a_stride, rows, depth);
                for (ptrdiff_t j = 0; j < columns; j += PANEL) {
                    tile.c = c + top * p->c_stride + left + j;
                    tile.columns = columns - j;
                    tile.b_row = panel_stride(tile.columns);
                    tile.b = tile.b_ahead = panels + j * tile.depth;
                    tile.ahead = fetch_next(&fetch, rows, tile.depth, tile.c);
                    multiply_pair_panel(tile, rows);
                }
            }
        }
}

const ck_bfloat16_table ck_bfloat16_table_avx512 = {
    .name = CK_LEVEL_NAME " bf16",
    .pack = pack_pairs, .pack_transposed = pack_pairs_transposed,
    .multiply = multiply_pairs, .multiply_transposed = multiply_pairs_transposed,
};
