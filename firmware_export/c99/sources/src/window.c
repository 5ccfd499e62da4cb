#include <string.h>

#include "fixed_point.h"
#include "frontend.h"

/* The magnitude is taken in 16 bits, where the lowest number has no opposite and stays negative: it never is
 * the peak. */
static int32_t magnitude16(int32_t value)
{
    return kws_wrap16(value < 0 ? -value : value);
}

static int32_t apply_hann(const int16_t *samples, int16_t *frame)
{
    int32_t peak = 0;
    for (int i = 0; i < KWS_WINDOW_SAMPLES; i++) {
        int32_t value = (int32_t)samples[i] * kws_hann[i] >> KWS_WINDOW_BITS;
        int32_t magnitude = magnitude16(value);
        frame[i] = (int16_t)value;
        peak = magnitude > peak ? magnitude : peak;
    }
    return peak;
}

int kws_window(const int16_t *samples, int16_t *frame)
{
    int shift = 15 - (int)kws_bit_length((uint32_t)apply_hann(samples, frame));
    for (int i = 0; i < KWS_WINDOW_SAMPLES; i++)
        frame[i] = (int16_t)kws_wrap16((int32_t)frame[i] * ((int32_t)1 << shift));
    memset(frame + KWS_WINDOW_SAMPLES, 0, (KWS_FFT_SIZE - KWS_WINDOW_SAMPLES) * sizeof *frame);
    return shift;
}
