/* Which inputs a window covers. */
#ifndef KWS_WINDOW2_H
#define KWS_WINDOW2_H

#include "kernels.h"

/* The first input row under the window of output row y, and the first column; may be negative. */
static inline int32_t kws_top(const struct kws_window2 *window, int32_t y)
{
    return y * window->step_y - window->pad_top;
}

static inline int32_t kws_left(const struct kws_window2 *window, int32_t x)
{
    return x * window->step_x - window->pad_left;
}

/* Channels of the input at row y and column x, NULL outside. */
static inline const int8_t *kws_pixel(const struct kws_window2 *window, const int8_t *input, int32_t y, int32_t x)
{
    if (y < 0 || y >= window->in_height || x < 0 || x >= window->in_width)
        return 0;
    return input + (y * window->in_width + x) * window->in_channels;
}

#endif
