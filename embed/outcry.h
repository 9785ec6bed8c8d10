/*
 * Outcry's matching core for C and C++.
 *
 * The same core that the exchange runs (AssemblyScript → WebAssembly → C by wabt's wasm2c), so the same commands
 * give the same events, books and state hash, byte for byte. docs/EMBEDDING.md tells how to build it.
 *
 * Prices are whole ticks of their instrument, quantities whole lots. An engine belongs to one thread at a time;
 * engines share nothing. Nothing is allocated after outcry_create; a call costs what the core's own work costs.
 */
#ifndef OUTCRY_H
#define OUTCRY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Longest symbol, without its final zero. */
#define OUTCRY_SYMBOL_MAX 15
#define OUTCRY_INSTRUMENTS_MAX 4096
#define OUTCRY_OWNER_NONE 0xffffffffu

typedef enum { OUTCRY_BUY = 1, OUTCRY_SELL = -1 } outcry_side;

/* FIX OrdType. */
typedef enum { OUTCRY_MARKET = 1, OUTCRY_LIMIT = 2, OUTCRY_STOP = 3, OUTCRY_STOP_LIMIT = 4 } outcry_order_type;

/* FIX TimeInForce. */
typedef enum { OUTCRY_DAY = 0, OUTCRY_GTC = 1, OUTCRY_IOC = 3, OUTCRY_FOK = 4 } outcry_tif;

/* Self-trade prevention among orders of one owner; DEFAULT is the engine's. */
typedef enum {
  OUTCRY_STP_DEFAULT = 0, OUTCRY_STP_NONE = 1, OUTCRY_STP_CANCEL_NEWEST = 2, OUTCRY_STP_CANCEL_OLDEST = 3,
  OUTCRY_STP_CANCEL_BOTH = 4, OUTCRY_STP_DECREMENT = 5
} outcry_stp;

typedef enum { OUTCRY_OPEN = 0, OUTCRY_HALTED = 1, OUTCRY_CLOSED = 2 } outcry_state;

/* Why something was refused or cancelled. Functions return 0 or the negative of one. */
typedef enum {
  OUTCRY_OK = 0, OUTCRY_UNKNOWN_TICKER = 1, OUTCRY_BAD_SIDE = 2, OUTCRY_BAD_PRICE = 3, OUTCRY_BAD_QUANTITY = 4,
  OUTCRY_DUPLICATE_ID = 5, OUTCRY_UNKNOWN_ORDER = 6, OUTCRY_TOO_LATE = 7, OUTCRY_NOT_YOURS = 8,
  OUTCRY_BAD_STATE = 16, OUTCRY_POST_ONLY = 17, OUTCRY_CANNOT_FILL = 18, OUTCRY_SELF_TRADE = 19,
  OUTCRY_MALFORMED = 22, OUTCRY_CAPACITY = 23, OUTCRY_UNSUPPORTED = 24
} outcry_reason;

typedef enum {
  OUTCRY_ACCEPTED = 1, OUTCRY_TRADE = 2, OUTCRY_CANCELED = 3, OUTCRY_REPLACED = 4, OUTCRY_REDUCED = 5,
  OUTCRY_REJECTED = 6, OUTCRY_TRIGGERED = 7, OUTCRY_RESTED = 8, OUTCRY_DISPLAYED = 9, OUTCRY_STATE_CHANGED = 10
} outcry_event_type;

/* Bits of outcry_event.flags. END marks the last event of a command. */
enum {
  OUTCRY_EVENT_RESTS = 1, OUTCRY_EVENT_RESTING = 2, OUTCRY_EVENT_KEPT = 4, OUTCRY_EVENT_ICEBERG = 8, OUTCRY_EVENT_END = 16
};

/* What happened, 64 bytes; docs/MATCHING.md says which fields each type uses. */
typedef struct {
  uint8_t type;
  int8_t side;
  uint8_t flags;
  uint8_t reason;
  uint16_t instrument;
  uint8_t op;
  uint8_t order_type;
  int32_t price;
  uint32_t quantity;
  uint32_t client; /* a trade: the taker's */
  uint32_t maker_client;
  uint64_t id; /* the client's own; a trade: the taker's */
  uint64_t maker_id;
  uint64_t order_id; /* the engine's, rising, never used again */
  uint64_t maker_order_id;
  uint32_t leaves;
  uint32_t displayed;
} outcry_event;

/* Called for each event while a function below runs; must not call back into the engine. */
typedef void outcry_listener(void *context, const outcry_event *event);

typedef struct {
  const char *symbol; /* 1 … OUTCRY_SYMBOL_MAX printable characters, each once */
  double tick_size;   /* above 0; only the functions that take a price as a double look at it */
  int32_t min_ticks;  /* lowest price allowed */
  int32_t max_ticks;  /* highest */
} outcry_instrument;

typedef struct {
  const outcry_instrument *instruments;
  uint32_t instrument_count;
  uint32_t orders_max; /* that may live at once over all instruments; 64 bytes each */
  uint32_t levels_max; /* price levels with orders at once; 0: orders_max, at most 65,536 */
  uint32_t blocks_max; /* groups of 4,096 ticks of a side with orders at once; 0: by levels_max */
  outcry_stp stp;      /* of orders that say DEFAULT; 0: none */
  uint32_t triggers_max;   /* stops that one command may trigger; 0: 1,024 */
  int ack_replace_last;    /* `replaced` comes after the trades of a replace instead of before */
  outcry_listener *on_event; /* NULL: nobody listens */
  void *context;             /* handed to on_event */
} outcry_config;

typedef struct {
  uint16_t instrument; /* index in the configuration */
  uint32_t client;
  uint64_t id; /* the client's own; no live order of the client may have it */
  outcry_side side;
  outcry_order_type type; /* 0: limit */
  outcry_tif tif;         /* 0 is DAY */
  int32_t price;          /* ticks */
  uint32_t quantity;
  int post_only;
  outcry_stp stp;
  uint32_t display;      /* shown quantity of an iceberg; 0: all */
  uint32_t min_quantity; /* 0: none */
  int32_t stop_price;    /* of stops */
  uint32_t owner;        /* group for self-trade prevention; 0: none */
} outcry_order;

typedef struct {
  int32_t price;
  uint32_t orders;
  uint64_t quantity;
} outcry_level;

/* A command as the core reads it, 32 bytes; type: 1 new, 2 cancel, 3 replace, 4 reduce,
   5 mass cancel, 6 state. */
typedef struct {
  uint8_t type;
  int8_t side;
  uint8_t order_type; /* type 6: the new outcry_state */
  uint8_t tif;
  uint8_t flags; /* 1 post only, 2 an outcry_extension follows in the next 32 bytes */
  uint8_t stp;
  uint16_t instrument;
  uint32_t client;
  int32_t price;
  uint64_t id;
  uint32_t quantity;
  uint32_t reason;
} outcry_command;

typedef struct {
  uint32_t display;
  uint32_t min_quantity;
  int32_t stop_price;
  uint32_t owner;
  uint32_t unused[4];
} outcry_extension;

typedef struct outcry_engine outcry_engine;

/* NULL when the configuration is bad or memory is short: outcry_error says what was expected. */
outcry_engine *outcry_create(const outcry_config *config);
void outcry_destroy(outcry_engine *engine);
/* Of this thread's last outcry_create that returned NULL. */
const char *outcry_error(void);

/* 0 when the order was accepted, whatever became of it then; else the negative reason. */
int32_t outcry_submit(outcry_engine *engine, const outcry_order *order);
int32_t outcry_cancel(outcry_engine *engine, uint16_t instrument, uint32_t client, uint64_t id);
/* A new price or a larger quantity loses the order's place. `quantity` is what is to stay open. */
int32_t outcry_replace(outcry_engine *engine, uint16_t instrument, uint32_t client, uint64_t id, int32_t price, uint32_t quantity);
int32_t outcry_reduce(outcry_engine *engine, uint16_t instrument, uint32_t client, uint64_t id, uint32_t by);
int32_t outcry_set_state(outcry_engine *engine, uint16_t instrument, outcry_state state);

/*
 * Many commands in one call, for speed: outcry_command after outcry_command, each extended one followed by its
 * outcry_extension; `slots` counts both. What became of each, on_event tells. Returns 0, or −OUTCRY_MALFORMED when the
 * last extension is missing; then nothing was executed.
 */
int32_t outcry_process(outcry_engine *engine, const void *commands, size_t slots);

/* The best `count` levels of a side, best first; returns how many there were. */
uint32_t outcry_depth(outcry_engine *engine, uint16_t instrument, outcry_side side, outcry_level *levels, uint32_t count);
uint32_t outcry_orders_live(outcry_engine *engine);
/* Of everything that decides future behaviour; equal to MatchingEngine.stateHash() in TypeScript. */
uint64_t outcry_state_hash(outcry_engine *engine);
uint64_t outcry_public_hash(outcry_engine *engine);
/* Index of a symbol, or −OUTCRY_UNKNOWN_TICKER. */
int32_t outcry_instrument_index(const outcry_engine *engine, const char *symbol);

/*
 * The interface in one line. Limit orders, good till cancelled, to the engine of this thread that outcry_use
 * named, as client 1 with ids that count up from 1.
 *
 * There is no side among the parameters, so the price's sign is it: a positive price buys, a negative one sells at
 * its absolute value. Books with prices at or below zero need outcry_submit. A price that is not a tick of the
 * instrument (within a millionth of one) is refused, never rounded.
 */
void outcry_use(outcry_engine *engine);
int32_t process_order(const char *symbol, double price, uint64_t quantity);
/* The same with the price in ticks. */
int32_t process_order_ticks(const char *symbol, int64_t price_ticks, uint64_t quantity);

#ifdef __cplusplus
}
#endif

#endif
