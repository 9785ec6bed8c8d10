// `Histogram.record` of src/base/histogram.ts in C, over the same memory (its layout is described there). Called once a repetition.
#include <stdint.h>

enum { TOTAL, SUM, MIN, MAX, CLAMPED, CELLS_AT = 8, HALF_BITS = 10 };

static uint32_t cell_of(double value) {
  const uint64_t whole = (uint64_t)value;
  const uint32_t octave = 53 - (uint32_t)__builtin_clzll(whole | 2047);
  return (octave << HALF_BITS) + (uint32_t)(whole >> octave);
}

static void record(double *words, double value, double value_max) {
  double bounded = value;
  if (value > value_max) {
    bounded = value_max;
    words[CLAMPED] += 1;
  }
  words[CELLS_AT + cell_of(bounded)] += 1;
  words[TOTAL] += 1;
  words[SUM] += value;
  if (value < words[MIN]) words[MIN] = value;
  if (value > words[MAX]) words[MAX] = value;
}

void histogram_record(double *words, const double *values, uint32_t count, double value_max) {
  for (uint32_t i = 0; i < count; i++) record(words, values[i], value_max);
}
