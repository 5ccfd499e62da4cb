#include "output.h"
#include "window2.h"

/* One output channel at one place. */
static int32_t sum_under(const struct kws_depthwise *layer, int32_t channel, const int8_t *input, int32_t y,
                         int32_t x)
{
    const struct kws_window2 *window = &layer->window;
    const int8_t *weight = layer->weights + channel;
    int32_t sum = 0;
    for (int32_t row = 0; row < window->height; row++)
        for (int32_t column = 0; column < window->width; column++) {
            const int8_t *pixel = kws_pixel(window, input, y, x, row, column);
            if (pixel)
                sum += (pixel[channel / layer->multiplier] + layer->input_offset) * *weight;
            weight += window->out_channels;
        }
    return sum;
}

void kws_depthwise(const struct kws_depthwise *layer, const int8_t *input, int8_t *output)
{
    const struct kws_window2 *window = &layer->window;
    for (int32_t y = 0; y < window->out_height; y++)
        for (int32_t x = 0; x < window->out_width; x++)
            for (int32_t channel = 0; channel < window->out_channels; channel++) {
                int32_t sum = sum_under(layer, channel, input, y, x) + layer->output.bias[channel];
                *output++ = kws_finish(&layer->output, (uint32_t)channel, sum);
            }
}
