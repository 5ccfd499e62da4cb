#include "fixed_point.h"
#include "frontend.h"

#define LOG_BITS 16
#define SEGMENT_BITS 7
#define LN2 45426 /* 16 bits */

/* The binary logarithm, 16 bits, of a value above 0: its mantissa, plus a correction interpolated in 128
 * segments. */
static uint32_t log2_16(uint32_t value)
{
    unsigned whole = kws_bit_length(value) - 1u;
    uint32_t rest = value - ((uint32_t)1 << whole);
    uint32_t fraction = whole > LOG_BITS ? rest >> (whole - LOG_BITS) : rest << (LOG_BITS - whole);
    uint32_t segment = fraction >> (LOG_BITS - SEGMENT_BITS);
    int32_t inside = (int32_t)(fraction - (segment << (LOG_BITS - SEGMENT_BITS)));
    int32_t low = kws_log2_correction[segment], high = kws_log2_correction[segment + 1];
    return ((uint32_t)whole << LOG_BITS) + fraction + (uint32_t)(low + ((high - low) * inside >> LOG_BITS));
}

static uint32_t scaled_log(uint32_t value)
{
    uint64_t half = 1u << (LOG_BITS - 1);
    uint64_t natural = (log2_16(value) * (uint64_t)LN2 + half) >> LOG_BITS;
    uint64_t scaled = ((natural << KWS_LOG_SCALE_SHIFT) + half) >> LOG_BITS;
    return scaled < 0xFFFF ? (uint32_t)scaled : 0xFFFFu;
}

void kws_log_scale(uint32_t *signal)
{
    for (int i = 0; i < KWS_CHANNELS; i++) {
        uint32_t value = signal[i] << KWS_CORRECTION_BITS;
        signal[i] = value > 1 ? scaled_log(value) : 0;
    }
}
