#include "fixed_point.h"
#include "kernels.h"

#define LEFT_SHIFT 20 /* extra bits in which ADD and SUB bring both sides to one scale */

static inline int32_t rescaled(const struct kws_operand *operand, int32_t value)
{
    return kws_scale((value + operand->offset) * ((int32_t)1 << LEFT_SHIFT), operand->multiplier, operand->shift);
}

static inline int8_t finished(const struct kws_elementwise *layer, int32_t value)
{
    int32_t scaled = kws_scale(value, layer->multiplier, layer->shift);
    return (int8_t)kws_clamp(scaled + layer->offset, layer->min, layer->max);
}

static uint32_t longer(const struct kws_elementwise *layer)
{
    return layer->a.count > layer->b.count ? layer->a.count : layer->b.count;
}

static uint32_t next(uint32_t index, uint32_t count)
{
    return index + 1 < count ? index + 1 : 0;
}

void kws_add(const struct kws_elementwise *parameters, const int8_t *a, const int8_t *b, int8_t *output)
{
    const struct kws_elementwise own = *parameters, *layer = &own; /* which no output can be part of */
    uint32_t count = longer(layer);
    for (uint32_t i = 0, j = 0, k = 0; k < count; k++) {
        int32_t sum = rescaled(&layer->a, a[i]) + layer->sign * rescaled(&layer->b, b[j]);
        output[k] = finished(layer, sum);
        i = next(i, layer->a.count);
        j = next(j, layer->b.count);
    }
}

void kws_multiply(const struct kws_elementwise *parameters, const int8_t *a, const int8_t *b, int8_t *output)
{
    const struct kws_elementwise own = *parameters, *layer = &own;
    uint32_t count = longer(layer);
    for (uint32_t i = 0, j = 0, k = 0; k < count; k++) {
        output[k] = finished(layer, (a[i] + layer->a.offset) * (b[j] + layer->b.offset));
        i = next(i, layer->a.count);
        j = next(j, layer->b.count);
    }
}
