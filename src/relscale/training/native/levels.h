/* What each level of instructions offers, and what the library exports. */
#ifndef RELSCALE_LEVELS_H
#define RELSCALE_LEVELS_H

#include <stdint.h>

/* The size of a decoder; the order of the fields is that of native_library.py. */
typedef struct {
    int64_t width, layers, heads, kv_heads, head_dim, intermediate, vocab_size, context_length;
} Shape;

/* Settings of Adam; the order of the fields is that of native_library.py. */
typedef struct {
    double rates[3]; /* peak learning rates of embedding, of all between, of head */
    double beta1, beta2, epsilon, weight_decay, clip_norm;
} Adam;

typedef struct Decoder Decoder;

typedef struct {
    Decoder *(*make)(const Shape *shape, float norm_epsilon, const float *cosine, const float *sine, int for_training);
    int (*gradients)(Decoder *decoder, const float *values, const int64_t *batch, int64_t sequences, float *gradients, double *loss);
    double (*adam)(const Decoder *decoder, float *values, float *gradients, float *first, float *second, const Adam *settings, double factor,
                   int64_t updates);
    int (*score)(Decoder *decoder, const float *values, const int64_t *tokens, int64_t length, int64_t given, double *log_likelihood,
                 double *by_token);
} Level;

#endif
