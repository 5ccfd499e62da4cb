#include "output.h"
#include "window2.h"

static int32_t products(const int8_t *pixel, const int8_t *weights, int32_t count, int32_t offset)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i++)
        sum += (pixel[i] + offset) * weights[i];
    return sum;
}

/* One output channel at one place; `weights` are that channel's. */
static int32_t sum_under(const struct kws_convolution *layer, const int8_t *weights, const int8_t *input,
                         int32_t y, int32_t x)
{
    const struct kws_window2 *window = &layer->window;
    int32_t sum = 0;
    for (int32_t row = 0; row < window->height; row++)
        for (int32_t column = 0; column < window->width; column++) {
            const int8_t *pixel = kws_pixel(window, input, y, x, row, column);
            if (pixel)
                sum += products(pixel, weights, window->in_channels, layer->input_offset);
            weights += window->in_channels;
        }
    return sum;
}

void kws_convolution(const struct kws_convolution *layer, const int8_t *input, int8_t *output)
{
    const struct kws_window2 *window = &layer->window;
    int32_t size = window->height * window->width * window->in_channels;
    for (int32_t y = 0; y < window->out_height; y++)
        for (int32_t x = 0; x < window->out_width; x++)
            for (int32_t channel = 0; channel < window->out_channels; channel++) {
                int32_t sum = sum_under(layer, layer->weights + channel * size, input, y, x);
                sum += layer->output.bias[channel];
                *output++ = kws_finish(&layer->output, (uint32_t)channel, sum);
            }
}
