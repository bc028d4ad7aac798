/* Vectors of the machine's own width, written with the vector extensions that GCC and Clang share: no intrinsics of any one machine.

   This file and those that include it are compiled once for each level of instructions (see levels.c): LANES, and the size of a tile of a
   matrix product, follow from what the compiler may use. */
#ifndef RELSCALE_VECTOR_H
#define RELSCALE_VECTOR_H

#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* A tile's sums fill the registers but for the vectors of the right factor and one of the left: 32 registers with AVX-512 and NEON, 16 else. */
#if defined(__AVX512F__)
#define LANES 16
#define TILE_ROWS 8
#define TILE_VECTORS 2
#elif defined(__AVX2__)
#define LANES 8
#define TILE_ROWS 6
#define TILE_VECTORS 2
#elif defined(__aarch64__)
#define LANES 4
#define TILE_ROWS 6
#define TILE_VECTORS 4
#else
#define LANES 4
#define TILE_ROWS 4
#define TILE_VECTORS 2
#endif

/* Columns of a panel: what one tile spans. */
#define PANEL (LANES * TILE_VECTORS)
/* Time is padded to a multiple of this, which every LANES divides: loops over time have no remainder. */
#define TIME_MULTIPLE 16

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t ivec __attribute__((vector_size(4 * LANES)));
typedef float unaligned_vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

INLINE vec load(const float *from) { return *(const unaligned_vec *)from; }

INLINE void store(float *to, vec value) { *(unaligned_vec *)to = value; }

/* x - 0 is x for every x, also for -0. */
INLINE vec splat(float value) { return value - (vec){0}; }

INLINE vec choose(ivec mask, vec yes, vec no) { return (vec)((mask & (ivec)yes) | (~mask & (ivec)no)); }

/* NaN loses against a number: whoever takes a maximum must see it otherwise. */
INLINE vec larger_of(vec a, vec b) { return choose(a > b, a, b); }

/* The lanes' numbers 0, 1, 2, ... */
INLINE ivec lane_numbers(void) {
    ivec numbers = {0};
    for (int lane = 0; lane < LANES; lane++) numbers[lane] = lane;
    return numbers;
}

INLINE float sum_of_lanes(vec value) {
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += value[lane];
    return sum;
}

/* e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln(2) / 2, where Taylor's series to the seventh power is good to a last bit.
   x is clamped to where the result is a normal number; the comparisons are false for NaN, which stays NaN: a diverged run must be seen. */
INLINE vec exponential(vec x) {
    const float to_integer = 12582912.0f; /* 1.5 * 2^23: adding it leaves the nearest integer in the low bits */
    x = choose(x < splat(-87.0f), splat(-87.0f), x);
    x = choose(x > splat(88.0f), splat(88.0f), x);
    vec shifted = x * 1.44269504f + to_integer;
    vec n = shifted - to_integer;
    /* ln 2 in two parts, the first of few bits, so that n times it is exact. */
    vec r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    vec series = splat(1.0f / 5040);
    series = series * r + 1.0f / 720;
    series = series * r + 1.0f / 120;
    series = series * r + 1.0f / 24;
    series = series * r + 1.0f / 6;
    series = series * r + 0.5f;
    series = series * r + 1.0f;
    series = series * r + 1.0f;
    ivec power = ((ivec)shifted + 127) << 23;
    return series * (vec)power;
}

/* Four vectors of four, to transpose with: every machine has these. */
typedef float vec4 __attribute__((vector_size(16)));
typedef float unaligned_vec4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef struct {
    vec4 row[4];
} Square;

INLINE vec4 load4(const float *from) { return *(const unaligned_vec4 *)from; }

INLINE void store4(float *to, vec4 value) { *(unaligned_vec4 *)to = value; }

#ifndef __has_builtin
#define __has_builtin(name) 0
#endif
#if __has_builtin(__builtin_shufflevector)
#define SHUFFLE4(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef int32_t ivec4 __attribute__((vector_size(16)));
#define SHUFFLE4(a, b, i, j, k, l) __builtin_shuffle(a, b, (ivec4){i, j, k, l})
#endif

INLINE Square turned(Square square) {
    const vec4 *row = square.row;
    vec4 low01 = SHUFFLE4(row[0], row[1], 0, 4, 1, 5), low23 = SHUFFLE4(row[2], row[3], 0, 4, 1, 5);
    vec4 high01 = SHUFFLE4(row[0], row[1], 2, 6, 3, 7), high23 = SHUFFLE4(row[2], row[3], 2, 6, 3, 7);
    return (Square){{SHUFFLE4(low01, low23, 0, 1, 4, 5), SHUFFLE4(low01, low23, 2, 3, 6, 7), SHUFFLE4(high01, high23, 0, 1, 4, 5),
                     SHUFFLE4(high01, high23, 2, 3, 6, 7)}};
}

/* Sum over `count` entries, a multiple of LANES, of x * y * z; `z` may be null and counts as 1. */
INLINE float sum_of_products(const float *x, const float *y, const float *z, long count) {
    vec sum = {0};
    for (long at = 0; at < count; at += LANES) {
        vec product = load(x + at) * load(y + at);
        sum += z ? product * load(z + at) : product;
    }
    return sum_of_lanes(sum);
}

#endif
