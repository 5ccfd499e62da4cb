/* Whole-number arithmetic with the rounding that TensorFlow Lite Micro defines. */
#ifndef KWS_FIXED_POINT_H
#define KWS_FIXED_POINT_H

#include <stdint.h>

/* Two things that C leaves to the compiler and that every one for these targets does alike: the right shift of
 * a negative number copies the sign, and a number too large for int16_t loses its upper bits. */
typedef char kws_right_shift_copies_the_sign[(-3 >> 1) == -2 ? 1 : -1];
typedef char kws_conversion_keeps_lower_bits[(int16_t)0x18001 == -0x7FFF ? 1 : -1];

/* The lower 16 bits, as a signed number. */
static inline int32_t kws_wrap16(int32_t value)
{
    return (int16_t)value;
}

/* Bits up to the highest one set; 0 for 0. */
static inline unsigned kws_bit_length(uint32_t value)
{
#if defined(__GNUC__)
    return value ? 32u - (unsigned)__builtin_clz(value) : 0u;
#else
    unsigned bits = 0;
    for (; value; value >>= 1)
        bits++;
    return bits;
#endif
}

static inline int32_t kws_clamp(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* value * multiplier / 2**31, to the nearest, halves upwards: gemmlowp's SaturatingRoundingDoublingHighMul. Its
 * one overflow, of two lowest numbers, cannot come up: multipliers are never negative. */
static inline int32_t kws_high_product(int32_t value, int32_t multiplier)
{
    return (int32_t)(((int64_t)value * multiplier + ((int64_t)1 << 30)) >> 31);
}

/* value / 2**bits, to the nearest, halves away from zero. */
static inline int32_t kws_rounding_shift(int32_t value, int bits)
{
    int32_t mask = (int32_t)(((uint32_t)1 << bits) - 1u);
    int32_t remainder = value & mask;
    int32_t half = (mask >> 1) + (value < 0);
    return (value >> bits) + (remainder > half);
}

/* value * multiplier * 2**(shift - 31), rounded twice as microcontrollers do it. The exporter has made sure
 * that the left shift of no reachable value overflows. */
static inline int32_t kws_scale(int32_t value, int32_t multiplier, int shift)
{
    if (shift > 0)
        return kws_high_product(value * ((int32_t)1 << shift), multiplier);
    return kws_rounding_shift(kws_high_product(value, multiplier), -shift);
}

#endif
