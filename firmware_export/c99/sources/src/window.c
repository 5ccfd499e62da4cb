#include <string.h>

#include "fixed_point.h"
#include "frontend.h"

/* Returns the bits up to the highest one of the largest magnitude, which are those of all magnitudes together. A
 * magnitude is taken in 16 bits, where the lowest number has no opposite and stays negative: it does not count. */
static unsigned apply_hann(const int16_t *samples, int16_t *frame)
{
    uint32_t magnitudes = 0;
    for (int i = 0; i < KWS_WINDOW_SAMPLES; i++) {
        int32_t value = (int32_t)samples[i] * kws_hann[i] >> KWS_WINDOW_BITS;
        frame[i] = (int16_t)value;
        magnitudes |= (uint32_t)(value < 0 ? -value : value);
    }
    return kws_bit_length(magnitudes & 0x7FFFu);
}

int kws_window(const int16_t *samples, int16_t *frame)
{
    int shift = 15 - (int)apply_hann(samples, frame);
    for (int i = 0; i < KWS_WINDOW_SAMPLES; i++)
        frame[i] = (int16_t)kws_wrap16((int32_t)frame[i] * ((int32_t)1 << shift));
    memset(frame + KWS_WINDOW_SAMPLES, 0, (KWS_FFT_SIZE - KWS_WINDOW_SAMPLES) * sizeof *frame);
    return shift;
}
