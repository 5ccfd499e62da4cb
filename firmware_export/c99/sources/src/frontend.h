/* Samples to rows: the micro front end of TensorFlow Lite Micro in fixed point.
 *
 * window -> FFT -> energy in mel channels -> square root -> noise suppression -> PCAN gain -> logarithm -> int8
 *
 * "14 bits" means that 2**14 stands for 1. Every constant comes from the exporter (kws_config.h and
 * kws_frontend_tables.c), so nothing is computed with floating point here.
 */
#ifndef KWS_FRONTEND_H
#define KWS_FRONTEND_H

#include "kws.h"

/* Tables, made by the exporter. Complex numbers are pairs, real part first. */
extern const int16_t kws_hann[KWS_WINDOW_SAMPLES];
extern const int16_t kws_twiddles[KWS_FFT_SIZE];          /* exp(-2 pi i k / (size / 2)), 15 bits */
extern const int16_t kws_real_twiddles[KWS_FFT_SIZE / 2]; /* exp(-pi i ((k + 1) / (size / 2) + 1 / 2)) */
extern const uint8_t kws_mel_edge[KWS_MEL_BINS];          /* rising edge of a channel that a bin lies on */
extern const uint16_t kws_mel_weight[KWS_MEL_BINS];       /* the bin's share for the channel below, 12 bits */
extern const uint16_t kws_mel_unweight[KWS_MEL_BINS];     /* and for the channel above */
extern const int16_t kws_gain_of_quiet[3];                /* of noise estimates 0, 1, 2 */
extern const int16_t kws_gain_start[33];                  /* by octave of the noise estimate */
extern const int16_t kws_gain_slope[33];
extern const int16_t kws_gain_curve[33];
extern const uint16_t kws_log2_correction[129];           /* log2(1 + x) - x, 16 bits */

/* As new. */
void kws_frontend_reset(struct kws_frontend *frontend);

/* Take up to `count` samples; returns how many were taken. They end at the latest where a row is complete;
 * then *row_complete is 1 and `row`, KWS_CHANNELS long, holds it. `spectrum` is scratch, KWS_FFT_SIZE long. */
uint32_t kws_frontend_push(struct kws_frontend *frontend, const int16_t *samples, uint32_t count,
                           int16_t *spectrum, int8_t *row, int *row_complete);

/* The steps, in order. */

/* KWS_WINDOW_SAMPLES samples under the Hann window into `frame`, shifted left until the peak has 15 bits, zeros
 * after them; returns the shift. */
int kws_window(const int16_t *samples, int16_t *frame);

/* KWS_FFT_SIZE real samples -> KWS_FFT_SIZE / 2 complex bins, in place, scaled by 1 / KWS_FFT_SIZE; bin 0 is left
 * out. */
void kws_real_fft(int16_t *frame);

/* Root of the energy of each channel, the shift of the window undone. */
void kws_mel_magnitudes(const int16_t *spectrum, int shift, uint32_t *magnitudes);

/* Subtract a slow average, which moves on, from each channel. */
void kws_suppress_noise(uint32_t *noise, uint32_t *signal);

/* Amplify each channel by how quiet its noise is, and compress. */
void kws_pcan(const uint32_t *noise, uint32_t *signal);

/* Natural logarithm, times 2**KWS_LOG_SCALE_SHIFT, of each channel. */
void kws_log_scale(uint32_t *signal);

/* As int8, the model's input. */
void kws_quantize_row(const uint32_t *signal, int8_t *row);

#endif
