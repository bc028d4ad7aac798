/* A decoder of Qwen3's kind in float32, for widths of tens to hundreds on one core: gradients, Adam, scores.

   One sequence passes at a time: its activations stay in a core's caches, and gradients add up over the sequences of a batch. Sums are always
   taken in the same order, so that the same inputs give the same bytes at every level of instructions. Compiled once for each level of instructions; see levels.c. */
#include "levels.h"

#include <stdlib.h>

#include "attention.h"

/* Where a block's parameters begin, in floats; matrices are (out, in). Query, key and value lie together, and so do gate and up. */
typedef struct {
    long input_norm, attention, output, query_norm, key_norm, middle_norm, gate_up, down;
} Block;

/* What a block keeps of the forward pass, each (features, time) but the inverses, (time). */
typedef struct {
    float *input, *input_normed, *input_inverse;    /* (width) */
    float *projections;                             /* (inner + 2 shared) query, key, value */
    float *queries, *keys;                          /* (inner), (shared) prepared for attention */
    float *query_inverses, *key_inverses;           /* (heads), (kv_heads) */
    float *probabilities;                           /* (heads, key, query) */
    float *mixed;                                   /* (inner) */
    float *middle, *middle_normed, *middle_inverse; /* (width) */
    float *gate_up;                                 /* (2 intermediate) */
    float *activated;                               /* (intermediate) */
} Saved;

struct Decoder {
    Shape shape;
    float epsilon;
    long inner, shared; /* widths of all queries, heads * head_dim, and of all keys, kv_heads * head_dim */
    long stride, padded_context;
    long count;               /* of parameters */
    long embedding, norm, head; /* where they begin */
    int saved_blocks;         /* all of them for training; one, used again by each, for scoring */
    Block *blocks;
    Saved *saved;
    Rotary rotary;
    float *last, *last_normed, *last_inverse; /* (width), (width), one row: the final norm */
    float *branch;                            /* (width) what a block adds */
    float *logits;                            /* (vocab) */
    float *gradient, *branch_gradient;        /* (width) */
    float *wide_gradient;                     /* (max(intermediate, inner)) */
    float *projections_gradient;              /* (inner + 2 shared) */
    float *rows;                              /* (time, features) a transposed activation */
    HeadScratch head_scratch;
    float *memory;
};

static long rounded(long size, long multiple) { return (size + multiple - 1) / multiple * multiple; }

static long larger(long a, long b) { return a > b ? a : b; }

/* An odd number of cache lines. */
static long spread(long size) {
    long lines = rounded(size, 16) / 16;
    return 16 * (lines | 1);
}

static Extent extent_of(const Decoder *decoder, long time) {
    return (Extent){time, rounded(time, TIME_MULTIPLE), decoder->stride};
}

/* Lays out the parameters in the order of `parameter_shapes` in initial.py. */
static void lay_out_parameters(Decoder *decoder) {
    const Shape *shape = &decoder->shape;
    const long width = shape->width, inner = decoder->inner;
    long at = 0;
    decoder->embedding = at, at += shape->vocab_size * width;
    for (long layer = 0; layer < shape->layers; layer++) {
        Block *block = &decoder->blocks[layer];
        block->input_norm = at, at += width;
        block->attention = at, at += (inner + 2 * decoder->shared) * width;
        block->output = at, at += width * inner;
        block->query_norm = at, at += shape->head_dim;
        block->key_norm = at, at += shape->head_dim;
        block->middle_norm = at, at += width;
        block->gate_up = at, at += 2 * shape->intermediate * width;
        block->down = at, at += width * shape->intermediate;
    }
    decoder->norm = at, at += width;
    decoder->head = at, at += shape->vocab_size * width;
    decoder->count = at;
}

/* The next `size` floats of memory, on a cache line's boundary; with null memory they are only counted. */
static float *take(float *memory, long *used, long size) {
    float *here = memory ? memory + *used : NULL;
    *used += rounded(size, 16);
    return here;
}

/* Cuts memory into buffers; returns the floats they take. */
static long lay_out_memory(Decoder *decoder, float *memory, int for_training) {
    const Shape *shape = &decoder->shape;
    const long row = decoder->stride, width = shape->width * row, wide = shape->intermediate * row;
    const long inner = decoder->inner * row, shared = decoder->shared * row, projections = inner + 2 * shared;
    const long square = decoder->padded_context * row, context = decoder->padded_context;
    long used = 0;
#define TAKE(pointer, size) pointer = take(memory, &used, size)
    for (int number = 0; number < decoder->saved_blocks; number++) {
        Saved *saved = &decoder->saved[number];
        TAKE(saved->input, width), TAKE(saved->input_normed, width), TAKE(saved->input_inverse, row);
        TAKE(saved->projections, projections), TAKE(saved->queries, inner), TAKE(saved->keys, shared);
        TAKE(saved->query_inverses, shape->heads * row), TAKE(saved->key_inverses, shape->kv_heads * row);
        TAKE(saved->probabilities, shape->heads * square), TAKE(saved->mixed, inner);
        TAKE(saved->middle, width), TAKE(saved->middle_normed, width), TAKE(saved->middle_inverse, row);
        TAKE(saved->gate_up, 2 * wide), TAKE(saved->activated, wide);
    }
    TAKE(decoder->last, width), TAKE(decoder->last_normed, width), TAKE(decoder->last_inverse, row), TAKE(decoder->branch, width);
    TAKE(decoder->logits, shape->vocab_size * row);
    if (for_training) {
        HeadScratch *scratch = &decoder->head_scratch;
        TAKE(decoder->gradient, width), TAKE(decoder->branch_gradient, width), TAKE(decoder->wide_gradient, larger(wide, inner));
        TAKE(decoder->projections_gradient, projections);
        TAKE(decoder->rows, context * spread(larger(shape->width, larger(decoder->inner, shape->intermediate))));
        scratch->rows_stride = spread(shape->head_dim);
        TAKE(scratch->score, square), TAKE(scratch->rows, context * scratch->rows_stride);
        TAKE(scratch->key_gradient, context * scratch->rows_stride), TAKE(scratch->value_gradient, context * scratch->rows_stride);
        TAKE(scratch->turned, shape->head_dim * row), TAKE(scratch->weighted, row);
    }
    float *cosine, *sine;
    TAKE(cosine, shape->head_dim / 2 * row), TAKE(sine, shape->head_dim / 2 * row);
    decoder->rotary = (Rotary){shape->head_dim, decoder->epsilon, cosine, sine};
#undef TAKE
    /* Right factors are read in whole vectors, also those of the last row. */
    return used + 64;
}

/* Makes a decoder's buffers; null where there is no memory. Angles are (context, head_dim / 2). One block of memory holds all, so that
   `free` is all that its end takes. */
static Decoder *make(const Shape *shape, float norm_epsilon, const float *cosine, const float *sine, int for_training) {
    Decoder plan = {.shape = *shape, .epsilon = norm_epsilon, .inner = shape->heads * shape->head_dim};
    plan.shared = shape->kv_heads * shape->head_dim;
    plan.saved_blocks = for_training ? (int)shape->layers : 1;
    plan.padded_context = rounded(shape->context_length, TIME_MULTIPLE);
    plan.stride = spread(plan.padded_context);
    const long structures = rounded(sizeof(Decoder) + shape->layers * sizeof(Block) + plan.saved_blocks * sizeof(Saved), 64);
    /* The size does not depend on where the buffers lie: lay them out at null first. */
    Saved *counted = malloc(plan.saved_blocks * sizeof(Saved));
    if (!counted) return NULL;
    plan.saved = counted;
    const long bytes = rounded(structures + 4 * lay_out_memory(&plan, NULL, for_training), 64);
    free(counted);
    plan.saved = NULL;
    Decoder *decoder = aligned_alloc(64, bytes);
    if (!decoder) return NULL;
    /* Zeros, since the entries of probabilities that are never written count as such. */
    memset(decoder, 0, bytes);
    *decoder = plan;
    decoder->blocks = (Block *)(decoder + 1);
    decoder->saved = (Saved *)(decoder->blocks + shape->layers);
    decoder->memory = (float *)((char *)decoder + structures);
    lay_out_parameters(decoder);
    lay_out_memory(decoder, decoder->memory, for_training);
    const long half = shape->head_dim / 2;
    for (long t = 0; t < shape->context_length; t++)
        for (long j = 0; j < half; j++) {
            ((float *)decoder->rotary.cosine)[j * decoder->stride + t] = cosine[t * half + j];
            ((float *)decoder->rotary.sine)[j * decoder->stride + t] = sine[t * half + j];
        }
    return decoder;
}

/* out (out_features, time) = weight (out_features, in_features) * in */
static void project(const float *weight, long in_features, long out_features, const float *in, Extent extent, float *out) {
    multiply(out_features, extent.padded, in_features, (Left){weight, in_features, 1}, in, extent.stride, out, extent.stride, 0);
}

/* in_gradient = weight^T * out_gradient (left out where null); weight_gradient += out_gradient * in^T, in and its transpose in `rows`. */
static void project_backward(const float *weight, long in_features, long out_features, const float *in, const float *out_gradient,
                             Extent extent, float *rows, float *in_gradient, float *weight_gradient) {
    const long rows_stride = spread(in_features);
    transpose(in, extent.stride, in_features, extent.time, rows, rows_stride, in_features);
    multiply(out_features, in_features, extent.time, (Left){out_gradient, extent.stride, 1}, rows, rows_stride, weight_gradient, in_features,
             1);
    multiply(in_features, extent.padded, out_features, (Left){weight, 1, in_features}, out_gradient, extent.stride, in_gradient,
             extent.stride, 0);
}

/* Head `number` of queries in a block. */
static Head head_of(const Decoder *decoder, const Saved *saved, long number) {
    const Shape *shape = &decoder->shape;
    const long size = shape->head_dim * decoder->stride, group = number / (shape->heads / shape->kv_heads);
    const float *values = saved->projections + (decoder->inner + decoder->shared) * decoder->stride;
    return (Head){saved->queries + number * size, saved->keys + group * size, values + group * size,
                  saved->probabilities + number * decoder->stride * decoder->padded_context};
}

/* Queries are divided by this before they meet keys. */
static float query_scale(const Decoder *decoder) { return 1.0f / sqrtf((float)decoder->shape.head_dim); }

static void attention_forward(const Decoder *decoder, const float *values, const Block *block, const Saved *saved, Extent extent) {
    const Shape *shape = &decoder->shape;
    const long size = shape->head_dim * extent.stride;
    const float *keys = saved->projections + decoder->inner * extent.stride;
    for (long number = 0; number < shape->kv_heads; number++)
        prepare(keys + number * size, values + block->key_norm, decoder->rotary, extent, 1.0f, saved->key_inverses + number * extent.stride,
                saved->keys + number * size);
    for (long number = 0; number < shape->heads; number++) {
        prepare(saved->projections + number * size, values + block->query_norm, decoder->rotary, extent, query_scale(decoder),
                saved->query_inverses + number * extent.stride, saved->queries + number * size);
        attend(head_of(decoder, saved, number), shape->head_dim, extent, saved->mixed + number * size);
    }
}

/* From the gradient of `mixed`: that of the projections (set) and of the norms' weights (added to). */
static void attention_backward(Decoder *decoder, const float *values, const Block *block, const Saved *saved, Extent extent,
                               const float *mixed_gradient, float *gradients) {
    const Shape *shape = &decoder->shape;
    const HeadScratch scratch = decoder->head_scratch;
    const long dim = shape->head_dim, stride = extent.stride, size = dim * stride, members = shape->heads / shape->kv_heads;
    const long keys = decoder->inner * stride, rest = keys + decoder->shared * stride;
    for (long group = 0; group < shape->kv_heads; group++) {
        for (long number = group * members; number < (group + 1) * members; number++) {
            attend_backward(mixed_gradient + number * size, head_of(decoder, saved, number), saved->mixed + number * size, dim, extent,
                            scratch, number == group * members);
            prepare_backward(scratch.turned, saved->projections + number * size, values + block->query_norm, decoder->rotary, extent,
                             query_scale(decoder), saved->query_inverses + number * stride, scratch.weighted,
                             decoder->projections_gradient + number * size, gradients + block->query_norm);
        }
        const long at = group * size;
        transpose(scratch.value_gradient, scratch.rows_stride, extent.time, dim, decoder->projections_gradient + rest + at, stride,
                  extent.padded);
        transpose(scratch.key_gradient, scratch.rows_stride, extent.time, dim, scratch.turned, stride, extent.padded);
        prepare_backward(scratch.turned, saved->projections + keys + at, values + block->key_norm, decoder->rotary, extent, 1.0f,
                         saved->key_inverses + group * stride, scratch.weighted, decoder->projections_gradient + keys + at,
                         gradients + block->key_norm);
    }
}

/* Takes tokens to the last normed hidden state. */
static void forward(Decoder *decoder, const float *values, const int64_t *tokens, Extent extent) {
    const Shape *shape = &decoder->shape;
    const long width = shape->width, inner = decoder->inner, projections = inner + 2 * decoder->shared;
    embed(values + decoder->embedding, tokens, width, extent, decoder->saved[0].input);
    for (long layer = 0; layer < shape->layers; layer++) {
        const Block *block = &decoder->blocks[layer];
        const Saved *saved = &decoder->saved[layer % decoder->saved_blocks];
        norm(saved->input, values + block->input_norm, width, decoder->epsilon, extent, saved->input_inverse, saved->input_normed);
        project(values + block->attention, width, projections, saved->input_normed, extent, saved->projections);
        attention_forward(decoder, values, block, saved, extent);
        project(values + block->output, inner, width, saved->mixed, extent, decoder->branch);
        add_rows(saved->input, width, extent, decoder->branch, saved->middle);
        norm(saved->middle, values + block->middle_norm, width, decoder->epsilon, extent, saved->middle_inverse, saved->middle_normed);
        project(values + block->gate_up, width, 2 * shape->intermediate, saved->middle_normed, extent, saved->gate_up);
        swiglu(saved->gate_up, shape->intermediate, extent, saved->activated);
        project(values + block->down, shape->intermediate, width, saved->activated, extent, decoder->branch);
        float *next = layer + 1 < shape->layers ? decoder->saved[(layer + 1) % decoder->saved_blocks].input : decoder->last;
        add_rows(saved->middle, width, extent, decoder->branch, next);
    }
    norm(decoder->last, values + decoder->norm, width, decoder->epsilon, extent, decoder->last_inverse, decoder->last_normed);
}

/* Replaces a sequence's logits by `scale` times the gradient of their loss, panel by panel while they are cached; returns the sum of losses. */
static double head_loss(Decoder *decoder, const float *weight, const int64_t *targets, Extent extent, float scale) {
    const long vocab = decoder->shape.vocab_size, width = decoder->shape.width, stride = extent.stride;
    float highest[PANEL], total[PANEL], chosen[PANEL];
    double sum = 0;
    for (long begin = 0; begin < extent.padded; begin += PANEL) {
        const long columns = extent.padded - begin < PANEL ? extent.padded - begin : PANEL;
        const long real = extent.time - begin < columns ? extent.time - begin : columns;
        float *logits = decoder->logits + begin;
        multiply(vocab, columns, width, (Left){weight, width, 1}, decoder->last_normed + begin, stride, logits, stride, 0);
        for (long t = 0; t < real; t++) chosen[t] = logits[targets[begin + t] * stride + t];
        softmax(logits, stride, vocab, columns, vocab, scale, highest, total);
        for (long t = 0; t < real; t++) {
            sum += (double)highest[t] + logarithm(total[t]) - chosen[t];
            logits[targets[begin + t] * stride + t] -= scale;
        }
        for (long row = 0; row < vocab; row++)
            for (long t = larger(real, 0); t < columns; t++) logits[row * stride + t] = 0;
    }
    return sum;
}

static void block_backward(Decoder *decoder, const float *values, long layer, Extent extent, float *gradients) {
    const Shape *shape = &decoder->shape;
    const long width = shape->width, inner = decoder->inner;
    const Block *block = &decoder->blocks[layer];
    const Saved *saved = &decoder->saved[layer];
    float *weighted = decoder->head_scratch.weighted;
    project_backward(values + block->down, shape->intermediate, width, saved->activated, decoder->gradient, extent, decoder->rows,
                     decoder->wide_gradient, gradients + block->down);
    swiglu_backward(saved->gate_up, decoder->wide_gradient, shape->intermediate, extent);
    project_backward(values + block->gate_up, width, 2 * shape->intermediate, saved->middle_normed, saved->gate_up, extent, decoder->rows,
                     decoder->branch_gradient, gradients + block->gate_up);
    norm_backward(decoder->branch_gradient, saved->middle, values + block->middle_norm, saved->middle_inverse, width, extent, weighted, 1,
                  decoder->gradient, gradients + block->middle_norm);
    project_backward(values + block->output, inner, width, saved->mixed, decoder->gradient, extent, decoder->rows, decoder->wide_gradient,
                     gradients + block->output);
    attention_backward(decoder, values, block, saved, extent, decoder->wide_gradient, gradients);
    project_backward(values + block->attention, width, inner + 2 * decoder->shared, saved->input_normed, decoder->projections_gradient,
                     extent, decoder->rows, decoder->branch_gradient, gradients + block->attention);
    norm_backward(decoder->branch_gradient, saved->input, values + block->input_norm, saved->input_inverse, width, extent, weighted, 1,
                  decoder->gradient, gradients + block->input_norm);
}

static int are_tokens(const int64_t *tokens, int64_t count, int64_t vocab_size) {
    int all = 1;
    for (int64_t at = 0; at < count; at++) all &= tokens[at] >= 0 && tokens[at] < vocab_size;
    return all;
}

/* The mean loss of (sequences, context + 1) tokens and its gradients (set); -1 where a token is not in the vocabulary. */
static int gradients_of(Decoder *decoder, const float *values, const int64_t *batch, int64_t sequences, float *gradients, double *loss) {
    const Shape *shape = &decoder->shape;
    const Extent extent = extent_of(decoder, shape->context_length);
    if (!are_tokens(batch, sequences * (extent.time + 1), shape->vocab_size)) return -1;
    memset(gradients, 0, sizeof(float) * decoder->count);
    double sum = 0;
    for (int64_t sequence = 0; sequence < sequences; sequence++) {
        const int64_t *tokens = batch + sequence * (extent.time + 1);
        forward(decoder, values, tokens, extent);
        sum += head_loss(decoder, values + decoder->head, tokens + 1, extent, 1.0f / (float)(sequences * extent.time));
        project_backward(values + decoder->head, shape->width, shape->vocab_size, decoder->last_normed, decoder->logits, extent,
                         decoder->rows, decoder->branch_gradient, gradients + decoder->head);
        norm_backward(decoder->branch_gradient, decoder->last, values + decoder->norm, decoder->last_inverse, shape->width, extent,
                      decoder->head_scratch.weighted, 0, decoder->gradient, gradients + decoder->norm);
        for (long layer = shape->layers - 1; layer >= 0; layer--) block_backward(decoder, values, layer, extent, gradients);
        embed_backward(decoder->gradient, tokens, shape->width, extent, gradients + decoder->embedding);
    }
    *loss = sum / (double)(sequences * extent.time);
    return 0;
}

static double norm_of(const float *gradients, long count) {
    const long at_once = 1024 * VIRTUAL_LANES;
    double sum = 0;
    long at = 0;
    for (; at + VIRTUAL_LANES <= count; at += at_once) {
        long size = count - at < at_once ? (count - at) / VIRTUAL_LANES * VIRTUAL_LANES : at_once;
        sum += sum_of_products(gradients + at, gradients + at, NULL, size);
    }
    for (at = count / VIRTUAL_LANES * VIRTUAL_LANES; at < count; at++) sum += (double)gradients[at] * gradients[at];
    return sqrt(sum);
}

/* One step of Adam with decoupled weight decay on gradients whose common norm is clipped; `updates` counts this one. Returns the norm. */
static double adam(const Decoder *decoder, float *restrict values, float *restrict gradients, float *restrict first, float *restrict second,
                   const Adam *settings, double factor, int64_t updates) {
    /* Written so that a norm that is not a number makes the weights so, too: the run then stops as diverged. */
    const double norm = norm_of(gradients, decoder->count);
    float clip = (float)(settings->clip_norm / (norm + 1e-6));
    if (clip > 1.0f) clip = 1.0f;
    const float beta1 = (float)settings->beta1, beta2 = (float)settings->beta2, epsilon = (float)settings->epsilon;
    const float rest1 = (float)(1 - settings->beta1), rest2 = (float)(1 - settings->beta2);
    const double correction1 = 1 - whole_power(settings->beta1, updates), correction2 = 1 - whole_power(settings->beta2, updates);
    const float root = (float)(1 / sqrt(correction2));
    const long bounds[4] = {0, decoder->blocks[0].input_norm, decoder->head, decoder->count};
    for (int group = 0; group < 3; group++) {
        const double rate = settings->rates[group] * factor;
        const float size = (float)(rate / correction1), kept = (float)(1 - rate * settings->weight_decay);
        for (long at = bounds[group]; at < bounds[group + 1]; at++) {
            float gradient = gradients[at] * clip;
            float moment = fmaf(beta1, first[at], rest1 * gradient), square = fmaf(beta2, second[at], rest2 * gradient * gradient);
            first[at] = moment;
            second[at] = square;
            values[at] = fmaf(kept, values[at], -(size * moment / fmaf(sqrtf(square), root, epsilon)));
        }
    }
    return norm;
}

/* Sum of log-probabilities of the tokens after the first `given`, and each of them in `by_token`, (length - given), unless it is null; 1 where
   each token is the likeliest, 0 where not, -1 where a token is not in the vocabulary. */
static int score(Decoder *decoder, const float *values, const int64_t *tokens, int64_t length, int64_t given, double *log_likelihood,
                 double *by_token) {
    const long vocab = decoder->shape.vocab_size, width = decoder->shape.width, stride = decoder->stride;
    const Extent extent = extent_of(decoder, length - 1);
    if (!are_tokens(tokens, length, vocab)) return -1;
    forward(decoder, values, tokens, extent);
    float highest[PANEL], total[PANEL], chosen[PANEL];
    double sum = 0;
    int likeliest = 1;
    for (long begin = (given - 1) / TIME_MULTIPLE * TIME_MULTIPLE; begin < extent.padded; begin += PANEL) {
        const long columns = extent.padded - begin < PANEL ? extent.padded - begin : PANEL;
        const long from = larger(given - 1 - begin, 0), to = extent.time - begin < columns ? extent.time - begin : columns;
        float *logits = decoder->logits + begin;
        multiply(vocab, columns, width, (Left){values + decoder->head, width, 1}, decoder->last_normed + begin, stride, logits, stride, 0);
        for (long t = from; t < to; t++) {
            const int64_t target = tokens[begin + t + 1];
            chosen[t] = logits[target * stride + t];
            /* Of equal logits the first is the likeliest. */
            for (int64_t row = 0; row < target; row++) likeliest &= logits[row * stride + t] < chosen[t];
        }
        softmax(logits, stride, vocab, columns, vocab, 1.0f, highest, total);
        for (long t = from; t < to; t++) {
            const double log_probability = (double)chosen[t] - highest[t] - logarithm(total[t]);
            sum += log_probability;
            if (by_token) by_token[begin + t - (given - 1)] = log_probability;
            likeliest &= chosen[t] >= highest[t];
        }
    }
    *log_likelihood = sum;
    return likeliest;
}

/* levels.c knows each level by the name that it was compiled with. */
#define NAMED(level) relscale_##level
#define LEVEL_OF(level) NAMED(level)
const Level LEVEL_OF(LEVEL) = {make, gradients_of, adam, score};
