/* Causal multi-head attention with RMS-normalised, rotated queries and keys; one head of one sequence at a time.

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
        for (long t = 0; t < extent.padded; t++) {
            float c = cosine[t] * scale, s = sine[t] * scale * direction, a = first[t], b = second[t];
            first[t] = a * c - b * s;
            second[t] = b * c + a * s;
        }
    }
}

/* What a head keeps for its backward pass. */
typedef struct {
    float *query, *key;                 /* (dim, time) normalised and rotated; queries divided by sqrt(dim) */
    float *query_inverse, *key_inverse; /* (time) of the norms */
    float *probability;                 /* (key, query); 0 where the query comes first */
} Head;

/* mixed (dim, time) = attention of the raw projections query, key and value, each (dim, time). */
static void attend(const float *query, const float *key, const float *value, const float *query_weight, const float *key_weight,
                   Rotary rotary, Extent extent, Head head, float *mixed) {
    const long dim = rotary.dim, stride = extent.stride;
    float highest[PANEL], total[PANEL];
    norm(query, query_weight, dim, rotary.epsilon, extent, head.query_inverse, head.query);
    norm(key, key_weight, dim, rotary.epsilon, extent, head.key_inverse, head.key);
    rotate(head.query, rotary, extent, 1.0f, 1.0f / sqrtf((float)dim));
    rotate(head.key, rotary, extent, 1.0f, 1.0f);
    for (long begin = 0; begin < extent.padded; begin += PANEL) {
        const long columns = extent.padded - begin < PANEL ? extent.padded - begin : PANEL, keys = begin + columns;
        float *probability = head.probability + begin;
        multiply(keys, columns, dim, (Left){head.key, 1, stride}, head.query + begin, stride, probability, stride, 0);
        softmax(probability, stride, keys, columns, begin, 1.0f, highest, total);
        multiply(dim, columns, keys, (Left){value, stride, 1}, probability, stride, mixed + begin, stride, 0);
    }
}

/* Scratch of the backward pass of a head. */
typedef struct {
    float *score;                   /* (key, query) gradient of the scores; like the probabilities, 0 where the query comes first */
    float *rows;                    /* (time, dim) a transposed right factor */
    float *product;                 /* (time, dim) */
    float *turned;                  /* (dim, time) gradient of a rotated query or key */
    float *weighted;                /* (time) */
    long rows_stride;
} HeadScratch;

/* out (dim, time) = the sum over queries of weight (key, query) * factor (dim, query), for each key. */
static void sum_over_queries(const float *weight, const float *factor, long dim, Extent extent, HeadScratch scratch, float *out) {
    transpose(factor, extent.stride, dim, extent.time, scratch.rows, scratch.rows_stride, dim);
    for (long begin = 0; begin < extent.time; begin += PANEL) {
        /* Queries of earlier panels see none of these keys. */
        const long keys = extent.time - begin < PANEL ? extent.time - begin : PANEL;
        multiply(keys, dim, extent.time - begin, (Left){weight + begin * extent.stride + begin, extent.stride, 1},
                 scratch.rows + begin * scratch.rows_stride, scratch.rows_stride, scratch.product + begin * scratch.rows_stride,
                 scratch.rows_stride, 0);
    }
    transpose(scratch.product, scratch.rows_stride, extent.time, dim, out, extent.stride, extent.padded);
}

/* From the gradient of `mixed`: gradients of the raw projections (set) and of the norms' weights (added to). */
static void attend_backward(const float *gradient, const float *query, const float *key, const float *value, const float *query_weight,
                            const float *key_weight, Rotary rotary, Extent extent, Head head, const float *mixed, HeadScratch scratch,
                            float *query_gradient, float *key_gradient, float *value_gradient, float *query_weight_gradient,
                            float *key_weight_gradient) {
    const long dim = rotary.dim, stride = extent.stride;
    float *weighted = scratch.weighted;
    for (long t = 0; t < extent.padded; t++) weighted[t] = 0;
    for (long j = 0; j < dim; j++)
        for (long t = 0; t < extent.padded; t++) weighted[t] += gradient[j * stride + t] * mixed[j * stride + t];
    sum_over_queries(head.probability, gradient, dim, extent, scratch, value_gradient);
    for (long begin = 0; begin < extent.padded; begin += PANEL) {
        const long columns = extent.padded - begin < PANEL ? extent.padded - begin : PANEL, keys = begin + columns;
        float *score = scratch.score + begin;
        multiply(keys, columns, dim, (Left){value, 1, stride}, gradient + begin, stride, score, stride, 0);
        /* Softmax: dscore = p * (dp - sum over keys of p * dp), and that sum is the product of the output and its gradient. */
        for (long row = 0; row < keys; row++) {
            const float *probability = head.probability + row * stride + begin;
            for (long t = 0; t < columns; t += LANES)
                store(score + row * stride + t, load(probability + t) * (load(score + row * stride + t) - load(weighted + begin + t)));
        }
        multiply(dim, columns, keys, (Left){head.key, stride, 1}, score, stride, scratch.turned + begin, stride, 0);
    }
    rotate(scratch.turned, rotary, extent, -1.0f, 1.0f / sqrtf((float)dim));
    norm_backward(scratch.turned, query, query_weight, head.query_inverse, dim, extent, weighted, 0, query_gradient, query_weight_gradient);
    sum_over_queries(scratch.score, head.query, dim, extent, scratch, scratch.turned);
    rotate(scratch.turned, rotary, extent, -1.0f, 1.0f);
    norm_backward(scratch.turned, key, key_weight, head.key_inverse, dim, extent, weighted, 0, key_gradient, key_weight_gradient);
}

#endif
