#include "kws.h"

#include <string.h>

#include "detector.h"
#include "frontend.h"
#include "model.h"

typedef char kws_size_is_as_exported[sizeof(struct kws) == KWS_SIZE ? 1 : -1];

struct alignment {
    char before;
    struct kws engine;
};

static uint64_t samples_heard(const struct kws *engine)
{
    return (engine->rows - 1) * KWS_STEP_SAMPLES + KWS_WINDOW_SAMPLES;
}

static void judge(struct kws *engine, uint32_t label, uint8_t output)
{
    struct kws_detector *detector = &engine->detectors[label];
    if (kws_detector_push(detector, output)) {
        struct kws_event *event = &engine->queue[engine->waiting++];
        event->end = samples_heard(engine);
        event->score = detector->sum;
        event->label = label;
    }
}

static void step(struct kws *engine)
{
    uint8_t outputs[KWS_LABELS];
    kws_model_step(engine->state, engine->work.arena, engine->input, outputs);
    int judged = engine->unjudged == 0;
    engine->unjudged -= !judged;
    for (uint32_t label = 0; label < KWS_LABELS; label++)
        judge(engine, label, judged ? outputs[label] : 0);
}

static uint32_t push_to_row(struct kws *engine, const int16_t *samples, size_t count)
{
    uint32_t some = count < KWS_STEP_SAMPLES ? (uint32_t)count : KWS_STEP_SAMPLES;
    uint32_t place = (uint32_t)(engine->rows % KWS_STRIDE);
    int complete;
    uint32_t taken = kws_frontend_push(&engine->frontend, samples, some, engine->work.spectrum,
                                       engine->input + place * KWS_CHANNELS, &complete);
    engine->rows += (uint64_t)complete;
    if (complete && place == KWS_STRIDE - 1)
        step(engine);
    return taken;
}

size_t kws_push(struct kws *engine, const int16_t *samples, size_t count)
{
    size_t taken = 0;
    while (taken < count && engine->waiting + KWS_LABELS <= KWS_EVENTS)
        taken += push_to_row(engine, samples + taken, count - taken);
    return taken;
}

int kws_poll(struct kws *engine, struct kws_event *event)
{
    if (engine->waiting == 0)
        return 0;
    *event = engine->queue[0];
    engine->waiting--;
    memmove(engine->queue, engine->queue + 1, engine->waiting * sizeof *engine->queue);
    return 1;
}

void kws_reset(struct kws *engine)
{
    memset(engine, 0, sizeof *engine);
    engine->unjudged = KWS_WARMUP_STEPS;
    for (int label = 0; label < KWS_LABELS; label++)
        kws_detector_reset(&engine->detectors[label]);
    kws_frontend_reset(&engine->frontend);
    kws_model_reset(engine->state);
}

struct kws *kws_init(void *memory, size_t bytes)
{
    struct kws *engine = memory;
    if (!memory || bytes < sizeof *engine || (uintptr_t)memory % offsetof(struct alignment, engine))
        return NULL;
    kws_reset(engine);
    return engine;
}

size_t kws_size(void)
{
    return KWS_SIZE;
}
