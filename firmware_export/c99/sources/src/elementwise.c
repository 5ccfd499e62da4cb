#include "fixed_point.h"
#include "kernels.h"

#define LEFT_SHIFT 20 /* extra bits in which ADD and SUB bring both sides to one scale */

typedef int32_t (*combine)(const struct kws_elementwise *layer, int32_t a, int32_t b);

static int32_t rescaled(const struct kws_operand *operand, int32_t value)
{
    return kws_scale(value * ((int32_t)1 << LEFT_SHIFT), operand->multiplier, operand->shift);
}

static int32_t sum(const struct kws_elementwise *layer, int32_t a, int32_t b)
{
    return rescaled(&layer->a, a) + layer->sign * rescaled(&layer->b, b);
}

static int32_t product(const struct kws_elementwise *layer, int32_t a, int32_t b)
{
    (void)layer;
    return a * b;
}

static uint32_t next(uint32_t index, uint32_t count)
{
    return index + 1 < count ? index + 1 : 0;
}

static void combined(const struct kws_elementwise *layer, combine both, const int8_t *a, const int8_t *b,
                     int8_t *output)
{
    uint32_t count = layer->a.count > layer->b.count ? layer->a.count : layer->b.count;
    for (uint32_t i = 0, j = 0, k = 0; k < count; k++) {
        int32_t value = both(layer, a[i] + layer->a.offset, b[j] + layer->b.offset);
        value = kws_scale(value, layer->multiplier, layer->shift) + layer->offset;
        output[k] = (int8_t)kws_clamp(value, layer->min, layer->max);
        i = next(i, layer->a.count);
        j = next(j, layer->b.count);
    }
}

void kws_add(const struct kws_elementwise *layer, const int8_t *a, const int8_t *b, int8_t *output)
{
    combined(layer, sum, a, b, output);
}

void kws_multiply(const struct kws_elementwise *layer, const int8_t *a, const int8_t *b, int8_t *output)
{
    combined(layer, product, a, b, output);
}
