/* Products of small matrices.

   The right factor and the product are stored by rows; the left factor is read one number at a time with any strides, so that a transposed
   one needs no copy. The product is made in tiles of TILE_ROWS x PANEL whose sums stay in registers; a panel of the right factor stays in the
   first-level cache while all rows of the left pass by. */
#ifndef RELSCALE_MATMUL_H
#define RELSCALE_MATMUL_H

#include "vector.h"

/* Depth of one pass: a panel of it is half of a first-level cache of 32 KiB. */
#define DEPTH_AT_ONCE 256

typedef struct {
    const float *at;
    long row;   /* from a row to the next one */
    long depth; /* from an entry of a row to the next one */
} Left;

/* One tile: product[rows][columns] (+)= left[rows][depth] * right[depth][columns]; columns is less than a vector only with one vector. */
INLINE void tile(const int rows, const int vectors, Left left, const float *right, long right_stride, float *product, long product_stride,
                 long depth, int columns, int add) {
    vec sums[TILE_ROWS][TILE_VECTORS];
    for (int row = 0; row < rows; row++)
        for (int v = 0; v < vectors; v++) sums[row][v] = (vec){0};
    const float *entry = left.at;
    for (long k = 0; k < depth; k++) {
        vec across[TILE_VECTORS];
        for (int v = 0; v < vectors; v++) across[v] = load(right + v * LANES);
#pragma GCC unroll 8
        for (int row = 0; row < rows; row++) {
            vec one = splat(entry[row * left.row]);
            for (int v = 0; v < vectors; v++) sums[row][v] = fused(one, across[v], sums[row][v]);
        }
        entry += left.depth;
        right += right_stride;
    }
    for (int row = 0; row < rows; row++, product += product_stride) {
        if (vectors == 1 && columns < LANES) {
            for (int column = 0; column < columns; column++) product[column] = add ? product[column] + sums[row][0][column] : sums[row][0][column];
            continue;
        }
        for (int v = 0; v < vectors; v++) store(product + v * LANES, add ? load(product + v * LANES) + sums[row][v] : sums[row][v]);
    }
}

/* A panel: all rows, in tiles of nearly equal height, since a tile of one row would use a fraction of the machine. */
INLINE void panel(const int vectors, long rows, Left left, const float *right, long right_stride, float *product, long product_stride,
                  long depth, int columns, int add) {
    long tiles = (rows + TILE_ROWS - 1) / TILE_ROWS, small = tiles ? rows / tiles : 0, larger = tiles ? rows % tiles : 0;
    for (long number = 0; number < tiles; number++) {
        long height = small + (number < larger);
        switch (height) {
#define TILE_OF(height)                                                                                                      \
    case height:                                                                                                             \
        tile(height, vectors, left, right, right_stride, product, product_stride, depth, columns, add); \
        break;
            TILE_OF(1) TILE_OF(2) TILE_OF(3) TILE_OF(4)
#if TILE_ROWS > 4
            TILE_OF(5) TILE_OF(6)
#endif
#if TILE_ROWS > 6
            TILE_OF(7) TILE_OF(8)
#endif
#undef TILE_OF
        }
        left.at += height * left.row;
        product += height * product_stride;
    }
}

#define PANEL_FUNCTION(name, vectors, left_row)                                                                                      \
    static __attribute__((noinline)) void name(long rows, Left left, const float *right, long right_stride, float *product,          \
                                               long product_stride, long depth, int columns, int add) {                              \
        left.row = left_row;                                                                                                         \
        if (add)                                                                                                                     \
            panel(vectors, rows, left, right, right_stride, product, product_stride, depth, columns, 1);                             \
        else                                                                                                                         \
            panel(vectors, rows, left, right, right_stride, product, product_stride, depth, columns, 0);                             \
    }
/* A left factor whose columns lie together is common (transposed weights, keys), and addressed with constants. */
PANEL_FUNCTION(whole_panel, TILE_VECTORS, left.row)
PANEL_FUNCTION(whole_panel_of_columns, TILE_VECTORS, 1)
PANEL_FUNCTION(vector_panel, 1, left.row)
PANEL_FUNCTION(vector_panel_of_columns, 1, 1)

/* product[rows][columns] (+)= left[rows][depth] * right[depth][columns].

   The right factor is read up to the next multiple of LANES columns; what it holds there is not used. `before` is the number of entries of the
   depth that were left out because they are zero: the passes end where they would with them. */
static void multiply_rest(long rows, long columns, long before, long depth, Left left, const float *right, long right_stride, float *product,
                          long product_stride, int add) {
    long deep;
    for (long begin = 0; begin < depth; begin += deep) {
        const long until = DEPTH_AT_ONCE - (before + begin) % DEPTH_AT_ONCE;
        deep = depth - begin < until ? depth - begin : until;
        Left part = {left.at + begin * left.depth, left.row, left.depth};
        const float *from = right + begin * right_stride;
        long column = 0;
        for (; column + PANEL <= columns; column += PANEL)
            (left.row == 1 ? whole_panel_of_columns : whole_panel)(rows, part, from + column, right_stride, product + column,
                                                                   product_stride, deep, PANEL, add);
        for (; column < columns; column += LANES) {
            int width = columns - column < LANES ? (int)(columns - column) : LANES;
            (left.row == 1 ? vector_panel_of_columns : vector_panel)(rows, part, from + column, right_stride, product + column,
                                                                     product_stride, deep, width, add);
        }
        add = 1;
    }
}

static void multiply(long rows, long columns, long depth, Left left, const float *right, long right_stride, float *product,
                     long product_stride, int add) {
    multiply_rest(rows, columns, 0, depth, left, right, right_stride, product, product_stride, add);
}

/* to[column][row] = from[row][column]; entries of `to` from `rows` on up to `padded` become 0. */
static void transpose(const float *restrict from, long from_stride, long rows, long columns, float *restrict to, long to_stride, long padded) {
    long row = 0;
    for (; row + 4 <= rows; row += 4) {
        const float *source = from + row * from_stride;
        float *target = to + row;
        long column = 0;
        for (; column + 4 <= columns; column += 4) {
            Square square;
            for (int part = 0; part < 4; part++) square.row[part] = load4(source + part * from_stride + column);
            square = turned(square);
            for (int part = 0; part < 4; part++) store4(target + (column + part) * to_stride, square.row[part]);
        }
        for (; column < columns; column++)
            for (int part = 0; part < 4; part++) target[column * to_stride + part] = source[part * from_stride + column];
    }
    for (; row < rows; row++)
        for (long column = 0; column < columns; column++) to[column * to_stride + row] = from[row * from_stride + column];
    if (padded > rows)
        for (long column = 0; column < columns; column++) memset(to + column * to_stride + rows, 0, sizeof(float) * (padded - rows));
}

#endif
