#include <string.h>

#include "window2.h"

/* One place of the window: the input's channels, each `repeats` times, or zeros. */
static int8_t *gather_pixel(const struct kws_gathered *layer, const int8_t *pixel, int8_t *to)
{
    int32_t channels = layer->window.in_channels, repeats = layer->repeats;
    if (!pixel)
        memset(to, layer->zero, (size_t)(channels * repeats));
    else if (repeats == 1)
        memcpy(to, pixel, (size_t)channels);
    else
        for (int32_t channel = 0; channel < channels; channel++)
            memset(to + channel * repeats, pixel[channel], (size_t)repeats);
    return to + channels * repeats;
}

/* Whether a row of the window is one stretch of the input, nothing of it outside. */
static int is_stretch(const struct kws_gathered *layer, const int8_t *first, const int8_t *last)
{
    return first && last && layer->window.dilation_x == 1 && layer->repeats == 1;
}

static void gather(const struct kws_gathered *layer, const int8_t *input, int32_t y, int32_t x, int8_t *to)
{
    const struct kws_window2 *window = &layer->window;
    int32_t stretch = window->width * window->in_channels;
    for (int32_t row = 0; row < window->height; row++) {
        const int8_t *first = kws_pixel(window, input, y, x, row, 0);
        if (is_stretch(layer, first, kws_pixel(window, input, y, x, row, window->width - 1))) {
            memcpy(to, first, (size_t)stretch);
            to += stretch;
        } else
            for (int32_t column = 0; column < window->width; column++)
                to = gather_pixel(layer, kws_pixel(window, input, y, x, row, column), to);
    }
}

static int8_t *gathered_row(const struct kws_gathered *layer, const int8_t *input, int32_t place, int8_t *row)
{
    gather(layer, input, place / layer->window.out_width, place % layer->window.out_width, row);
    return row;
}

void kws_convolution(const struct kws_gathered *layer, const int8_t *input, int8_t *row, int8_t *output)
{
    const struct kws_window2 *window = &layer->window;
    for (int32_t place = 0; place < window->out_height * window->out_width; place++)
        kws_matrix(&layer->matrix, gathered_row(layer, input, place, row), output + place * window->out_channels);
}

void kws_depthwise(const struct kws_gathered *layer, const int8_t *input, int8_t *row, int8_t *output)
{
    const struct kws_window2 *window = &layer->window;
    for (int32_t place = 0; place < window->out_height * window->out_width; place++)
        kws_columns(&layer->matrix, gathered_row(layer, input, place, row), output + place * window->out_channels);
}
