/* Vectors of the machine's own width, written with the vector extensions that GCC and Clang share.

   This file and those that include it are compiled once for each level of instructions (see levels.c): LANES, and the size of a tile of a
   matrix product, follow from what the compiler may use.

   Every level gives the same bytes. The compiler contracts nothing (-ffp-contract=off): a multiplication and an addition that round once are
   written as `fused`. A sum over lanes is that of VIRTUAL_LANES lanes, whatever LANES is. Other sums run along features, rows or depth in an
   order that depends on no width. Elementary functions are those below, not the C library's, which differ from one to another. */
#ifndef RELSCALE_VECTOR_H
#define RELSCALE_VECTOR_H

#include <stdint.h>
#include <string.h>
#if defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

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

/* Lanes of a sum over lanes: a vector of the widest level, or several vectors of a narrower one. */
#define VIRTUAL_LANES 16

/* Columns of a panel: what one tile spans. */
#define PANEL (LANES * TILE_VECTORS)
/* Time is padded to a multiple of this: loops over time have no remainder. */
#define TIME_MULTIPLE VIRTUAL_LANES

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

/* Four vectors of four, to transpose with: every machine has these. */
typedef float vec4 __attribute__((vector_size(16)));
typedef float unaligned_vec4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef struct {
    vec4 row[4];
} Square;

INLINE vec4 load4(const float *from) { return *(const unaligned_vec4 *)from; }

INLINE void store4(float *to, vec4 value) { *(unaligned_vec4 *)to = value; }

/* a * b + c, rounded once. */
#if defined(__AVX512F__)
INLINE vec fused(vec a, vec b, vec c) { return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
#elif defined(__AVX2__)
INLINE vec fused(vec a, vec b, vec c) { return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
#elif defined(__aarch64__)
INLINE vec fused(vec a, vec b, vec c) { return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
#elif defined(__SSE2__)
/* Without such an instruction, in double precision: the product is exact, the sum is rounded to odd (Boldo and Melquiond 2008, Emulation of
   FMA and correctly rounded sums), so that rounding it to single precision is the only rounding that counts. Many times slower. */
INLINE __m128d rounded_to_odd(__m128d a, __m128d b, __m128d addend) {
    const __m128d product = a * b, sum = product + addend, rest = sum - product, zero = {0};
    /* What the addition lost (Knuth's two-sum); NaN where the sum is not finite. */
    const __m128d lost = (product - (sum - rest)) + (addend - rest);
    const __m128i above = (__m128i)(lost > zero), inexact = above | (__m128i)(lost < zero), apart = above ^ (__m128i)(sum > zero);
    /* An even last bit becomes odd, towards what was lost: one unit up in size where both have the same sign, else down. */
    const __m128i even = ((__m128i)sum & 1) - 1;
    return (__m128d)((__m128i)sum + (inexact & even & (1 + 2 * apart)));
}

INLINE vec fused(vec a, vec b, vec c) {
    const __m128 x = (__m128)a, y = (__m128)b, z = (__m128)c;
    const __m128 low = _mm_cvtpd_ps(rounded_to_odd(_mm_cvtps_pd(x), _mm_cvtps_pd(y), _mm_cvtps_pd(z)));
    const __m128 high = _mm_cvtpd_ps(rounded_to_odd(_mm_cvtps_pd(_mm_movehl_ps(x, x)), _mm_cvtps_pd(_mm_movehl_ps(y, y)),
                                                    _mm_cvtps_pd(_mm_movehl_ps(z, z))));
    return (vec)_mm_movelh_ps(low, high);
}
#else
INLINE vec fused(vec a, vec b, vec c) {
    for (int lane = 0; lane < LANES; lane++) c[lane] = __builtin_fmaf(a[lane], b[lane], c[lane]);
    return c;
}
#endif

/* The sum of VIRTUAL_LANES numbers that lie one after another: each half is added to the other, then each half of the rest. */
INLINE float sum_of_lanes(const float *lanes) {
    const vec4 four = (load4(lanes) + load4(lanes + 8)) + (load4(lanes + 4) + load4(lanes + 12));
    return (four[0] + four[2]) + (four[1] + four[3]);
}

/* e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln(2) / 2, where Taylor's series to the seventh power is good to a last bit.
   x is clamped to where the result is a normal number; the comparisons are false for NaN, which stays NaN: a diverged run must be seen. */
INLINE vec exponential(vec x) {
    const float to_integer = 12582912.0f; /* 1.5 * 2^23: adding it leaves the nearest integer in the low bits */
    x = choose(x < splat(-87.0f), splat(-87.0f), x);
    x = choose(x > splat(88.0f), splat(88.0f), x);
    vec shifted = fused(x, splat(1.44269504f), splat(to_integer));
    vec n = shifted - to_integer;
    /* ln 2 in two parts, the first of few bits, so that n times it is exact. */
    vec r = fused(n, splat(-0.693359375f), x);
    r = fused(n, splat(2.12194440e-4f), r);
    vec series = splat(1.0f / 5040);
    series = fused(series, r, splat(1.0f / 720));
    series = fused(series, r, splat(1.0f / 120));
    series = fused(series, r, splat(1.0f / 24));
    series = fused(series, r, splat(1.0f / 6));
    series = fused(series, r, splat(0.5f));
    series = fused(series, r, splat(1.0f));
    series = fused(series, r, splat(1.0f));
    ivec power = ((ivec)shifted + 127) << 23;
    return series * (vec)power;
}

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

/* Sum over `count` entries, a multiple of VIRTUAL_LANES, of x * y * z; `z` may be null and counts as 1. */
INLINE float sum_of_products(const float *x, const float *y, const float *z, long count) {
    vec sums[VIRTUAL_LANES / LANES] = {{0}};
    for (long at = 0; at < count; at += VIRTUAL_LANES)
#pragma GCC unroll 4
        for (int part = 0; part < VIRTUAL_LANES / LANES; part++) {
            const long here = at + part * LANES;
            const vec one = load(x + here), other = load(y + here);
            sums[part] = z ? fused(one * other, load(z + here), sums[part]) : fused(one, other, sums[part]);
        }
    float lanes[VIRTUAL_LANES];
    for (int part = 0; part < VIRTUAL_LANES / LANES; part++) store(lanes + part * LANES, sums[part]);
    return sum_of_lanes(lanes);
}

/* The natural logarithm of a positive normal number, to about its last bit, in operations that round the same everywhere; what is not finite
   stays so. With x = 2^n m and m from sqrt(1/2) to sqrt(2), ln m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.172. */
static double logarithm(double x) {
    if (!(x <= 1.7976931348623157e308)) return x;
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int64_t n = (bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffff) | ((int64_t)1023 << 52);
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) m *= 0.5, n++;
    const double s = (m - 1) / (m + 1), square = s * s;
    double series = 0;
    for (int power = 21; power >= 3; power -= 2) series = (series + 1.0 / power) * square;
    /* ln 2 in two parts, the first of few bits. */
    return (double)n * 0.693147180369123816490 + (2 * s + (2 * s * series + (double)n * 1.90821492927058770002e-10));
}

/* base^exponent for a whole exponent >= 0, by squaring. */
static double whole_power(double base, int64_t exponent) {
    double power = 1;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1) power *= base;
    return power;
}

#endif
