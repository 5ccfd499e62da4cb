#include "frontend.h"

#include <string.h>

#include "fixed_point.h"

static void finish_row(struct kws_frontend *frontend, int16_t *spectrum, int8_t *row)
{
    uint32_t signal[KWS_CHANNELS];
    int shift = kws_window(frontend->samples, spectrum);
    kws_real_fft(spectrum);
    kws_mel_magnitudes(spectrum, shift, signal);
    kws_suppress_noise(frontend->noise, signal);
    kws_pcan(frontend->noise, signal);
    kws_log_scale(signal);
    kws_quantize_row(signal, row);
}

static void make_room(struct kws_frontend *frontend)
{
    uint32_t kept = KWS_WINDOW_SAMPLES - KWS_STEP_SAMPLES;
    memmove(frontend->samples, frontend->samples + KWS_STEP_SAMPLES, kept * sizeof *frontend->samples);
    frontend->filled = kept;
}

uint32_t kws_frontend_push(struct kws_frontend *frontend, const int16_t *samples, uint32_t count,
                           int16_t *spectrum, int8_t *row, int *row_complete)
{
    uint32_t room = KWS_WINDOW_SAMPLES - frontend->filled;
    uint32_t taken = count < room ? count : room;
    memcpy(frontend->samples + frontend->filled, samples, taken * sizeof *samples);
    frontend->filled += taken;
    *row_complete = taken == room;
    if (*row_complete) {
        finish_row(frontend, spectrum, row);
        make_room(frontend);
    }
    return taken;
}

void kws_frontend_reset(struct kws_frontend *frontend)
{
    memset(frontend, 0, sizeof *frontend);
}

void kws_quantize_row(const uint32_t *signal, int8_t *row)
{
    for (int i = 0; i < KWS_CHANNELS; i++) {
        uint32_t scaled = signal[i] * KWS_QUANTIZE_NUMERATOR + KWS_QUANTIZE_DIVISOR / 2;
        row[i] = (int8_t)kws_clamp((int32_t)(scaled / KWS_QUANTIZE_DIVISOR) - 128, -128, 127);
    }
}
