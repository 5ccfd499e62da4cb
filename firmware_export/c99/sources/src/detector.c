#include "detector.h"

#include <string.h>

static void move_window(struct kws_detector *detector, uint8_t output)
{
    uint8_t *place = &detector->history[detector->oldest];
    detector->sum = detector->sum - *place + output;
    *place = output;
    detector->oldest = detector->oldest + 1 < KWS_WINDOW_STEPS ? detector->oldest + 1 : 0;
}

int kws_detector_push(struct kws_detector *detector, uint8_t output)
{
    uint32_t before = detector->above;
    move_window(detector, output);
    detector->above = detector->sum >= KWS_THRESHOLD_SUM;
    detector->quiet -= detector->quiet > 0;
    if (!detector->above || before || detector->quiet)
        return 0;
    detector->quiet = KWS_REFRACTORY_STEPS;
    return 1;
}

void kws_detector_reset(struct kws_detector *detector)
{
    memset(detector, 0, sizeof *detector);
}
