/* The Fourier transform in the 16-bit arithmetic of kissfft, radix 4 in place. */
#include "frontend.h"
#include "point.h"

#define HALF (KWS_FFT_SIZE / 2) /* complex points: even samples real, odd ones imaginary */
#define ONE 32767               /* 15 bits, as kissfft has it */

/* Radix 4 all the way: HALF is a power of 4. */
typedef char kws_fft_size_is_twice_a_power_of_4[(HALF & (HALF - 1)) == 0 && HALF % 3 == 1 ? 1 : -1];

/* Of the next index the base-4 digits read backwards: counting up from the highest digit. */
static unsigned next_reversed(unsigned reversed)
{
    unsigned place = HALF / 4;
    for (; (reversed & 3 * place) == 3 * place; place /= 4)
        reversed -= 3 * place;
    return reversed + place;
}

/* Points in the order of their digits read backwards, where radix 4 in place wants them. The last stays. */
static void reorder(int16_t *frame)
{
    for (unsigned i = 0, j = 0; i < HALF - 1; i++, j = next_reversed(j))
        if (j > i) {
            kws_point a = kws_load(frame + 2 * i), b = kws_load(frame + 2 * j);
            kws_store(frame + 2 * i, b);
            kws_store(frame + 2 * j, a);
        }
}

/* A point divided by multiplying with the truncated reciprocal, so that no sum overflows. */
static inline kws_point quarter(const int16_t *frame, unsigned index)
{
    return kws_scaled(kws_load(frame + 2 * index), ONE / 4);
}

static inline kws_point half(const int16_t *frame, unsigned index)
{
    return kws_scaled(kws_load(frame + 2 * index), ONE / 2);
}

/* Four points `apart` of each other, a quarter of each, turned, become sums and differences. */
static inline void join(int16_t *frame, unsigned first, unsigned apart, kws_point a, kws_point b, kws_point c,
                        kws_point d)
{
    kws_point even = kws_plus(a, c), odd = kws_minus(a, c), sum = kws_plus(b, d), difference = kws_minus(b, d);
    kws_store(frame + 2 * first, kws_plus(even, sum));
    kws_store(frame + 2 * (first + apart), kws_minus_i(odd, difference));
    kws_store(frame + 2 * (first + 2 * apart), kws_minus(even, sum));
    kws_store(frame + 2 * (first + 3 * apart), kws_plus_i(odd, difference));
}

static inline void butterfly(int16_t *frame, unsigned first, unsigned apart, unsigned turn)
{
    join(frame, first, apart, quarter(frame, first),
         kws_rotated(quarter(frame, first + apart), kws_twiddles + 2 * turn),
         kws_rotated(quarter(frame, first + 2 * apart), kws_twiddles + 4 * turn),
         kws_rotated(quarter(frame, first + 3 * apart), kws_twiddles + 6 * turn));
}

/* The same for a turn of 0: a factor of 32767 / 32768 changes no quarter, since rounding undoes it. */
static void unturned_butterfly(int16_t *frame, unsigned first, unsigned apart)
{
    join(frame, first, apart, quarter(frame, first), quarter(frame, first + apart),
         quarter(frame, first + 2 * apart), quarter(frame, first + 3 * apart));
}

static void complex_fft(int16_t *frame)
{
    reorder(frame);
    for (unsigned apart = 1; apart < HALF; apart *= 4)
        for (unsigned group = 0; group < HALF; group += 4 * apart) {
            unturned_butterfly(frame, group, apart);
            for (unsigned k = 1; k < apart; k++)
                butterfly(frame, group + k, apart, k * (HALF / (4 * apart)));
        }
}

/* The spectra of even and odd samples lie in one another; take them apart and join them by one more butterfly,
 * bins k and HALF - k together. */
static void separate(int16_t *frame, unsigned k)
{
    kws_point z = half(frame, k), mirror = half(frame, HALF - k);
    kws_point sum = kws_wrapped(kws_plus(z, mirror)), difference = kws_wrapped(kws_minus(z, mirror));
    kws_point even = kws_parts_of(sum, difference);
    kws_point turned = kws_rotated(kws_parts_of(difference, sum), kws_real_twiddles + 2 * (k - 1));
    kws_point low = kws_half_sum(even, turned), high = kws_half_difference(even, turned);
    kws_store(frame + 2 * k, low);
    kws_store(frame + 2 * (HALF - k), kws_parts_of(high, kws_half_difference(turned, even)));
}

void kws_real_fft(int16_t *frame)
{
    complex_fft(frame);
    for (unsigned k = 1; k <= HALF / 2; k++)
        separate(frame, k);
}
