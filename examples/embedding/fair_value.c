/* A model that somebody has in C: the price at which the nearest levels of both sides would balance. */
#include <stddef.h>
#include <stdint.h>

/* Prices in ticks and quantities of the same number of levels a side, best first; 0 when a side is empty. */
double fair_value(const int32_t *bid_prices, const uint32_t *bid_quantities, const int32_t *ask_prices,
                  const uint32_t *ask_quantities, size_t levels) {
  double bid_sum = 0, bid_weight = 0, ask_sum = 0, ask_weight = 0;
  for (size_t i = 0; i < levels; i++) {
    const double nearness = 1.0 / (double)(i + 1);
    bid_weight += nearness * bid_quantities[i];
    bid_sum += nearness * bid_quantities[i] * bid_prices[i];
    ask_weight += nearness * ask_quantities[i];
    ask_sum += nearness * ask_quantities[i] * ask_prices[i];
  }
  if (bid_weight == 0 || ask_weight == 0) return 0;
  /* The heavier side pushes the price towards the other one. */
  return (bid_sum / bid_weight * ask_weight + ask_sum / ask_weight * bid_weight) / (bid_weight + ask_weight);
}
