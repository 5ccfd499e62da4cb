/* Energies of the FFT bins in triangular channels on the mel scale: each bin is shared by two neighbours. */
#include <string.h>

#include "fixed_point.h"
#include "frontend.h"

/* The nearest whole root, bit by bit from the highest. */
static uint32_t root_of_32_bits(uint32_t value)
{
    uint32_t rest = value, root = 0;
    unsigned bits = kws_bit_length(value);
    for (uint32_t bit = bits ? (uint32_t)1 << ((bits - 1u) & ~1u) : 0; bit; bit >>= 2) {
        uint32_t with = root + bit;
        root >>= 1;
        if (rest >= with) {
            rest -= with;
            root += bit;
        }
    }
    return root + (rest > root && root < 0xFFFF); /* the original keeps these to 16 bits */
}

static uint32_t root_of_64_bits(uint64_t value)
{
    uint64_t rest = value, root = 0;
    unsigned bits = 32u + kws_bit_length((uint32_t)(value >> 32));
    for (uint64_t bit = (uint64_t)1 << ((bits - 1u) & ~1u); bit; bit >>= 2) {
        uint64_t with = root + bit;
        root >>= 1;
        if (rest >= with) {
            rest -= with;
            root += bit;
        }
    }
    return (uint32_t)(root + (rest > root));
}

static uint32_t square_root(uint64_t value)
{
    return value >> 32 ? root_of_64_bits(value) : root_of_32_bits((uint32_t)value);
}

static uint32_t energy(const int16_t *bin)
{
    int32_t re = bin[0], im = bin[1];
    return (uint32_t)(re * re) + (uint32_t)(im * im);
}

/* sums[0] and the last belong to the half triangles outside the channels. */
static void add_bins(const int16_t *spectrum, uint64_t sums[KWS_CHANNELS + 2])
{
    memset(sums, 0, (KWS_CHANNELS + 2) * sizeof *sums);
    for (unsigned i = 0; i < KWS_MEL_BINS; i++) {
        uint32_t value = energy(spectrum + 2 * (KWS_MEL_FIRST_BIN + i));
        sums[kws_mel_edge[i]] += (uint64_t)kws_mel_weight[i] * value;
        sums[kws_mel_edge[i] + 1] += (uint64_t)kws_mel_unweight[i] * value;
    }
}

void kws_mel_magnitudes(const int16_t *spectrum, int shift, uint32_t *magnitudes)
{
    uint64_t sums[KWS_CHANNELS + 2];
    add_bins(spectrum, sums);
    for (int i = 0; i < KWS_CHANNELS; i++)
        magnitudes[i] = square_root(sums[i + 1]) >> shift;
}
