#include "output.h"

#if defined(__ARM_FEATURE_MVE) && !defined(KWS_PLAIN)

#include <arm_mve.h>

#define TOGETHER 8

/* Helium: sums over `depth` taps, a row of channels apart, in eight neighbouring channels, whose products fit
 * 16 bits. Even and odd channels are added up apart, and take turns again in memory. */
static void some_sums(const struct kws_matrix *layer, const int8_t *input, const int8_t *weights,
                      int32_t sums[TOGETHER])
{
    int32x4x2_t found = {{vdupq_n_s32(0), vdupq_n_s32(0)}};
    for (uint32_t tap = 0; tap < layer->depth; tap++) {
        int16x8_t products = vmulq_s16(vldrbq_s16(input), vldrbq_s16(weights));
        found.val[0] = vaddq_s32(found.val[0], vmovlbq_s16(products));
        found.val[1] = vaddq_s32(found.val[1], vmovltq_s16(products));
        input += layer->channels;
        weights += layer->channels;
    }
    vst2q_s32(sums, found);
}

#else

#define TOGETHER 4

/* Sums over `depth` taps, a row of channels apart, in four neighbouring channels. */
static void some_sums(const struct kws_matrix *layer, const int8_t *input, const int8_t *weights,
                      int32_t sums[TOGETHER])
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (uint32_t tap = 0; tap < layer->depth; tap++) {
        s0 += input[0] * weights[0];
        s1 += input[1] * weights[1];
        s2 += input[2] * weights[2];
        s3 += input[3] * weights[3];
        input += layer->channels;
        weights += layer->channels;
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}

#endif

static int32_t one_sum(const struct kws_matrix *layer, const int8_t *input, const int8_t *weights)
{
    int32_t sum = 0;
    for (uint32_t tap = 0; tap < layer->depth; tap++)
        sum += input[tap * layer->channels] * weights[tap * layer->channels];
    return sum;
}

static void finish(const struct kws_matrix *layer, uint32_t channel, int32_t sum, int8_t *output)
{
    output[channel] = kws_finish(&layer->output, channel, layer->output.bias[channel] + sum);
}

void kws_columns(const struct kws_matrix *layer, const int8_t *input, int8_t *output)
{
    for (uint32_t row = 0; row < layer->rows; row++) {
        uint32_t channel = 0;
        for (; channel + TOGETHER <= layer->channels; channel += TOGETHER) {
            int32_t sums[TOGETHER];
            some_sums(layer, input + channel, layer->weights + channel, sums);
            for (uint32_t i = 0; i < TOGETHER; i++)
                finish(layer, channel + i, sums[i], output);
        }
        for (; channel < layer->channels; channel++)
            finish(layer, channel, one_sum(layer, input + channel, layer->weights + channel), output);
        input += layer->apart;
        output += layer->channels;
    }
}
