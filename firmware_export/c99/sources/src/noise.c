#include "frontend.h"

#define NOISE_BITS 14

void kws_suppress_noise(uint32_t *noise, uint32_t *signal)
{
    for (int i = 0; i < KWS_CHANNELS; i++) {
        uint64_t weight = i % 2 ? KWS_ODD_SMOOTHING : KWS_EVEN_SMOOTHING;
        uint32_t floor = (uint32_t)((uint64_t)signal[i] * KWS_MIN_SIGNAL_REMAINING >> NOISE_BITS);
        uint32_t scaled = signal[i] << KWS_SMOOTHING_BITS;
        noise[i] = (uint32_t)((scaled * weight + noise[i] * ((1u << NOISE_BITS) - weight)) >> NOISE_BITS);
        uint32_t left = (scaled - (noise[i] < scaled ? noise[i] : scaled)) >> KWS_SMOOTHING_BITS;
        signal[i] = left > floor ? left : floor;
    }
}
