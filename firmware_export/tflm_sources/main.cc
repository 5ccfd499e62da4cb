// Samples -> front end -> interpreter -> detector, on TensorFlow Lite Micro.
//
// Compile with everything in this directory and in front_end/ (C99), and link the library of TensorFlow Lite
// Micro. read_microphone and on_wake_word are yours.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "arena.h"
#include "model_data.h"
#include "resolver.h"
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"
#include "tensorflow/lite/schema/schema_generated.h"

extern "C" {
#include "detector.h"
#include "frontend.h"
}

extern std::size_t read_microphone(std::int16_t* samples, std::size_t room);
extern void on_wake_word(int label);

namespace {

constexpr int kVariableArenaBytes = 1024;

alignas(16) std::uint8_t tensor_arena[KWS_TENSOR_ARENA_BYTES];
alignas(16) std::uint8_t variable_arena[kVariableArenaBytes];
KwsResolver resolver;
kws_frontend frontend;
kws_detector detectors[KWS_LABELS];
std::int16_t spectrum[KWS_FFT_SIZE];

tflite::MicroInterpreter& Interpreter() {
  static tflite::MicroResourceVariables* variables = tflite::MicroResourceVariables::Create(
      tflite::MicroAllocator::Create(variable_arena, kVariableArenaBytes), KWS_RESOURCE_VARIABLES);
  static tflite::MicroInterpreter interpreter(tflite::GetModel(kws_model_data), resolver, tensor_arena,
                                              KWS_TENSOR_ARENA_BYTES, variables);
  return interpreter;
}

void Judge(const std::uint8_t* outputs, int steps) {
  for (int label = 0; label < KWS_LABELS; ++label) {
    const std::uint8_t output = steps < KWS_WARMUP_STEPS ? 0 : outputs[label];
    if (kws_detector_push(&detectors[label], output)) on_wake_word(label);
  }
}

}  // namespace

int main() {
  tflite::MicroInterpreter& interpreter = Interpreter();
  if (RegisterKwsOps(resolver) != kTfLiteOk || interpreter.AllocateTensors() != kTfLiteOk) return 1;
  kws_frontend_reset(&frontend);
  std::int8_t* input = interpreter.input(0)->data.int8;
  std::int16_t samples[KWS_STEP_SAMPLES];
  int rows = 0, steps = 0;
  for (;;) {
    const std::size_t count = read_microphone(samples, KWS_STEP_SAMPLES);
    for (std::size_t taken = 0; taken < count;) {
      int complete;
      taken += kws_frontend_push(&frontend, samples + taken, static_cast<std::uint32_t>(count - taken), spectrum,
                                 input + rows * KWS_CHANNELS, &complete);
      rows += complete;
      if (rows < KWS_STRIDE) continue;
      rows = 0;
      if (interpreter.Invoke() != kTfLiteOk) return 1;
      Judge(interpreter.output(0)->data.uint8, steps);
      if (steps < KWS_WARMUP_STEPS) ++steps;
    }
  }
}
