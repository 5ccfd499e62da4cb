#include "output.h"

static int32_t dot(const int8_t *a, const int8_t *b, uint32_t count)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

void kws_matrix(const struct kws_matrix *layer, const int8_t *input, int8_t *output)
{
    for (uint32_t row = 0; row < layer->rows; row++) {
        const int8_t *from = input + row * layer->apart;
        for (uint32_t channel = 0; channel < layer->channels; channel++) {
            int32_t sum = dot(from, layer->weights + channel * layer->depth, layer->depth);
            *output++ = kws_finish(&layer->output, channel, layer->output.bias[channel] + sum);
        }
    }
}
