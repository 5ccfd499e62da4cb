/* Complex numbers of two times 16 bits, as the Fourier transform adds and turns them.
 *
 * Where the processor has Arm's DSP extension a number is one word, its real part below, and both parts are
 * computed at once; define KWS_PLAIN for the portable form. Sums lose what lies beyond 16 bits either way: in
 * the portable form when they are stored or wrapped. */
#ifndef KWS_POINT_H
#define KWS_POINT_H

#include "fixed_point.h"

#define KWS_ROUNDING (1 << 14) /* a half, of the 15 bits that products lose */

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_UNALIGNED) && !defined(__ARM_BIG_ENDIAN) && \
    !defined(KWS_PLAIN)

#include <arm_acle.h>
#include <string.h>

typedef uint32_t kws_point;

static inline kws_point kws_load(const int16_t *parts)
{
    uint32_t word;
    memcpy(&word, parts, sizeof word);
    return word;
}

static inline void kws_store(int16_t *parts, kws_point value)
{
    memcpy(parts, &value, sizeof value);
}

/* The real part of one, the imaginary part of the other. */
static inline kws_point kws_parts_of(kws_point real, kws_point imaginary)
{
    return (real & 0xFFFFu) | (imaginary & 0xFFFF0000u);
}

/* Two sums of products, each rounded to 15 bits less. */
static inline kws_point kws_rounded(int32_t re, int32_t im)
{
    return kws_parts_of((uint32_t)(re >> 15), (uint32_t)im << 1);
}

static inline kws_point kws_scaled(kws_point value, int32_t by)
{
    return kws_rounded(__smlabb((int32_t)value, by, KWS_ROUNDING), __smlatb((int32_t)value, by, KWS_ROUNDING));
}

static inline kws_point kws_rotated(kws_point value, const int16_t *by)
{
    uint32_t turn = kws_load(by);
    return kws_rounded(__smlsd(value, turn, KWS_ROUNDING), __smladx(value, turn, KWS_ROUNDING));
}

static inline kws_point kws_plus(kws_point a, kws_point b)
{
    return (uint32_t)__sadd16(a, b);
}

static inline kws_point kws_minus(kws_point a, kws_point b)
{
    return (uint32_t)__ssub16(a, b);
}

static inline kws_point kws_plus_i(kws_point a, kws_point b)
{
    return (uint32_t)__sasx(a, b);
}

static inline kws_point kws_minus_i(kws_point a, kws_point b)
{
    return (uint32_t)__ssax(a, b);
}

static inline kws_point kws_wrapped(kws_point value)
{
    return value;
}

static inline kws_point kws_half_sum(kws_point a, kws_point b)
{
    return (uint32_t)__shadd16(a, b);
}

static inline kws_point kws_half_difference(kws_point a, kws_point b)
{
    return (uint32_t)__shsub16(a, b);
}

#else

typedef struct {
    int32_t re, im;
} kws_point;

static inline kws_point kws_load(const int16_t *parts)
{
    kws_point value = {parts[0], parts[1]};
    return value;
}

static inline void kws_store(int16_t *parts, kws_point value)
{
    parts[0] = (int16_t)kws_wrap16(value.re);
    parts[1] = (int16_t)kws_wrap16(value.im);
}

/* The real part of one, the imaginary part of the other. */
static inline kws_point kws_parts_of(kws_point real, kws_point imaginary)
{
    kws_point value = {real.re, imaginary.im};
    return value;
}

/* Two sums of products, each rounded to 15 bits less. */
static inline kws_point kws_rounded(int32_t re, int32_t im)
{
    kws_point value = {kws_wrap16((re + KWS_ROUNDING) >> 15), kws_wrap16((im + KWS_ROUNDING) >> 15)};
    return value;
}

/* Times a number of 15 bits below the point. */
static inline kws_point kws_scaled(kws_point value, int32_t by)
{
    return kws_rounded(value.re * by, value.im * by);
}

/* The complex product. The true sum of two products always fits: one factor lies on the unit circle. */
static inline kws_point kws_rotated(kws_point value, const int16_t *by)
{
    return kws_rounded(value.re * by[0] - value.im * by[1], value.re * by[1] + value.im * by[0]);
}

static inline kws_point kws_plus(kws_point a, kws_point b)
{
    kws_point sum = {a.re + b.re, a.im + b.im};
    return sum;
}

static inline kws_point kws_minus(kws_point a, kws_point b)
{
    kws_point difference = {a.re - b.re, a.im - b.im};
    return difference;
}

/* a + i * b */
static inline kws_point kws_plus_i(kws_point a, kws_point b)
{
    kws_point sum = {a.re - b.im, a.im + b.re};
    return sum;
}

/* a - i * b */
static inline kws_point kws_minus_i(kws_point a, kws_point b)
{
    kws_point difference = {a.re + b.im, a.im - b.re};
    return difference;
}

static inline kws_point kws_wrapped(kws_point value)
{
    kws_point wrapped = {kws_wrap16(value.re), kws_wrap16(value.im)};
    return wrapped;
}

/* Of wrapped numbers, rounded down. */
static inline kws_point kws_half_sum(kws_point a, kws_point b)
{
    kws_point half = {(a.re + b.re) >> 1, (a.im + b.im) >> 1};
    return half;
}

static inline kws_point kws_half_difference(kws_point a, kws_point b)
{
    kws_point half = {(a.re - b.re) >> 1, (a.im - b.im) >> 1};
    return half;
}

#endif

#endif
