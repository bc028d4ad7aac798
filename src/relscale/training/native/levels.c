/* The library's exports: which levels of instructions it was compiled for, which of them this machine has, and their functions.

   decoder.c is compiled once for each level that the compiler knows; all lie in one library, so that an environment on a shared disk works on
   every node. The best level that the machine has is chosen at run time. */
#include "levels.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

extern const Level relscale_baseline;
#ifdef HAVE_AVX2
extern const Level relscale_avx2;
#endif
#ifdef HAVE_AVX512
extern const Level relscale_avx512;
#endif

/* The level of that name, or null where it was not compiled or this machine lacks it. */
EXPORT const Level *relscale_level(const char *name) {
#ifdef HAVE_AVX512
    if (!strcmp(name, "avx512") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
        return &relscale_avx512;
#endif
#ifdef HAVE_AVX2
    if (!strcmp(name, "avx2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &relscale_avx2;
#endif
    return strcmp(name, "baseline") ? NULL : &relscale_baseline;
}

/* What the sources' digest was when this was compiled. */
EXPORT const char *relscale_sources(void) { return SOURCES_DIGEST; }

EXPORT Decoder *relscale_make(const Level *level, const Shape *shape, float norm_epsilon, const float *cosine, const float *sine,
                              int for_training) {
    return level->make(shape, norm_epsilon, cosine, sine, for_training);
}

EXPORT void relscale_free(Decoder *decoder) { free(decoder); }

EXPORT int relscale_gradients(const Level *level, Decoder *decoder, const float *values, const int64_t *batch, int64_t sequences,
                              float *gradients, double *loss) {
    return level->gradients(decoder, values, batch, sequences, gradients, loss);
}

/* A training step; see `gradients` and `adam` in decoder.c. Loss and norm of the gradients are those before the update and the clipping. */
EXPORT int relscale_update(const Level *level, Decoder *decoder, float *values, float *gradients, float *first, float *second,
                           const int64_t *batch, int64_t sequences, const Adam *settings, double factor, int64_t updates, double *loss,
                           double *norm) {
    int status = level->gradients(decoder, values, batch, sequences, gradients, loss);
    if (!status) *norm = level->adam(decoder, values, gradients, first, second, settings, factor, updates);
    return status;
}

/* Scores requests that lie one after another in `tokens`: request r is tokens[first[r]] .. tokens[first[r + 1] - 1]. The log-probabilities of
   their scored tokens lie one after another in `by_token`, unless it is null. */
EXPORT int relscale_score(const Level *level, Decoder *decoder, const float *values, const int64_t *tokens, const int64_t *first,
                          const int64_t *given, int64_t requests, double *log_likelihood, uint8_t *greedy, double *by_token) {
    for (int64_t request = 0; request < requests; request++) {
        const int64_t length = first[request + 1] - first[request];
        int likeliest =
            level->score(decoder, values, tokens + first[request], length, given[request], log_likelihood + request, by_token);
        if (likeliest < 0) return -1;
        if (by_token) by_token += length - given[request];
        greedy[request] = (uint8_t)likeliest;
    }
    return 0;
}
