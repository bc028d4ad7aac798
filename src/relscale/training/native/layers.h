/* The parts of a decoder beside attention, forward and backward.

   Activations are stored feature by feature, (features, time), a row of `stride` floats for each: every loop over time runs on whole vectors
   whatever the widths are, and only matrix products see odd sizes. Columns from the last token up to `padded` hold the values of token 0, so
   that they are finite when the model is, and gradients of 0, so that they reach no sum. */
#ifndef RELSCALE_LAYERS_H
#define RELSCALE_LAYERS_H

#include <math.h>

#include "matmul.h"

/* Extent of the activations at hand. */
typedef struct {
    long time;   /* tokens */
    long padded; /* the next multiple of TIME_MULTIPLE */
    long stride; /* from a row to the next one: an odd number of cache lines, so that a column's rows do not compete for few sets */
} Extent;

/* hidden[:, t] = embedding[token[t]] */
static void embed(const float *restrict embedding, const int64_t *restrict tokens, long width, Extent extent, float *restrict hidden) {
    for (long t = 0; t < extent.padded; t += 4) {
        const float *row[4];
        for (int place = 0; place < 4; place++) row[place] = embedding + (t + place < extent.time ? tokens[t + place] : 0) * width;
        float *column = hidden + t;
        long j = 0;
        for (; j + 4 <= width; j += 4) {
            Square square = {{load4(row[0] + j), load4(row[1] + j), load4(row[2] + j), load4(row[3] + j)}};
            square = turned(square);
            for (int feature = 0; feature < 4; feature++) store4(column + (j + feature) * extent.stride, square.row[feature]);
        }
        for (; j < width; j++)
            for (int place = 0; place < 4; place++) column[j * extent.stride + place] = row[place][j];
    }
}

static void embed_backward(const float *restrict gradient, const int64_t *restrict tokens, long width, Extent extent,
                           float *restrict embedding_gradient) {
    for (long t = 0; t < extent.time; t += 4) {
        const int places = extent.time - t < 4 ? (int)(extent.time - t) : 4;
        const float *column = gradient + t;
        long j = 0;
        for (; j + 4 <= width; j += 4) {
            Square square;
            for (int feature = 0; feature < 4; feature++) square.row[feature] = load4(column + (j + feature) * extent.stride);
            square = turned(square);
            /* One after another: they may be the same token. */
            for (int place = 0; place < places; place++) {
                float *row = embedding_gradient + tokens[t + place] * width + j;
                store4(row, load4(row) + square.row[place]);
            }
        }
        for (; j < width; j++)
            for (int place = 0; place < places; place++)
                embedding_gradient[tokens[t + place] * width + j] += column[j * extent.stride + place];
    }
}

/* Sums that run side by side: with one alone each addition would round the whole sum, and wait for the one before. */
#define PARTS 8

/* sum[t] = sum over features of x * y * factor; `factor` (features) may be null and counts as 1. An error here is common to all features of a
   token and is not averaged away, so that these sums are taken in parts. */
INLINE void sums_over_features(const float *x, const float *y, const float *factor, long features, Extent extent, float *sum) {
    for (long t = 0; t < extent.padded; t += LANES) {
        vec parts[PARTS] = {{0}};
        for (long j = 0; j < features; j += PARTS) {
            const long count = features - j < PARTS ? features - j : PARTS;
#pragma GCC unroll 8
            for (long part = 0; part < PARTS; part++) {
                if (part >= count) break;
                const long at = (j + part) * extent.stride + t;
                const vec one = load(x + at), other = load(y + at);
                parts[part] = factor ? fused(one * other, splat(factor[j + part]), parts[part]) : fused(one, other, parts[part]);
            }
        }
        for (int half = PARTS / 2; half; half /= 2)
            for (int part = 0; part < half; part++) parts[part] += parts[part + half];
        store(sum + t, parts[0]);
    }
}

/* RMSNorm over features: inverse[t] = 1 / sqrt(mean_j x[j, t]^2 + epsilon), normed = x * inverse * weight. */
static void norm(const float *restrict x, const float *restrict weight, long features, float epsilon, Extent extent, float *restrict inverse,
                 float *restrict normed) {
    sums_over_features(x, x, NULL, features, extent, inverse);
    for (long t = 0; t < extent.padded; t++) inverse[t] = 1.0f / sqrtf(inverse[t] / (float)features + epsilon);
    for (long j = 0; j < features; j++)
        for (long t = 0; t < extent.padded; t++) normed[j * extent.stride + t] = x[j * extent.stride + t] * (inverse[t] * weight[j]);
}

/* From the gradient g of `normed`: dx = inverse * weight * g - x * inverse^3 * mean_j(g * weight * x), dweight = sum_t g * x * inverse.
   `sum` is scratch of one row. With `add` dx is added to what is there. */
static void norm_backward(const float *restrict gradient, const float *restrict x, const float *restrict weight,
                          const float *restrict inverse, long features, Extent extent, float *restrict sum, int add, float *restrict dx,
                          float *restrict weight_gradient) {
    const long stride = extent.stride;
    sums_over_features(gradient, x, weight, features, extent, sum);
    for (long j = 0; j < features; j++)
        weight_gradient[j] += sum_of_products(gradient + j * stride, x + j * stride, inverse, extent.padded);
    for (long t = 0; t < extent.padded; t++) sum[t] *= inverse[t] * inverse[t] * inverse[t] / (float)features;
    for (long j = 0; j < features; j++) {
        const float *g = gradient + j * stride, *value = x + j * stride;
        float *out = dx + j * stride;
        for (long t = 0; t < extent.padded; t += LANES) {
            const vec both = fused(load(g + t), load(inverse + t) * weight[j], -(load(value + t) * load(sum + t)));
            store(out + t, add ? load(out + t) + both : both);
        }
    }
}

static void add_rows(const float *restrict from, long features, Extent extent, const float *restrict and, float *restrict to) {
    for (long j = 0; j < features; j++)
        for (long t = 0; t < extent.padded; t++) to[j * extent.stride + t] = from[j * extent.stride + t] + and[j * extent.stride + t];
}

/* SwiGLU: out = gate * sigmoid(gate) * up; `gate_up` holds `features` rows of either. */
static void swiglu(const float *gate_up, long features, Extent extent, float *out) {
    for (long j = 0; j < features; j++) {
        const float *gate = gate_up + j * extent.stride, *up = gate_up + (features + j) * extent.stride;
        for (long t = 0; t < extent.padded; t += LANES) {
            vec g = load(gate + t);
            store(out + j * extent.stride + t, g / (1.0f + exponential(-g)) * load(up + t));
        }
    }
}

/* Replaces gate and up by their gradients: with s = sigmoid(gate), dup = d * gate * s and dgate = d * up * s * (1 + gate * (1 - s)). */
static void swiglu_backward(float *gate_up, const float *gradient, long features, Extent extent) {
    for (long j = 0; j < features; j++) {
        float *gate = gate_up + j * extent.stride, *up = gate_up + (features + j) * extent.stride;
        for (long t = 0; t < extent.padded; t += LANES) {
            vec g = load(gate + t), u = load(up + t), d = load(gradient + j * extent.stride + t);
            vec s = 1.0f / (1.0f + exponential(-g));
            store(up + t, d * g * s);
            store(gate + t, d * u * s * fused(g, 1.0f - s, splat(1.0f)));
        }
    }
}

/* Rows of which a softmax sums the exponentials before it adds them to those of all rows: less is lost to rounding. They are counted from the
   first row, so that a column's sum does not depend on the panel that it is in. */
#define SUMMED_AT_ONCE 16

/* Softmax down each of `columns` (a multiple of LANES) columns of `rows` rows, in place, times `scale`.

   Rows from `diagonal` on are causal: row diagonal + k has entries from column k on only; the others become 0. `highest` and `total` get each
   column's maximum and sum of exponentials over it. */
static void softmax(float *x, long stride, long rows, long columns, long diagonal, float scale, float *highest, float *total) {
    const float never = -1e30f;
    for (long t = 0; t < columns; t += LANES) {
        const ivec lane = lane_numbers() + (int32_t)t;
        float *column = x + t;
        /* Four maxima at a time: one alone would wait for itself. */
        vec tops[4] = {splat(never), splat(never), splat(never), splat(never)}, sum = {0};
        long whole = 0;
        for (; whole + 4 <= diagonal; whole += 4)
            for (int part = 0; part < 4; part++) tops[part] = larger_of(load(column + (whole + part) * stride), tops[part]);
        vec top = larger_of(larger_of(tops[0], tops[1]), larger_of(tops[2], tops[3]));
        for (; whole < diagonal; whole++) top = larger_of(load(column + whole * stride), top);
        for (long row = diagonal; row < rows; row++)
            top = larger_of(choose(lane >= (int32_t)(row - diagonal), load(column + row * stride), splat(never)), top);
        for (long begin = 0; begin < rows; begin += SUMMED_AT_ONCE) {
            const long end = rows - begin < SUMMED_AT_ONCE ? rows : begin + SUMMED_AT_ONCE, full = diagonal < end ? diagonal : end;
            vec part = {0};
            long row = begin;
            for (; row < full; row++) {
                vec value = exponential(load(column + row * stride) - top);
                part += value;
                store(column + row * stride, value);
            }
            for (; row < end; row++) {
                ivec there = lane >= (int32_t)(row - diagonal);
                vec value = choose(there, exponential(load(column + row * stride) - top), splat(0.0f));
                part += value;
                store(column + row * stride, value);
            }
            sum += part;
        }
        const vec share = scale / sum;
        for (long row = 0; row < rows; row++) store(column + row * stride, load(column + row * stride) * share);
        store(highest + t, top);
        store(total + t, sum);
    }
}

#endif
