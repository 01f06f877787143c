// Matrix products by register tiles of TILE_ROWS × TILE_VECTORS vectors. An element of c is one chain
// of fused multiply-adds in ascending order of depth, which waits in c between two blocks of depth:
// tiles, blocks and vector width change the speed and never the bits.

enum { TILE_ROWS = CK_WIDTH == 16 ? 12 : CK_WIDTH == 8 ? 6 : CK_WIDTH == 4 ? 8 : 4 };
// A panel is what one column of tiles reads of b. ROW_BLOCK rows of c pass by its DEPTH_BLOCK rows, which
// lie in the first-level cache or stream from the second; so do WEIGHT_ROWS rows of c by WEIGHT_BLOCK
// rows of COLUMN_BLOCK columns in `multiply_transposed`.
enum { TILE_VECTORS = 2, PANEL = TILE_VECTORS * W };
enum { DEPTH_BLOCK = 768, ROW_BLOCK = 240, WEIGHT_BLOCK = 256, WEIGHT_ROWS = 96, COLUMN_BLOCK = 768 };
// Rows of a copy are this far apart, so that they do not share the sets of a cache.
enum { COPY_STRIDE = DEPTH_BLOCK + 16 };

#define CK_TERM float
#define CK_TERMS V
#define CK_TERMS_AT load_full
#define CK_TERM_IN_ALL splat
#define CK_ADD_PRODUCT(sum, left, right) fused(left, right, sum)
#define CK_TILE Tile
#define CK_MULTIPLY_TILE multiply_tile
#define CK_MULTIPLY_NEXT multiply_next
#define CK_MULTIPLY_PANEL multiply_panel
#include "tile.h"

/// Floats from row to row of a panel whose first column has `columns` to its right, itself included.
CK_INLINE ptrdiff_t panel_stride(ptrdiff_t columns) { return columns > W ? PANEL : W; }

static void pack(float *packed, const float *b, ptrdiff_t b_stride, ptrdiff_t columns,
                 ptrdiff_t depth) {
    // In the order in which b lies in memory.
    for (ptrdiff_t k = 0; k < depth; k++)
        for (ptrdiff_t j = 0; j < columns; j += PANEL) {
            ptrdiff_t stride = panel_stride(columns - j);
            float *out = packed + j * depth + k * stride;
            for (ptrdiff_t v = 0; v < stride; v += W)
                store_full(out + v, load(b + k * b_stride + j + v, columns - j - v));
        }
}

static void pack_transposed(float *packed, const float *b, ptrdiff_t b_stride, ptrdiff_t columns,
                            ptrdiff_t depth) {
    for (ptrdiff_t j = 0; j < columns; j += PANEL) {
        ptrdiff_t stride = panel_stride(columns - j);
        for (ptrdiff_t v = 0; v < stride; v += W)
            for (ptrdiff_t k = 0; k < depth; k += W) {
                V block[W];
                for (int l = 0; l < W; l++) {
                    ptrdiff_t column = j + v + l;
                    block[l] = column < columns ? load(b + column * b_stride + k, depth - k)
                                                : (V){0};
                }
                transpose(block);
                for (int l = 0; l < W && k + l < depth; l++)
                    store_full(packed + (k + l) * stride + v, block[l]);
            }
        packed += depth * stride;
    }
}

/// The length of the fewest equal blocks of at most `limit`; at least 1.
CK_INLINE ptrdiff_t block_length(ptrdiff_t total, ptrdiff_t limit) {
    ptrdiff_t count = (total + limit - 1) / limit;
    return count > 0 ? (total + count - 1) / count : 1;
}

/// What a product fetches ahead, spread over its steps of depth.
typedef struct {
    ck_ahead what;
    ptrdiff_t step, position;
} Fetch;

CK_INLINE ptrdiff_t tiles_of(ptrdiff_t rows) { return (rows + TILE_ROWS - 1) / TILE_ROWS; }

CK_INLINE Fetch fetch_during(const ck_product *p, ptrdiff_t depth) {
    enum { LINE = 16 };
    ptrdiff_t count = p->ahead.first.count + p->ahead.second.count + p->ahead.third.count;
    ptrdiff_t steps = tiles_of(p->rows) * ((p->columns + PANEL - 1) / PANEL) * depth;
    return (Fetch){p->ahead, steps > 0 ? smaller((count + steps - 1) / steps, LINE) : 0, 0};
}

/// Where `rows` of a panel begin to fetch; `nothing` is an address that may be fetched in vain.
CK_INLINE const float *fetch_next(Fetch *fetch, ptrdiff_t rows, ptrdiff_t depth, const void *nothing) {
    if (fetch->step == 0) return nothing;
    ptrdiff_t position = fetch->position;
    fetch->position += tiles_of(rows) * depth * fetch->step;
    const ck_floats places[3] = {fetch->what.first, fetch->what.second, fetch->what.third};
    for (int i = 0; i < 3; i++) {
        if (position < places[i].count) return places[i].start + position;
        position -= places[i].count;
    }
    return nothing;
}

/// Whether the rows of a share so few sets of a cache that a copy of them is worth its time, given that
/// many panels read it.
CK_INLINE int rows_share_sets(const ck_product *p) {
    return p->a_stride % 1024 == 0 && p->columns > 192;
}

/// How far `b_ahead` goes at each step so that `rows` beside a panel fetch all of the next one.
CK_INLINE ptrdiff_t panel_ahead_step(ptrdiff_t rows) {
    ptrdiff_t tiles = tiles_of(rows);
    return (PANEL + tiles - 1) / tiles;
}

static void multiply(float *c, const float *a, const float *packed, const ck_product *product) {
    const ck_product *p = product;
    ptrdiff_t block = block_length(p->depth, DEPTH_BLOCK);
    float copy[ROW_BLOCK * COPY_STRIDE];
    Fetch fetch = fetch_during(p, p->depth);
    for (ptrdiff_t k = 0; k == 0 || k < p->depth; k += block)
        for (ptrdiff_t top = 0; top < p->rows; top += ROW_BLOCK) {
            ptrdiff_t rows = smaller(ROW_BLOCK, p->rows - top);
            Tile tile = {.a = a + top * p->a_stride + k, .a_row = p->a_stride, .a_column = 1,
                         .a_tile = TILE_ROWS * p->a_stride,
                         .c_row = p->c_stride, .depth = smaller(block, p->depth - k),
                         .store = k > 0 ? CK_ACCUMULATE : p->store,
                         .ahead_step = fetch.step, .b_ahead_step = panel_ahead_step(rows)};
            if (rows_share_sets(p)) {
                for (ptrdiff_t i = 0; i < rows; i++)
                    copy_values(copy + i * COPY_STRIDE, tile.a + i * p->a_stride, tile.depth);
                tile.a = copy, tile.a_row = COPY_STRIDE, tile.a_tile = TILE_ROWS * COPY_STRIDE;
            }
            for (ptrdiff_t j = 0; j < p->columns; j += PANEL) {
                tile.c = c + top * p->c_stride + j;
                tile.columns = p->columns - j;
                tile.b_row = panel_stride(tile.columns);
                tile.b = packed + j * p->depth + k * tile.b_row;
                tile.b_ahead = j + PANEL < p->columns ? tile.b + PANEL * p->depth : packed;
                tile.ahead = fetch_next(&fetch, rows, tile.depth, tile.c);
                multiply_panel(tile, rows);
            }
        }
}

/// Copies `rows` columns of a[depth, rows] so that what a tile reads lies in a row.
CK_INLINE void copy_tiles(float *copy, const float *a, ptrdiff_t a_stride, ptrdiff_t rows,
                          ptrdiff_t depth) {
    for (ptrdiff_t i = 0; i < rows; i += TILE_ROWS)
        for (ptrdiff_t k = 0; k < depth; k++, copy += TILE_ROWS)
            copy_values(copy, a + k * a_stride + i, smaller(TILE_ROWS, rows - i));
}

/// A block of depth and of c's columns, all rows: `panels` and `copy` are scratch. What few tiles
/// read is read where it lies: of b only what is no whole panel is copied then.
CK_INLINE void multiply_transposed_block(Tile tile, const float *b, float *panels, float *copy,
                                         const ck_product *p, ptrdiff_t columns, Fetch *fetch) {
    int b_lies = p->rows <= 320;
    int a_lies = p->rows <= 160 || p->columns <= 160;
    ptrdiff_t whole = b_lies ? columns / PANEL * PANEL : 0;
    pack(panels, b + whole, p->b_stride, columns - whole, tile.depth);
    for (ptrdiff_t top = 0; top < p->rows; top += WEIGHT_ROWS) {
        ptrdiff_t rows = smaller(WEIGHT_ROWS, p->rows - top);
        Tile at = tile;
        at.a += top;
        if (!a_lies) {
            copy_tiles(copy, at.a, p->a_stride, rows, tile.depth);
            at.a = copy, at.a_column = TILE_ROWS, at.a_tile = TILE_ROWS * tile.depth;
        }
        for (ptrdiff_t j = 0; j < columns; j += PANEL) {
            at.c = tile.c + top * p->c_stride + j;
            at.columns = columns - j;
            at.b = j < whole ? b + j : panels + (j - whole) * tile.depth;
            at.b_row = j < whole ? p->b_stride : panel_stride(at.columns);
            at.b_ahead = at.b;
            at.ahead = fetch_next(fetch, rows, at.depth, at.c);
            multiply_panel(at, rows);
        }
    }
}

static void multiply_transposed(float *c, const float *a, const float *b,
                                const ck_product *product) {
    const ck_product *p = product;
    ptrdiff_t block = block_length(p->depth, WEIGHT_BLOCK);
    float panels[WEIGHT_BLOCK * COLUMN_BLOCK], copy[WEIGHT_BLOCK * WEIGHT_ROWS];
    Fetch fetch = fetch_during(p, p->depth);
    for (ptrdiff_t k = 0; k == 0 || k < p->depth; k += block)
        for (ptrdiff_t j = 0; j < p->columns; j += COLUMN_BLOCK) {
            Tile tile = {.a = a + k * p->a_stride, .a_row = 1, .a_column = p->a_stride,
                         .a_tile = TILE_ROWS, .c = c + j, .c_row = p->c_stride,
                         .depth = smaller(block, p->depth - k),
                         .store = k > 0 ? CK_ACCUMULATE : p->store, .ahead_step = fetch.step};
            multiply_transposed_block(tile, b + k * p->b_stride + j, panels, copy, p,
                                      smaller(COLUMN_BLOCK, p->columns - j), &fetch);
        }
}
