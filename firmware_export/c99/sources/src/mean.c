#include "fixed_point.h"
#include "kernels.h"

static int32_t sum(const int8_t *input, uint32_t count, uint32_t apart)
{
    int32_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += input[i * apart];
    return total;
}

void kws_mean(const struct kws_mean *layer, const int8_t *input, int8_t *output)
{
    for (uint32_t i = 0; i < layer->outer; i++)
        for (uint32_t j = 0; j < layer->inner; j++) {
            int32_t total = sum(input + i * layer->count * layer->inner + j, layer->count, layer->inner);
            int32_t mean = kws_scale(total - layer->zeros, layer->multiplier, layer->shift);
            *output++ = (int8_t)kws_clamp(mean + layer->offset, -128, 127);
        }
}
