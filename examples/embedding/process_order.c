/*
 * A C program with a matching engine in it.
 *
 *   npm run build:embedded
 *   cc examples/embedding/process_order.c -Ibuild/embedded build/embedded/liboutcry.a -lm -o process_order
 *   ./process_order
 */
#include <inttypes.h>
#include <stdio.h>

#include "outcry.h"

static void print_event(void *context, const outcry_event *event) {
  const outcry_instrument *instruments = context;
  const outcry_instrument *on = &instruments[event->instrument];
  if (event->type == OUTCRY_TRADE)
    printf("  trade     %s  %u at %.2f  order %" PRIu64 " with %" PRIu64 "\n", on->symbol, event->quantity,
           event->price * on->tick_size, event->id, event->maker_id);
  else if (event->type == OUTCRY_ACCEPTED)
    printf("  accepted  %s  order %" PRIu64 "\n", on->symbol, event->id);
  else if (event->type == OUTCRY_CANCELED)
    printf("  canceled  %s  order %" PRIu64 ", %u left\n", on->symbol, event->id, event->quantity);
}

static void print_side(outcry_engine *engine, const char *name, outcry_side side, double tick_size) {
  outcry_level levels[3];
  const uint32_t count = outcry_depth(engine, 0, side, levels, 3);
  for (uint32_t i = 0; i < count; i++)
    printf("  %s %10.2f  %6" PRIu64 "  %u orders\n", name, levels[i].price * tick_size, levels[i].quantity,
           levels[i].orders);
}

int main(void) {
  const outcry_instrument instruments[] = {
      {.symbol = "BTC-USDT", .tick_size = 0.01, .min_ticks = 1, .max_ticks = 100000000},
      {.symbol = "AAPL", .tick_size = 0.01, .min_ticks = 1, .max_ticks = 10000000},
  };
  const outcry_config config = {
      .instruments = instruments, .instrument_count = 2, .orders_max = 100000,
      .on_event = print_event, .context = (void *)instruments};
  outcry_engine *engine = outcry_create(&config);
  if (engine == NULL) {
    fprintf(stderr, "error: %s\n", outcry_error());
    return 1;
  }

  /* The sign of the price is the side: positive buys, negative sells. */
  outcry_use(engine);
  printf("buy 100 at 50000.00: %d\n", process_order("BTC-USDT", 50000.0, 100));
  printf("buy 50 at 49999.99: %d\n", process_order("BTC-USDT", 49999.99, 50));
  printf("sell 30 at 49999.99: %d\n", process_order("BTC-USDT", -49999.99, 30));
  printf("sell 10 at 50000.02, in ticks: %d\n", process_order_ticks("BTC-USDT", -5000002, 10));
  printf("buy 1 of what is not traded here: %d\n", process_order("DOGE", 1.0, 1));
  printf("buy 1 at a price between two ticks: %d\n", process_order("BTC-USDT", 50000.005, 1));
  printf("buy none: %d\n", process_order("BTC-USDT", 50000.0, 0));

  /* All that the core can: here an order that takes what there is at once and rests nothing. */
  const outcry_order taker = {
      .instrument = 0, .client = 7, .id = 1, .side = OUTCRY_SELL, .type = OUTCRY_MARKET, .tif = OUTCRY_IOC, .quantity = 90};
  printf("sell 90 at the market: %d\n", outcry_submit(engine, &taker));
  printf("cancel what is not there: %d\n", outcry_cancel(engine, 0, 7, 99));

  printf("book of BTC-USDT, %u orders\n", outcry_orders_live(engine));
  print_side(engine, "ask", OUTCRY_SELL, 0.01);
  print_side(engine, "bid", OUTCRY_BUY, 0.01);
  printf("state hash %016" PRIx64 "\n", outcry_state_hash(engine));
  outcry_destroy(engine);
  return 0;
}
