// The feature engine in C: same records, same formulas, same order of every operation, so that with
// contraction of floating-point expressions switched off its results are the same bits.
//
// A step is six 32-bit words: book, then for a top 0, bid, bid qty, ask, ask qty (0 = empty side), for a
// trade the aggressor's side, price, quantity, 0, 0. Built as a library and called once a repetition.
#include <stdint.h>

enum { WORDS = 6 };
enum {
  BID, BID_QTY, ASK, ASK_QTY, SPREAD, FAIR, IMBALANCE, SIGNAL, MID2, MICRO, TRADE_RATIO, TOUCH_RATIO,
  SIGNED_VOLUME, VOLUME, RECORD = 16
};
static const double NONE = -2147483648.0;

static void forget_top(double *r) {
  r[SPREAD] = 0;
  r[FAIR] = NONE;
  r[IMBALANCE] = 0;
  r[SIGNAL] = 0;
  r[MID2] = 2 * NONE;
  r[MICRO] = NONE;
}

static void on_top(double *r, double bid, double bid_qty, double ask, double ask_qty) {
  const int is_bid = bid_qty > 0, is_ask = ask_qty > 0;
  r[BID] = is_bid ? bid : NONE;
  r[BID_QTY] = is_bid ? bid_qty : 0;
  r[ASK] = is_ask ? ask : NONE;
  r[ASK_QTY] = is_ask ? ask_qty : 0;
  if (!(is_bid && is_ask && ask > bid)) {
    forget_top(r);
    return;
  }
  const double mid = (bid + ask) / 2, spread = ask - bid, before = r[FAIR];
  const double fair = before == NONE ? mid : before + 0.1 * (mid - before);
  const double bid_share = bid_qty / (bid_qty + ask_qty);
  const double imbalance = (bid_qty - ask_qty) / (bid_qty + ask_qty);
  const double raw = 0.7 * (fair - mid) / spread + 0.3 * imbalance;
  r[SPREAD] = spread;
  r[FAIR] = fair;
  r[IMBALANCE] = imbalance;
  r[SIGNAL] = raw > 1 ? 1 : raw < -1 ? -1 : raw;
  r[MID2] = bid + ask;
  r[MICRO] = bid + spread * bid_share;
}

static void on_trade(double *r, double side, double qty) {
  const double volume_signed = 0.9 * r[SIGNED_VOLUME] + side * qty;
  const double volume = 0.9 * r[VOLUME] + qty;
  r[SIGNED_VOLUME] = volume_signed;
  r[VOLUME] = volume;
  r[TRADE_RATIO] = volume_signed / volume;
  const double hit = r[side > 0 ? ASK_QTY : BID_QTY];
  r[TOUCH_RATIO] = hit > 0 ? qty / hit : 0;
}

/** Runs `steps` from empty records; the sum of the signals after each step. */
double features_run(const int32_t *words, uint32_t steps, double *records, uint32_t instruments) {
  for (uint32_t book = 0; book < instruments; book++) {
    double *r = records + book * RECORD;
    for (int field = 0; field < RECORD; field++) r[field] = 0;
    r[BID] = r[ASK] = NONE;
    forget_top(r);
  }
  double sum = 0;
  for (uint32_t i = 0; i < steps; i++) {
    const int32_t *w = words + i * WORDS;
    double *r = records + w[0] * RECORD;
    if (w[1] == 0) on_top(r, w[2], w[3], w[4], w[5]);
    else on_trade(r, w[1], w[3]);
    sum += r[SIGNAL];
  }
  return sum;
}
