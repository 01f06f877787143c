// Register tiles of TILE_ROWS × TILE_VECTORS vectors, for one kind of terms. The including file defines
// CK_TERM, the type of a term in memory, CK_TERMS, that of a vector of terms, CK_TERMS_AT(pointer) and
// CK_TERM_IN_ALL(term), which load one, CK_ADD_PRODUCT(sum, left, right), and names: CK_TILE of the
// type, CK_MULTIPLY_TILE, CK_MULTIPLY_NEXT and CK_MULTIPLY_PANEL of the functions.

/// What tiles below one another read and write: a(i, k) lies at a[i·a_row + k·a_column], the next
/// tile's at a[a_tile], row k of the panel at b[k·b_row], padded to whole vectors; c has `columns` of
/// its columns. Each step of depth fetches a line at `ahead`, `ahead_step` floats behind the last one,
/// so that memory works while the registers multiply; likewise one of the next panel at `b_ahead`, into
/// the second-level cache.
typedef struct {
    float *c;
    const CK_TERM *a, *b, *b_ahead;
    const float *ahead;
    ptrdiff_t c_row, a_row, a_column, a_tile, b_row, columns, depth, ahead_step, b_ahead_step;
    ck_store store;
} CK_TILE;

CK_INLINE void CK_MULTIPLY_TILE(const CK_TILE *t, int rows, int vectors) {
    V sum[TILE_ROWS][TILE_VECTORS];
    ptrdiff_t a_row = t->a_row;
    const CK_TERM *a = t->a, *b = t->b, *b_ahead = t->b_ahead;
    const float *ahead = t->ahead;
    // The tile below, whose lines a short depth would wait for when it stores.
    for (int i = rows; i < 2 * rows && vectors > 1; i++)
        for (int v = 0; v < vectors; v++)
            __builtin_prefetch(t->c + i * t->c_row + v * W, 1);
#pragma unroll
    for (int i = 0; i < rows; i++)
#pragma unroll
        for (int v = 0; v < vectors; v++)
            sum[i][v] = t->store == CK_OVERWRITE
                            ? (V){0}
                            : load(t->c + i * t->c_row + v * W, t->columns - v * W);
#pragma clang loop unroll_count(2)
    for (ptrdiff_t k = t->depth; k > 0; k--, a += t->a_column, b += t->b_row) {
        CK_TERMS right[TILE_VECTORS];
        __builtin_prefetch(ahead);
        __builtin_prefetch(b_ahead, 0, 2);
        ahead += t->ahead_step;
        b_ahead += t->b_ahead_step;
        for (int v = 0; v < vectors; v++) right[v] = CK_TERMS_AT(b + v * W);
#pragma unroll
        for (int i = 0; i < rows; i++) {
            CK_TERMS left = CK_TERM_IN_ALL(a[i * a_row]);
#pragma unroll
            for (int v = 0; v < vectors; v++)
                sum[i][v] = CK_ADD_PRODUCT(sum[i][v], left, right[v]);
        }
    }
#pragma unroll
    for (int i = 0; i < rows; i++)
#pragma unroll
        for (int v = 0; v < vectors; v++)
            store(t->c + i * t->c_row + v * W, sum[i][v], t->columns - v * W);
}

CK_INLINE void CK_MULTIPLY_NEXT(CK_TILE *tile, int rows) {
    if (tile->columns > W) CK_MULTIPLY_TILE(tile, rows, 2);
    else CK_MULTIPLY_TILE(tile, rows, 1);
    tile->a += rows == TILE_ROWS ? tile->a_tile : rows * tile->a_row;
    tile->c += rows * tile->c_row;
    tile->ahead += tile->ahead_step * tile->depth;
    tile->b_ahead += tile->b_ahead_step * tile->depth;
}

/// `rows` of c beside one panel; the compiler knows the height of each tile.
static void CK_MULTIPLY_PANEL(CK_TILE tile, ptrdiff_t rows) {
    for (; rows >= TILE_ROWS; rows -= TILE_ROWS) CK_MULTIPLY_NEXT(&tile, TILE_ROWS);
    if (TILE_ROWS > 8 && rows & 8) CK_MULTIPLY_NEXT(&tile, 8);
    if (TILE_ROWS > 4 && rows & 4) CK_MULTIPLY_NEXT(&tile, 4);
    if (rows & 2) CK_MULTIPLY_NEXT(&tile, 2);
    if (rows & 1) CK_MULTIPLY_NEXT(&tile, 1);
}

#undef CK_TERM
#undef CK_TERMS
#undef CK_TERMS_AT
#undef CK_TERM_IN_ALL
#undef CK_ADD_PRODUCT
#undef CK_TILE
#undef CK_MULTIPLY_TILE
#undef CK_MULTIPLY_NEXT
#undef CK_MULTIPLY_PANEL
