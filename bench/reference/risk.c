// The question of the risk gate in C: the same layers in the same order over a record of doubles for each
// book, as in src/trader/risk.ts. State stands still; the orders are asked about one after the other.
//
// An order is four 32-bit words: book, side, price, quantity.
#include <math.h>
#include <stdint.h>

enum { WORDS = 4, RECORD = 32 };
enum {
  MIN_TICKS, MAX_TICKS, LOT, STATE_REASON, LOSS_REASON, MAX_ORDER_QTY, MAX_NOTIONAL, WORST_LONG, WORST_SHORT,
  MAX_POSITION, EXPOSURE, GROSS2, OPEN_ORDERS, MAX_OPEN_ORDERS, COLLAR_LOW, COLLAR_HIGH, REFERENCE2, VALUE2,
  MONEY_PER_TICK
};
enum { TOTAL_EXPOSURE, TOTAL_GROSS2, MAX_TOTAL, MAX_PORTFOLIO2, STOP_LOSS2, STOP_LOSS_HIT, TOTALS_KNOWN, OLDEST_NS };
enum {
  NONE = 0, UNKNOWN_TICKER = 1, SIDE = 2, PRICE = 3, QUANTITY = 4, ORDER_TOO_LARGE = 9, NOTIONAL = 10, COLLAR = 11,
  POSITION = 12, LOSS = 13, OPEN_ORDERS_TOO_MANY = 14, RATE = 15, STALE = 25
};
static const double LIMIT_NONE = 9007199254740991.0, MID2_NONE = -4294967296.0, WINDOW_NS = 1e9;

static int portfolio(const double *b, const double *t, double price, double exposure) {
  if (t[MAX_PORTFOLIO2] != LIMIT_NONE) {
    double price2 = b[VALUE2];
    if (b[REFERENCE2] == MID2_NONE) price2 = fmax(price2, 2 * fabs(price));
    if (t[TOTAL_GROSS2] - b[GROSS2] + exposure * price2 * b[MONEY_PER_TICK] > t[MAX_PORTFOLIO2]) return NOTIONAL;
  }
  if (t[STOP_LOSS2] == LIMIT_NONE) return NONE;
  if (t[STOP_LOSS_HIT] != 0) return LOSS;
  return t[TOTALS_KNOWN] != 0 ? NONE : STALE;
}

static int check(const double *books, uint32_t count, const double *t, int32_t book, int32_t side, int32_t price,
                 int32_t qty, double now_ns) {
  if ((uint32_t)book >= count) return UNKNOWN_TICKER;
  const double *b = books + book * RECORD;
  if (side != 1 && side != -1) return SIDE;
  if (price < b[MIN_TICKS] || price > b[MAX_TICKS]) return PRICE;
  if (qty <= 0) return QUANTITY;
  if (b[LOT] != 1 && fmod(qty, b[LOT]) != 0) return QUANTITY;
  if (b[STATE_REASON] != NONE) return (int)b[STATE_REASON];
  if (qty > b[MAX_ORDER_QTY]) return ORDER_TOO_LARGE;
  if (fabs((double)price) * qty > b[MAX_NOTIONAL]) return NOTIONAL;
  const double worst = b[side > 0 ? WORST_LONG : WORST_SHORT] + qty;
  const int reduces = worst <= 0;
  const double exposure = fmax(worst, b[EXPOSURE]);
  if (!reduces) {
    if (worst > b[MAX_POSITION]) return POSITION;
    if (t[TOTAL_EXPOSURE] - b[EXPOSURE] + exposure > t[MAX_TOTAL]) return POSITION;
    if (b[LOSS_REASON] != NONE) return (int)b[LOSS_REASON];
    if (b[OPEN_ORDERS] + 1 > b[MAX_OPEN_ORDERS]) return OPEN_ORDERS_TOO_MANY;
  }
  if (!(now_ns - t[OLDEST_NS] >= WINDOW_NS)) return RATE;
  if (price < b[COLLAR_LOW] || price > b[COLLAR_HIGH]) return b[REFERENCE2] == MID2_NONE ? STALE : COLLAR;
  return reduces ? NONE : portfolio(b, t, price, exposure);
}

/** Asks about all orders; the answers weighted 1 … 8 in turn, summed. */
double risk_run(const int32_t *words, uint32_t orders, const double *books, uint32_t count, const double *totals,
                double now_ns) {
  double sum = 0;
  for (uint32_t i = 0; i < orders; i++) {
    const int32_t *w = words + i * WORDS;
    sum += check(books, count, totals, w[0], w[1], w[2], w[3], now_ns) * (double)((i & 7) + 1);
  }
  return sum;
}
