/* Raw audio (16 kHz, mono, 16 bits, little-endian) on standard input, an event a line on standard output:
 * label, samples heard, sum of outputs. */
#include <stdio.h>

#include "kws.h"

static struct kws memory;

static void print_events(struct kws *engine)
{
    struct kws_event event;
    while (kws_poll(engine, &event))
        printf("%s %llu %lu\n", kws_labels[event.label], (unsigned long long)event.end,
               (unsigned long)event.score);
    fflush(stdout);
}

static void push_all(struct kws *engine, const int16_t *samples, size_t count)
{
    size_t taken = 0;
    while (taken < count) {
        taken += kws_push(engine, samples + taken, count - taken);
        print_events(engine);
    }
}

int main(void)
{
    struct kws *engine = kws_init(&memory, sizeof memory);
    int16_t samples[KWS_STEP_SAMPLES];
    size_t count;
    if (!engine)
        return 1;
    while ((count = fread(samples, sizeof *samples, KWS_STEP_SAMPLES, stdin)) > 0)
        push_all(engine, samples, count);
    return 0;
}
