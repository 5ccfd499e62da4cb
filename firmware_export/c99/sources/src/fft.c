/* The Fourier transform in the 16-bit arithmetic of kissfft, radix 4 in place. */
#include "fixed_point.h"
#include "frontend.h"

#define HALF (KWS_FFT_SIZE / 2) /* complex points: even samples real, odd ones imaginary */
#define ONE 32767               /* 15 bits, as kissfft has it */

/* Radix 4 all the way: HALF is a power of 4. */
typedef char kws_fft_size_is_twice_a_power_of_4[(HALF & (HALF - 1)) == 0 && HALF % 3 == 1 ? 1 : -1];

struct complex {
    int32_t re, im;
};

static struct complex load(const int16_t *frame, unsigned index)
{
    struct complex value = {frame[2 * index], frame[2 * index + 1]};
    return value;
}

static void store(int16_t *frame, unsigned index, int32_t re, int32_t im)
{
    frame[2 * index] = (int16_t)kws_wrap16(re);
    frame[2 * index + 1] = (int16_t)kws_wrap16(im);
}

static int32_t rounded15(int32_t product)
{
    return kws_wrap16((product + (1 << 14)) >> 15);
}

/* Division by multiplying with the truncated reciprocal, so that no sum overflows. */
static struct complex divided(struct complex value, int32_t divisor)
{
    struct complex quotient = {rounded15(value.re * (ONE / divisor)), rounded15(value.im * (ONE / divisor))};
    return quotient;
}

/* The complex product. The true sum of two products always fits: one factor lies on the unit circle. */
static struct complex rotated(struct complex value, const int16_t *by)
{
    struct complex product = {
        rounded15(value.re * by[0] - value.im * by[1]),
        rounded15(value.re * by[1] + value.im * by[0]),
    };
    return product;
}

/* Points in the order of their base-4 digits read backwards, where radix 4 in place wants them. */
static void reorder(int16_t *frame)
{
    for (unsigned i = 0; i < HALF; i++) {
        unsigned reversed = 0;
        for (unsigned digit = 1; digit < HALF; digit *= 4)
            reversed = reversed * 4 + i / digit % 4;
        if (reversed > i) {
            struct complex a = load(frame, i), b = load(frame, reversed);
            store(frame, i, b.re, b.im);
            store(frame, reversed, a.re, a.im);
        }
    }
}

/* Four points `apart` of each other; `turn` is the step through the twiddles. */
static void butterfly(int16_t *frame, unsigned first, unsigned apart, unsigned turn)
{
    struct complex a = divided(load(frame, first), 4);
    struct complex b = rotated(divided(load(frame, first + apart), 4), kws_twiddles + 2 * turn);
    struct complex c = rotated(divided(load(frame, first + 2 * apart), 4), kws_twiddles + 4 * turn);
    struct complex d = rotated(divided(load(frame, first + 3 * apart), 4), kws_twiddles + 6 * turn);
    struct complex even = {a.re + c.re, a.im + c.im}, odd = {a.re - c.re, a.im - c.im};
    store(frame, first, even.re + (b.re + d.re), even.im + (b.im + d.im));
    store(frame, first + apart, odd.re + (b.im - d.im), odd.im - (b.re - d.re));
    store(frame, first + 2 * apart, even.re - (b.re + d.re), even.im - (b.im + d.im));
    store(frame, first + 3 * apart, odd.re - (b.im - d.im), odd.im + (b.re - d.re));
}

static void complex_fft(int16_t *frame)
{
    reorder(frame);
    for (unsigned apart = 1; apart < HALF; apart *= 4)
        for (unsigned group = 0; group < HALF; group += 4 * apart)
            for (unsigned k = 0; k < apart; k++)
                butterfly(frame, group + k, apart, k * (HALF / (4 * apart)));
}

/* The spectra of even and odd samples lie in one another; take them apart and join them by one more butterfly,
 * bins k and HALF - k together. */
static void separate(int16_t *frame, unsigned k)
{
    struct complex z = divided(load(frame, k), 2), mirror = divided(load(frame, HALF - k), 2);
    struct complex even = {kws_wrap16(z.re + mirror.re), kws_wrap16(z.im - mirror.im)};
    struct complex odd = {kws_wrap16(z.re - mirror.re), kws_wrap16(z.im + mirror.im)};
    struct complex turned = rotated(odd, kws_real_twiddles + 2 * (k - 1));
    store(frame, k, (even.re + turned.re) >> 1, (even.im + turned.im) >> 1);
    store(frame, HALF - k, (even.re - turned.re) >> 1, (turned.im - even.im) >> 1);
}

void kws_real_fft(int16_t *frame)
{
    complex_fft(frame);
    for (unsigned k = 1; k <= HALF / 2; k++)
        separate(frame, k);
}
