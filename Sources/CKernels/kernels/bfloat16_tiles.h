// Matrix products of bfloat16 operands by AMX: tdpbf16ps on tile registers of 16 rows × 16 words. Operands are
// rounded and laid out like those of bfloat16.h; the left one is copied in rows of whole tiles, zeros behind the
// end of each. A square's rows behind the copy's last one hold anything: what they give is not stored. A tile of
// words is one step of an element's sum, so blocks of depth are whole tiles. `ck_ahead` is not followed yet.

// Rows and words of a tile register; of a square of c, whose four registers share two of each operand.
enum { TILE_SIDE = 16, SQUARE = 2 * TILE_SIDE };
// The copy's rows stay in the second-level cache while panels pass, and a panel's TILED_WORDS in the first.
enum { TILED_ROWS = 256, TILED_WORDS = 128, TILED_STRIDE = TILED_WORDS + TILE_SIDE };
_Static_assert(W == TILE_SIDE && WEIGHT_ROWS % SQUARE == 0, "copies are made of whole squares");

/// All eight registers at their full size; until _tile_release, what the thread's state keeps.
CK_INLINE void configure_tiles(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } configuration = {.palette = 1};
    for (int i = 0; i < 8; i++) configuration.row_bytes[i] = 64, configuration.rows[i] = TILE_SIDE;
    _tile_loadconfig(&configuration);
}

CK_INLINE ptrdiff_t whole_tiles(ptrdiff_t words) {
    return (words + TILE_SIDE - 1) / TILE_SIDE * TILE_SIDE;
}

/// A square of c beside what it is a product of: words a(i, k) at a[i·TILED_STRIDE + k], row k of the panel at
/// b[k·b_row]; `tail` holds the rows of the panel that make no whole tile, filled up with zeros.
typedef struct {
    float *c;
    const uint32_t *a, *b, *tail;
    ptrdiff_t c_row, b_row, rows, columns, words;
    ck_store store;
} Square;

/// Adds one tile of words to the registers 0–3; a narrow panel has the columns of 0 and 2 alone.
CK_INLINE void add_words(const uint32_t *a, const uint32_t *b, ptrdiff_t b_row) {
    enum { A_BYTES = TILED_STRIDE * 4 };
    _tile_loadd(4, a, A_BYTES);
    _tile_loadd(6, b, b_row * 4);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(5, a + TILE_SIDE * TILED_STRIDE, A_BYTES);
    _tile_dpbf16ps(2, 5, 6);
    if (b_row < PANEL) return;
    _tile_loadd(7, b + TILE_SIDE, b_row * 4);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
}

/// A square that c holds whole; one beside a narrow panel may leave its right half as it is.
CK_INLINE void multiply_whole_square(const Square *s) {
    float *below = s->c + TILE_SIDE * s->c_row;
    ptrdiff_t bytes = s->c_row * 4, whole = s->words / TILE_SIDE * TILE_SIDE;
    if (s->store == CK_OVERWRITE) {
        _tile_zero(0), _tile_zero(1), _tile_zero(2), _tile_zero(3);
    } else {
        _tile_loadd(0, s->c, bytes), _tile_loadd(1, s->c + TILE_SIDE, bytes);
        _tile_loadd(2, below, bytes), _tile_loadd(3, below + TILE_SIDE, bytes);
    }
    for (ptrdiff_t k = 0; k < whole; k += TILE_SIDE)
        add_words(s->a + k, s->b + k * s->b_row, s->b_row);
    if (whole < s->words) add_words(s->a + whole, s->tail, s->b_row);
    _tile_stored(0, s->c, bytes), _tile_stored(1, s->c + TILE_SIDE, bytes);
    _tile_stored(2, below, bytes), _tile_stored(3, below + TILE_SIDE, bytes);
}

/// A square at the edge of c passes by a copy.
static void multiply_square(Square s) {
    if (s.rows >= SQUARE && s.columns >= SQUARE) {
        multiply_whole_square(&s);
        return;
    }
    float edge[SQUARE * SQUARE];
    Square copy = s;
    ptrdiff_t rows = smaller(s.rows, SQUARE), columns = smaller(s.columns, SQUARE);
    copy.c = edge, copy.c_row = SQUARE;
    if (s.store == CK_ACCUMULATE)
        copy_columns(edge, SQUARE, s.c, s.c_row, rows, columns);
    multiply_whole_square(&copy);
    copy_columns(s.c, s.c_row, edge, SQUARE, rows, columns);
}

/// Fetches a square's lines of c, which its stores would wait for.
CK_INLINE void fetch_square(const float *c, ptrdiff_t c_row) {
    for (ptrdiff_t i = 0; i < SQUARE; i++) {
        __builtin_prefetch(c + i * c_row, 1);
        __builtin_prefetch(c + i * c_row + W, 1);
    }
}

/// The squares of `rows` rows of c beside one panel of at most PANEL columns.
CK_INLINE void multiply_squares(Square s) {
    uint32_t tail[TILE_SIDE * PANEL];
    ptrdiff_t whole = s.words / TILE_SIDE * TILE_SIDE, left = s.words - whole;
    if (left > 0) {
        __builtin_memset(tail, 0, sizeof tail);
        __builtin_memcpy(tail, s.b + whole * s.b_row, sizeof *tail * left * s.b_row);
    }
    s.tail = tail;
    for (; s.rows > 0; s.rows -= SQUARE) {
        if (s.rows > SQUARE) fetch_square(s.c + SQUARE * s.c_row, s.c_row);
        multiply_square(s);
        s.a += SQUARE * TILED_STRIDE;
        s.c += SQUARE * s.c_row;
    }
}

/// The length of equal blocks of words of at most TILED_WORDS, in whole tiles.
CK_INLINE ptrdiff_t tiled_block(ptrdiff_t words) {
    return whole_tiles(block_length(words, TILED_WORDS));
}

static void multiply_tiled(float *c, const float *a, const uint32_t *packed,
                           const ck_product *product) {
    const ck_product *p = product;
    ptrdiff_t all = pairs_of(p->depth), block = tiled_block(all);
    uint32_t copy[TILED_ROWS * TILED_STRIDE];
    configure_tiles();
    for (ptrdiff_t k = 0; k == 0 || k < all; k += block)
        for (ptrdiff_t top = 0; top < p->rows; top += TILED_ROWS) {
            Square s = {.a = copy, .c_row = p->c_stride, .rows = smaller(TILED_ROWS, p->rows - top),
                        .words = smaller(block, all - k), .store = k > 0 ? CK_ACCUMULATE : p->store};
            for (ptrdiff_t i = 0; i < s.rows; i++)
                round_row(copy + i * TILED_STRIDE, a + (top + i) * p->a_stride + 2 * k,
                          smaller(2 * block, p->depth - 2 * k));
            for (ptrdiff_t j = 0; j < p->columns; j += PANEL) {
                s.c = c + top * p->c_stride + j;
                s.columns = p->columns - j;
                s.b_row = panel_stride(s.columns);
                s.b = packed + j * all + k * s.b_row;
                multiply_squares(s);
            }
        }
    _tile_release();
}

/// Rounds `rows` columns of a[depth, rows] into rows of words.
CK_INLINE void round_columns_to_rows(uint32_t *out, const float *a, ptrdiff_t a_stride, ptrdiff_t rows,
                                     ptrdiff_t depth) {
    for (ptrdiff_t k = 0; k < depth; k += 2 * W)
        for (ptrdiff_t i = 0; i < rows; i += W) {
            V block[W];
            for (ptrdiff_t l = 0; l < W; l++) {
                ptrdiff_t term = k + 2 * l;
                block[l] = term < depth ? (V)round_rows(a + term * a_stride + i, a_stride,
                                                        depth - term, rows - i)
                                        : (V){0};
            }
            transpose(block);
            for (ptrdiff_t l = 0; l < W; l++)
                store_words(out + (i + l) * TILED_STRIDE + k / 2, (U)block[l]);
        }
}

static void multiply_tiled_transposed(float *c, const float *a, const float *b,
                                      const ck_product *product) {
    const ck_product *p = product;
    ptrdiff_t block = 2 * tiled_block(pairs_of(p->depth));
    uint32_t panels[TILED_WORDS * COLUMN_BLOCK], copy[WEIGHT_ROWS * TILED_STRIDE];
    configure_tiles();
    for (ptrdiff_t k = 0; k == 0 || k < p->depth; k += block)
        for (ptrdiff_t left = 0; left < p->columns; left += COLUMN_BLOCK) {
            ptrdiff_t columns = smaller(COLUMN_BLOCK, p->columns - left);
            ptrdiff_t depth = smaller(block, p->depth - k);
            pack_pairs(panels, b + k * p->b_stride + left, p->b_stride, columns, depth);
            for (ptrdiff_t top = 0; top < p->rows; top += WEIGHT_ROWS) {
                Square s = {.a = copy, .c_row = p->c_stride, .rows = smaller(WEIGHT_ROWS, p->rows - top),
                            .words = pairs_of(depth), .store = k > 0 ? CK_ACCUMULATE : p->store};
                round_columns_to_rows(copy, a + k * p->a_stride + top, p->a_stride, s.rows, depth);
                for (ptrdiff_t j = 0; j < columns; j += PANEL) {
                    s.c = c + top * p->c_stride + left + j;
                    s.columns = columns - j;
                    s.b_row = panel_stride(s.columns);
                    s.b = panels + j * s.words;
                    multiply_squares(s);
                }
            }
        }
    _tile_release();
}

const ck_bfloat16_table ck_bfloat16_tiles_amx = {
    .name = CK_LEVEL_NAME " amx",
    .pack = pack_pairs, .pack_transposed = pack_pairs_transposed,
    .multiply = multiply_tiled, .multiply_transposed = multiply_tiled_transposed,
};
