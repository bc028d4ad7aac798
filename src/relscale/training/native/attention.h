/* Causal attention with RMS-normalised, rotated queries and keys, of which a group of heads of queries may share one head of keys and values;
   one head of one sequence at a time.

   Probabilities are stored transposed, (key, query): softmax then runs down columns in whole vectors, and they are the right factor of the
   product with the values as they lie. Queries come in panels; a panel needs the keys up to its own end only. */
#ifndef RELSCALE_ATTENTION_H
#define RELSCALE_ATTENTION_H

#include "layers.h"

typedef struct {
    long dim;            /* of a head, even */
    float epsilon;       /* of the norms */
    const float *cosine; /* (dim / 2, time) */
    const float *sine;   /* (dim / 2, time) */
} Rotary;

/* Rotates pairs (j, j + dim / 2) by the position's angles, in place, and multiplies by `scale`; `direction` -1 turns back. */
static void rotate(float *restrict x, Rotary rotary, Extent extent, float direction, float scale) {
    const long half = rotary.dim / 2, stride = extent.stride;
    for (long j = 0; j < half; j++) {
        float *restrict first = x + j * stride, *restrict second = x + (half + j) * stride;
        const float *cosine = rotary.cosine + j * stride, *sine = rotary.sine + j * stride;
        for (long t = 0; t < extent.padded; t += LANES) {
            const vec c = load(cosine + t) * scale, s = load(sine + t) * scale * direction, a = load(first + t), b = load(second + t);
            store(first + t, fused(a, c, -(b * s)));
            store(second + t, fused(b, c, a * s));
        }
    }
}

/* Queries or keys of a head as attention multiplies them, (dim, time): RMS-normalised, rotated, times `scale`. */
static void prepare(const float *raw, const float *weight, Rotary rotary, Extent extent, float scale, float *inverse, float *prepared) {
    norm(raw, weight, rotary.dim, rotary.epsilon, extent, inverse, prepared);
    rotate(prepared, rotary, extent, 1.0f, scale);
}

/* From the gradient of what `prepare` gave, which is overwritten: that of `raw` (set) and of the norm's weight (added to). */
static void prepare_backward(float *gradient, const float *raw, const float *weight, Rotary rotary, Extent extent, float scale,
                             const float *inverse, float *sum, float *raw_gradient, float *weight_gradient) {
    rotate(gradient, rotary, extent, -1.0f, scale);
    norm_backward(gradient, raw, weight, inverse, rotary.dim, extent, sum, 0, raw_gradient, weight_gradient);
}

/* A head of queries, with the keys and values that it shares with those of its group. */
typedef struct {
    const float *query, *key, *value; /* (dim, time); queries and keys prepared, queries divided by sqrt(dim) */
    float *probability;               /* (key, query); 0 where the query comes first */
} Head;

/* mixed (dim, time) = probability * value, and the probabilities. */
static void attend(Head head, long dim, Extent extent, float *mixed) {
    const long stride = extent.stride;
    float highest[PANEL], total[PANEL];
    for (long begin = 0; begin < extent.padded; begin += PANEL) {
        const long columns = extent.padded - begin < PANEL ? extent.padded - begin : PANEL, keys = begin + columns;
        float *probability = head.probability + begin;
        multiply(keys, columns, dim, (Left){head.key, 1, stride}, head.query + begin, stride, probability, stride, 0);
        softmax(probability, stride, keys, columns, begin, 1.0f, highest, total);
        multiply(dim, columns, keys, (Left){head.value, stride, 1}, probability, stride, mixed + begin, stride, 0);
    }
}

/* Scratch of the backward pass of a group of heads. */
typedef struct {
    float *score;                        /* (key, query) gradient of the scores; like the probabilities, 0 where the query comes first */
    float *rows;                         /* (time, dim) a transposed right factor */
    float *key_gradient, *value_gradient; /* (time, dim) sums over the heads of a group */
    float *turned;                       /* (dim, time) gradient of prepared queries or keys */
    float *weighted;                     /* (time) */
    long rows_stride;
} HeadScratch;

/* out (key, dim), rows of `rows_stride`, = the sum over queries of weight (key, query) * factor (dim, query); with `add` it is added. */
static void sum_over_queries(const float *weight, const float *factor, long dim, Extent extent, HeadScratch scratch, float *out, int add) {
    transpose(factor, extent.stride, dim, extent.time, scratch.rows, scratch.rows_stride, dim);
    for (long begin = 0; begin < extent.time; begin += PANEL) {
        /* Queries of earlier panels see none of these keys. */
        const long keys = extent.time - begin < PANEL ? extent.time - begin : PANEL;
        multiply_rest(keys, dim, begin, extent.time - begin, (Left){weight + begin * extent.stride + begin, extent.stride, 1},
                      scratch.rows + begin * scratch.rows_stride, scratch.rows_stride, out + begin * scratch.rows_stride,
                      scratch.rows_stride, add);
    }
}

/* From the gradient of `mixed`: that of the prepared queries in scratch.turned, of keys and values in scratch (added to where not `first` of
   its group). */
static void attend_backward(const float *gradient, Head head, const float *mixed, long dim, Extent extent, HeadScratch scratch, int first) {
    const long stride = extent.stride;
    float *weighted = scratch.weighted;
    sums_over_features(gradient, mixed, NULL, dim, extent, weighted);
    sum_over_queries(head.probability, gradient, dim, extent, scratch, scratch.value_gradient, !first);
    for (long begin = 0; begin < extent.padded; begin += PANEL) {
        const long columns = extent.padded - begin < PANEL ? extent.padded - begin : PANEL, keys = begin + columns;
        float *score = scratch.score + begin;
        multiply(keys, columns, dim, (Left){head.value, 1, stride}, gradient + begin, stride, score, stride, 0);
        /* Softmax: dscore = p * (dp - sum over keys of p * dp), and that sum is the product of the output and its gradient. */
        for (long row = 0; row < keys; row++) {
            const float *probability = head.probability + row * stride + begin;
            for (long t = 0; t < columns; t += LANES)
                store(score + row * stride + t, load(probability + t) * (load(score + row * stride + t) - load(weighted + begin + t)));
        }
        multiply(dim, columns, keys, (Left){head.key, stride, 1}, score, stride, scratch.turned + begin, stride, 0);
    }
    sum_over_queries(scratch.score, head.query, dim, extent, scratch, scratch.key_gradient, !first);
}

#endif
