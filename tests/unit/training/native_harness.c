/* Calls the native step without Python: reads a decoder and a batch, writes loss, gradients, updated values and a score. So the library can be
   held against references on machines that only an emulator offers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "levels.h"

const Level *relscale_level(const char *name);
Decoder *relscale_make(const Level *level, const Shape *shape, float norm_epsilon, const float *cosine, const float *sine, int for_training);
int relscale_gradients(const Level *level, Decoder *decoder, const float *values, const int64_t *batch, int64_t sequences, float *gradients,
                       double *loss);
int relscale_update(const Level *level, Decoder *decoder, float *values, float *gradients, float *first, float *second, const int64_t *batch,
                    int64_t sequences, const Adam *settings, double factor, int64_t updates, double *loss, double *norm);
int relscale_score(const Level *level, Decoder *decoder, const float *values, const int64_t *tokens, const int64_t *first,
                   const int64_t *given, int64_t requests, double *log_likelihood, uint8_t *greedy, double *by_token);

static void *read_all(FILE *file, size_t bytes) {
    void *here = malloc(bytes + 64);
    if (!here || fread(here, 1, bytes, file) != bytes) exit(3);
    return here;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    FILE *in = fopen(arguments[1], "rb"), *out = fopen(arguments[2], "wb");
    if (!in || !out) return 2;
    Shape *shape = read_all(in, sizeof(Shape));
    Adam *settings = read_all(in, sizeof(Adam));
    int64_t *sizes = read_all(in, 2 * sizeof(int64_t)), parameters = sizes[0], sequences = sizes[1];
    size_t angles = 4 * shape->context_length * shape->head_dim / 2, bytes = 4 * parameters;
    float *cosine = read_all(in, angles), *sine = read_all(in, angles), *values = read_all(in, bytes);
    int64_t length = shape->context_length + 1, *batch = read_all(in, 8 * sequences * length);
    const Level *level = relscale_level("baseline");
    Decoder *decoder = relscale_make(level, shape, 1e-6f, cosine, sine, 1);
    if (!decoder) return 4;
    float *gradients = calloc(1, bytes), *first = calloc(1, bytes), *second = calloc(1, bytes);
    double loss, norm, score;
    uint8_t greedy;
    const int64_t bounds[2] = {0, length}, given = 1;
    if (relscale_gradients(level, decoder, values, batch, sequences, gradients, &loss)) return 5;
    if (relscale_score(level, decoder, values, batch, bounds, &given, 1, &score, &greedy, NULL)) return 6;
    fwrite(&loss, 8, 1, out), fwrite(&score, 8, 1, out), fwrite(gradients, 1, bytes, out);
    for (int64_t updates = 1; updates <= 3; updates++)
        if (relscale_update(level, decoder, values, gradients, first, second, batch, sequences, settings, 0.5, updates, &loss, &norm)) return 7;
    fwrite(&norm, 8, 1, out), fwrite(values, 1, bytes, out);
    return fclose(out) ? 8 : 0;
}
