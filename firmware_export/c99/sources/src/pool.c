#include "fixed_point.h"
#include "window2.h"

/* What lies under a window in one channel. */
struct covered {
    int32_t count, sum, largest;
};

static struct covered look(const struct kws_window2 *window, const int8_t *input, int32_t y, int32_t x,
                           int32_t channel)
{
    struct covered seen = {0, 0, -128};
    for (int32_t row = 0; row < window->height; row++)
        for (int32_t column = 0; column < window->width; column++) {
            const int8_t *pixel = kws_pixel(window, input, y, x, row, column);
            if (!pixel)
                continue;
            seen.count++;
            seen.sum += pixel[channel];
            seen.largest = pixel[channel] > seen.largest ? pixel[channel] : seen.largest;
        }
    return seen;
}

static int32_t mean(struct covered seen)
{
    int32_t half = seen.count / 2;
    return (seen.sum > 0 ? seen.sum + half : seen.sum - half) / seen.count;
}

static int32_t largest(struct covered seen)
{
    return seen.largest;
}

static void pool(const struct kws_pool *layer, const int8_t *input, int8_t *output,
                 int32_t (*answer)(struct covered))
{
    const struct kws_window2 *window = &layer->window;
    for (int32_t y = 0; y < window->out_height; y++)
        for (int32_t x = 0; x < window->out_width; x++)
            for (int32_t channel = 0; channel < window->out_channels; channel++) {
                int32_t value = answer(look(window, input, y, x, channel));
                *output++ = (int8_t)kws_clamp(value, layer->min, layer->max);
            }
}

void kws_average_pool(const struct kws_pool *layer, const int8_t *input, int8_t *output)
{
    pool(layer, input, output, mean);
}

void kws_max_pool(const struct kws_pool *layer, const int8_t *input, int8_t *output)
{
    pool(layer, input, output, largest);
}
