/* From a sum of products to int8. */
#ifndef KWS_OUTPUT_H
#define KWS_OUTPUT_H

#include "fixed_point.h"
#include "kernels.h"

static inline int8_t kws_finish(const struct kws_output *output, uint32_t channel, int32_t sum)
{
    int32_t scaled = kws_scale(sum, output->multiplier[channel], output->shift[channel]);
    return (int8_t)kws_clamp(scaled + output->offset, output->min, output->max);
}

#endif
