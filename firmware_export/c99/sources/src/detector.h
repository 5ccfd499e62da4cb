/* Outputs of one label -> events: smooth, compare, stay quiet. */
#ifndef KWS_DETECTOR_H
#define KWS_DETECTOR_H

#include "kws.h"

/* As new. */
void kws_detector_reset(struct kws_detector *detector);

/* Judge the next output. An event fires, and 1 is returned, at the step whose sum over the last KWS_WINDOW_STEPS
 * outputs reaches KWS_THRESHOLD_SUM from below, unless the last one fired less than KWS_REFRACTORY_STEPS ago;
 * then it has to come from below again. */
int kws_detector_push(struct kws_detector *detector, uint8_t output);

#endif
