/* Which inputs a window covers. */
#ifndef KWS_WINDOW2_H
#define KWS_WINDOW2_H

#include "kernels.h"

/* Channels of the input under place (row, column) of the window of output (y, x), NULL outside the input. */
static inline const int8_t *kws_pixel(const struct kws_window2 *window, const int8_t *input, int32_t y, int32_t x,
                                      int32_t row, int32_t column)
{
    int32_t from_top = y * window->step_y - window->pad_top + row * window->dilation_y;
    int32_t from_left = x * window->step_x - window->pad_left + column * window->dilation_x;
    if (from_top < 0 || from_top >= window->in_height || from_left < 0 || from_left >= window->in_width)
        return 0;
    return input + (from_top * window->in_width + from_left) * window->in_channels;
}

#endif
