/* Per-channel amplitude normalisation: signal * (noise + offset) ** -strength, then compressed. */
#include "fixed_point.h"
#include "frontend.h"

#define SNR_BITS 12
#define SHRUNK_BITS 6

/* The power by a parabola per octave of the noise estimate, through its ends and middle. */
static int32_t gain(uint32_t noise)
{
    if (noise <= 2)
        return kws_gain_of_quiet[noise];
    unsigned octave = kws_bit_length(noise);
    int32_t fraction = (int32_t)((octave > 11 ? noise >> (octave - 11) : noise << (11 - octave)) & 0x3FFu);
    int64_t slope = (kws_gain_curve[octave] * fraction >> 5) + (int32_t)kws_gain_slope[octave] * 32;
    return kws_gain_start[octave] + (int32_t)((slope * fraction + (1 << 14)) >> 15);
}

/* Squared below a ratio of 2, straight above. */
static uint32_t compressed(uint32_t ratio)
{
    if (ratio < 2u << SNR_BITS)
        return ratio * ratio >> (2 + 2 * SNR_BITS - SHRUNK_BITS);
    return (ratio >> (SNR_BITS - SHRUNK_BITS)) - (1u << SHRUNK_BITS);
}

void kws_pcan(const uint32_t *noise, uint32_t *signal)
{
    for (int i = 0; i < KWS_CHANNELS; i++) {
        int64_t product = (int64_t)signal[i] * gain(noise[i]);
        signal[i] = compressed((uint32_t)(product >> (KWS_GAIN_BITS - KWS_CORRECTION_BITS - SNR_BITS)));
    }
}
