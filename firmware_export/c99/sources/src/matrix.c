#include "dot.h"
#include "output.h"

static void times_row(const struct kws_matrix *layer, const int8_t *row, int8_t *output)
{
    const int32_t *bias = layer->output.bias;
    const int8_t *weights = layer->weights;
    uint32_t channel = 0;
    for (; channel + KWS_DOT_ROWS <= layer->channels; channel += KWS_DOT_ROWS) {
        int32_t sums[KWS_DOT_ROWS];
        kws_dot4(row, weights, layer->depth, sums);
        for (uint32_t i = 0; i < KWS_DOT_ROWS; i++)
            output[channel + i] = kws_finish(&layer->output, channel + i, bias[channel + i] + sums[i]);
        weights += KWS_DOT_ROWS * layer->depth;
    }
    for (; channel < layer->channels; channel++) {
        output[channel] = kws_finish(&layer->output, channel, bias[channel] + kws_dot(row, weights, layer->depth));
        weights += layer->depth;
    }
}

void kws_matrix(const struct kws_matrix *layer, const int8_t *input, int8_t *output)
{
    for (uint32_t row = 0; row < layer->rows; row++)
        times_row(layer, input + row * layer->apart, output + row * layer->channels);
}
