/* Wake words in a stream of audio: samples in, events out.
 *
 *     static struct kws memory;
 *     struct kws *engine = kws_init(&memory, sizeof memory);
 *     for (;;) {
 *         size_t taken = 0, count = read_microphone(samples);
 *         while (taken < count) {
 *             taken += kws_push(engine, samples + taken, count - taken);
 *             while (kws_poll(engine, &event))
 *                 puts(kws_labels[event.label]);
 *         }
 *     }
 *
 * All memory is the struct itself: no heap, no globals but constants, no library but memcpy, memmove and memset.
 * Any number of engines can run side by side, each in one thread at a time.
 */
#ifndef KWS_H
#define KWS_H

#include <stddef.h>
#include <stdint.h>

#include "kws_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One wake word was heard. */
struct kws_event {
    uint64_t end;   /* samples heard by the end of the step that decided, since init or reset */
    uint32_t score; /* sum of the last KWS_WINDOW_STEPS outputs, each 0 to 255 */
    uint32_t label; /* index into kws_labels */
};

struct kws;

extern const char *const kws_labels[KWS_LABELS];

/* Prepare an engine in `memory`: a struct kws, or any storage of KWS_SIZE bytes aligned for uint64_t.
 * NULL if it is too small or not aligned. */
struct kws *kws_init(void *memory, size_t bytes);

/* Hear `count` samples, 16 kHz mono. Returns how many were taken: fewer only when KWS_EVENTS events wait to
 * be polled; then poll, and push the rest. */
size_t kws_push(struct kws *engine, const int16_t *samples, size_t count);

/* Take the oldest event; 0 if there is none. */
int kws_poll(struct kws *engine, struct kws_event *event);

/* Forget all audio and events: as after kws_init. */
void kws_reset(struct kws *engine);

/* KWS_SIZE, the bytes of one engine, for callers that do not include this file. */
size_t kws_size(void);

/* What an engine remembers. The fields are nobody's business but the engine's; they are here so that a compiler
 * can set the memory aside. They are ordered so that every target pads them alike. */

#define KWS_EVENTS (KWS_LABELS + 3) /* that can wait: one step may bring an event for every label */

struct kws_frontend {
    uint32_t noise[KWS_CHANNELS];        /* slow average per channel, KWS_SMOOTHING_BITS of fraction */
    uint32_t filled;                     /* samples in the window */
    int16_t samples[KWS_WINDOW_SAMPLES]; /* the window being filled */
};

struct kws_detector {
    uint32_t sum;    /* of history */
    uint32_t quiet;  /* steps until the next event may fire */
    uint32_t above;  /* whether the last sum was at the threshold or over it */
    uint32_t oldest; /* place in history that is overwritten next */
    uint8_t history[KWS_HISTORY_BYTES];
};

struct kws {
    uint64_t rows;     /* since init or reset */
    uint32_t unjudged; /* steps left of the warm-up, whose outputs count as 0 */
    uint32_t waiting;  /* events in the queue */
    struct kws_event queue[KWS_EVENTS];
    struct kws_detector detectors[KWS_LABELS];
    struct kws_frontend frontend;
    union { /* scratch, needed one after the other */
        int16_t spectrum[KWS_FFT_SIZE];
        int8_t arena[KWS_ARENA_BYTES];
    } work;
    int8_t input[KWS_INPUT_BYTES]; /* rows, until they are a whole stride */
    int8_t state[KWS_STATE_BYTES]; /* the model's variables */
};

#ifdef __cplusplus
}
#endif

#endif
