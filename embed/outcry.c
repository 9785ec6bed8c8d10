/*
 * outcry.h over the core as wasm2c has written it.
 *
 *   outcry_engine ── memory (8 GiB reserved, what the engine needs made accessible) ── the core's own layout
 *        │                commands → processCommands → event ring ─► on_event, after each call or when it is full
 *
 * Bounds: an address of the core has 32 bits and an offset of 32, so all that it can name lies within the
 * reservation. What lies beyond the engine's bytes is inaccessible: a mistake in the core ends the process there and
 * never touches the program's own memory. No signal handler is installed and no check is paid for.
 */
#define _GNU_SOURCE
#include "outcry.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core.h"

_Static_assert(sizeof(outcry_event) == 64, "an event is one cache line");
_Static_assert(sizeof(outcry_command) == 32 && sizeof(outcry_extension) == 32, "a command slot has 32 bytes");

#define RESERVED_BYTES (8ull << 30)
#define PAGE_BYTES 65536u
#define MEMORY_MAX_BYTES 4294967296.0
#define ORDERS_MAX 50000000u
#define LEVELS_DEFAULT_MAX 65536u
#define BLOCKS_DEFAULT_MAX 4096u
#define BLOCKS_MAX 200000u
#define COMMAND_SLOTS 8192u
#define EVENT_SLOTS 16384u
#define TRIGGERS_DEFAULT 1024u
#define ROWS_AT_ONCE 1024u
#define ROWS_OFFSET 64u
#define LADDER_BIDS 0u
#define LADDER_ASKS 1u
#define FLAG_POST_ONLY 1u
#define FLAG_EXTENDED 2u
#define TICK_TOLERANCE 1e-6
/* The client of process_order. */
#define SIMPLE_CLIENT 1u

enum { CMD_NEW = 1, CMD_CANCEL = 2, CMD_REPLACE = 3, CMD_REDUCE = 4, CMD_MASS_CANCEL = 5, CMD_STATE = 6 };

/* What the core imports as "env". */
struct Z_env_instance_t {
  wasm_rt_memory_t memory;
  outcry_engine *engine;
};

typedef struct {
  char symbol[OUTCRY_SYMBOL_MAX + 1];
  double tick_size;
} instrument;

struct outcry_engine {
  Z_core_instance_t core;
  struct Z_env_instance_t env;
  outcry_listener *on_event;
  void *context;
  uint32_t commands;      /* address of the command slots */
  uint32_t events;        /* address of the event ring */
  uint32_t results;       /* address of what a query answers */
  uint32_t delivered;     /* events given to the listener, modulo 2^32 */
  uint8_t last_reason;    /* of the last reject, 0: none since the call began */
  uint64_t next_id;       /* of process_order */
  uint32_t instrument_count;
  instrument instruments[];
};

static _Thread_local char error_text[256];
static _Thread_local outcry_engine *engine_in_use;

/* ── the core's runtime ─────────────────────────────────────────────────────────────────────────────────────── */

/* There are no indirect calls and no tables in the core, so there is nothing to prepare. */
bool wasm_rt_is_initialized(void) { return true; }
uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results, ...) {
  (void)params;
  (void)results;
  return 1;
}

/* A trap is a broken invariant of the core: to go on would be to trade on a wrong book. */
void wasm_rt_trap(wasm_rt_trap_t trap) {
  fprintf(stderr, "outcry: the core stopped at a broken invariant (trap %d)\n", (int)trap);
  abort();
}

wasm_rt_memory_t *Z_envZ_memory(struct Z_env_instance_t *env) { return &env->memory; }

static void deliver(outcry_engine *engine) {
  const uint32_t written = Z_coreZ_eventsWritten(&engine->core);
  const outcry_event *ring = (const outcry_event *)(engine->env.memory.data + engine->events);
  for (uint32_t n = engine->delivered; n != written; n++) {
    const outcry_event *event = &ring[n & (EVENT_SLOTS - 1)];
    if (event->type == OUTCRY_REJECTED) engine->last_reason = event->reason;
    if (engine->on_event != NULL) engine->on_event(engine->context, event);
  }
  engine->delivered = written;
  Z_coreZ_setEventsCredit(&engine->core, written + EVENT_SLOTS);
}

/* Fewer than `needed` slots of the ring are free. All of it is delivered, so there is always enough. */
void Z_envZ_makeRoom(struct Z_env_instance_t *env, u32 needed) {
  (void)needed;
  deliver(env->engine);
}

/* ── making an engine ───────────────────────────────────────────────────────────────────────────────────────── */

static bool fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error_text, sizeof error_text, format, arguments);
  va_end(arguments);
  return false;
}

static bool check_instrument(const outcry_config *config, uint32_t index) {
  const outcry_instrument *given = &config->instruments[index];
  const size_t length = given->symbol == NULL ? 0 : strnlen(given->symbol, OUTCRY_SYMBOL_MAX + 1);
  if (length < 1 || length > OUTCRY_SYMBOL_MAX)
    return fail("instruments[%u].symbol: expected 1 … %d characters, was %s", index, OUTCRY_SYMBOL_MAX,
                given->symbol == NULL ? "NULL" : given->symbol);
  for (size_t i = 0; i < length; i++)
    if (given->symbol[i] <= ' ' || given->symbol[i] > '~')
      return fail("instruments[%u].symbol: expected printable characters, character %zu was %d", index, i,
                  (unsigned char)given->symbol[i]);
  for (uint32_t i = 0; i < index; i++)
    if (strcmp(config->instruments[i].symbol, given->symbol) == 0)
      return fail("instruments[%u].symbol: expected each symbol once, %s is also instruments[%u]", index,
                  given->symbol, i);
  if (!(given->tick_size > 0) || !isfinite(given->tick_size))
    return fail("instruments[%u].tick_size: expected a number above 0, was %g", index, given->tick_size);
  if (given->min_ticks > given->max_ticks)
    return fail("instruments[%u].max_ticks: expected at least min_ticks %d, was %d", index, given->min_ticks,
                given->max_ticks);
  return true;
}

static bool check(const outcry_config *config) {
  if (config == NULL) return fail("config: expected a configuration, was NULL");
  if (config->instruments == NULL || config->instrument_count < 1 || config->instrument_count > OUTCRY_INSTRUMENTS_MAX)
    return fail("instrument_count: expected 1 … %d, was %u", OUTCRY_INSTRUMENTS_MAX,
                config->instruments == NULL ? 0 : config->instrument_count);
  if (config->orders_max < 1 || config->orders_max > ORDERS_MAX)
    return fail("orders_max: expected 1 … %u, was %u", ORDERS_MAX, config->orders_max);
  if (config->levels_max > config->orders_max)
    return fail("levels_max: expected at most orders_max %u, was %u", config->orders_max, config->levels_max);
  if (config->blocks_max > BLOCKS_MAX)
    return fail("blocks_max: expected at most %u, was %u", BLOCKS_MAX, config->blocks_max);
  if ((unsigned)config->stp > OUTCRY_STP_DECREMENT)
    return fail("stp: expected 0 … %d, was %d", OUTCRY_STP_DECREMENT, (int)config->stp);
  for (uint32_t i = 0; i < config->instrument_count; i++)
    if (!check_instrument(config, i)) return false;
  return true;
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Lays the engine out in its memory; the bytes that it takes, 0 when they are more than 4 GiB. */
static double lay_out(outcry_engine *engine, const outcry_config *config) {
  const uint32_t orders = config->orders_max;
  const uint32_t levels = config->levels_max ? config->levels_max : least(orders, LEVELS_DEFAULT_MAX);
  const uint32_t blocks =
      config->blocks_max ? config->blocks_max : least(levels, BLOCKS_DEFAULT_MAX) + 4 * config->instrument_count;
  const uint32_t stp = config->stp == OUTCRY_STP_DEFAULT ? OUTCRY_STP_NONE : config->stp;
  return Z_coreZ_layoutEngine(&engine->core, config->instrument_count, orders, orders, levels, blocks, COMMAND_SLOTS,
                              EVENT_SLOTS, 0, stp, config->ack_replace_last != 0,
                              config->triggers_max ? config->triggers_max : TRIGGERS_DEFAULT);
}

static bool make_accessible(outcry_engine *engine, double bytes) {
  wasm_rt_memory_t *memory = &engine->env.memory;
  const uint64_t whole = ((uint64_t)bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
  if (mprotect(memory->data, whole, PROT_READ | PROT_WRITE) != 0)
    return fail("memory: %.0f bytes were not to be had", bytes);
  memory->pages = memory->max_pages = (uint32_t)(whole / PAGE_BYTES);
  memory->size = (uint32_t)(whole < 0xffffffffull ? whole : 0xffffffffull);
  return true;
}

static bool start(outcry_engine *engine, const outcry_config *config) {
  /* Room for the core's header, in which it writes its layout: only then is it known how much it needs. */
  if (!make_accessible(engine, 18.0 * PAGE_BYTES)) return false;
  Z_core_init_module();
  Z_core_instantiate(&engine->core, &engine->env);
  const double bytes = lay_out(engine, config);
  if (bytes <= 0 || bytes > MEMORY_MAX_BYTES) return fail("config: expected an engine below 4 GiB; fewer orders, levels or blocks");
  if (!make_accessible(engine, bytes)) return false;
  lay_out(engine, config);
  Z_coreZ_initEngine(&engine->core);
  for (uint32_t i = 0; i < config->instrument_count; i++) {
    const outcry_instrument *given = &config->instruments[i];
    Z_coreZ_setRange(&engine->core, i, (u32)given->min_ticks, (u32)given->max_ticks);
    memcpy(engine->instruments[i].symbol, given->symbol, strlen(given->symbol));
    engine->instruments[i].tick_size = given->tick_size;
  }
  engine->commands = Z_coreZ_commandsAddress(&engine->core);
  engine->events = Z_coreZ_eventsAddress(&engine->core);
  engine->results = Z_coreZ_resultsAddress(&engine->core);
  return true;
}

outcry_engine *outcry_create(const outcry_config *config) {
  error_text[0] = '\0';
  if (!check(config)) return NULL;
  outcry_engine *engine = calloc(1, sizeof *engine + config->instrument_count * sizeof(instrument));
  if (engine == NULL) {
    fail("memory: an engine's own %zu bytes were not to be had", sizeof *engine);
    return NULL;
  }
  engine->on_event = config->on_event;
  engine->context = config->context;
  engine->instrument_count = config->instrument_count;
  engine->next_id = 1;
  engine->env.engine = engine;
  engine->env.memory.data = mmap(NULL, RESERVED_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (engine->env.memory.data == MAP_FAILED) {
    free(engine);
    fail("memory: 8 GiB of address space were not to be had");
    return NULL;
  }
  if (start(engine, config)) return engine;
  outcry_destroy(engine);
  return NULL;
}

void outcry_destroy(outcry_engine *engine) {
  if (engine == NULL) return;
  if (engine_in_use == engine) engine_in_use = NULL;
  munmap(engine->env.memory.data, RESERVED_BYTES);
  free(engine);
}

const char *outcry_error(void) { return error_text; }

/* ── commands ───────────────────────────────────────────────────────────────────────────────────────────────── */

static outcry_command *slot(outcry_engine *engine) {
  return (outcry_command *)(engine->env.memory.data + engine->commands);
}

/* Executes what stands in the first slots; 0 or the negative reason of its reject. */
static int32_t execute(outcry_engine *engine, uint32_t slots) {
  engine->last_reason = OUTCRY_OK;
  Z_coreZ_processCommands(&engine->core, engine->commands, slots);
  deliver(engine);
  return -(int32_t)engine->last_reason;
}

int32_t outcry_submit(outcry_engine *engine, const outcry_order *order) {
  const int extended =
      order->display != 0 || order->min_quantity != 0 || order->owner != 0 || order->type == OUTCRY_STOP || order->type == OUTCRY_STOP_LIMIT;
  outcry_command *command = slot(engine);
  *command = (outcry_command){
      .type = CMD_NEW, .side = (int8_t)order->side, .order_type = order->type == 0 ? OUTCRY_LIMIT : (uint8_t)order->type,
      .tif = (uint8_t)order->tif, .flags = (uint8_t)((order->post_only ? FLAG_POST_ONLY : 0) | (extended ? FLAG_EXTENDED : 0)),
      .stp = (uint8_t)order->stp, .instrument = order->instrument, .client = order->client, .price = order->price,
      .id = order->id, .quantity = order->quantity};
  if (extended)
    *(outcry_extension *)(command + 1) = (outcry_extension){
        .display = order->display, .min_quantity = order->min_quantity, .stop_price = order->stop_price,
        .owner = order->owner == 0 ? OUTCRY_OWNER_NONE : order->owner};
  return execute(engine, extended ? 2 : 1);
}

int32_t outcry_cancel(outcry_engine *engine, uint16_t instrument, uint32_t client, uint64_t id) {
  *slot(engine) = (outcry_command){.type = CMD_CANCEL, .instrument = instrument, .client = client, .id = id};
  return execute(engine, 1);
}

int32_t outcry_replace(
    outcry_engine *engine, uint16_t instrument, uint32_t client, uint64_t id, int32_t price, uint32_t quantity) {
  *slot(engine) = (outcry_command){
      .type = CMD_REPLACE, .instrument = instrument, .client = client, .price = price, .id = id, .quantity = quantity};
  return execute(engine, 1);
}

int32_t outcry_reduce(outcry_engine *engine, uint16_t instrument, uint32_t client, uint64_t id, uint32_t by) {
  *slot(engine) =
      (outcry_command){.type = CMD_REDUCE, .instrument = instrument, .client = client, .id = id, .quantity = by};
  return execute(engine, 1);
}

int32_t outcry_set_state(outcry_engine *engine, uint16_t instrument, outcry_state state) {
  *slot(engine) = (outcry_command){.type = CMD_STATE, .order_type = (uint8_t)state, .instrument = instrument};
  return execute(engine, 1);
}

int32_t outcry_process(outcry_engine *engine, const void *commands, size_t slots) {
  const outcry_command *given = commands;
  size_t at = 0;
  while (at < slots) at += given[at].type == CMD_NEW && (given[at].flags & FLAG_EXTENDED) ? 2 : 1;
  if (at != slots) return -OUTCRY_MALFORMED;
  for (at = 0; at < slots;) {
    /* As many as the slots hold, but never half a command. */
    size_t end = at;
    while (end < slots) {
      const size_t next = end + (given[end].type == CMD_NEW && (given[end].flags & FLAG_EXTENDED) ? 2 : 1);
      if (next - at > COMMAND_SLOTS) break;
      end = next;
    }
    memcpy(slot(engine), given + at, (end - at) * sizeof *given);
    execute(engine, (uint32_t)(end - at));
    at = end;
  }
  return OUTCRY_OK;
}

/* ── questions ──────────────────────────────────────────────────────────────────────────────────────────────── */

uint32_t outcry_depth(outcry_engine *engine, uint16_t instrument, outcry_side side, outcry_level *levels, uint32_t count) {
  if (instrument >= engine->instrument_count) return 0;
  const uint32_t ladder = side == OUTCRY_BUY ? LADDER_BIDS : LADDER_ASKS;
  const uint8_t *results = engine->env.memory.data + engine->results;
  uint32_t found = 0;
  for (uint32_t after = 0; found < count;) {
    const uint32_t n = Z_coreZ_depth(&engine->core, instrument, ladder, after, least(ROWS_AT_ONCE, count - found));
    memcpy(levels + found, results + ROWS_OFFSET, n * sizeof *levels);
    found += n;
    memcpy(&after, results, sizeof after);
    if (n < ROWS_AT_ONCE || after == 0) break;
  }
  return found;
}

uint32_t outcry_orders_live(outcry_engine *engine) { return Z_coreZ_ordersLive(&engine->core); }
uint64_t outcry_state_hash(outcry_engine *engine) { return Z_coreZ_stateHash(&engine->core); }
uint64_t outcry_public_hash(outcry_engine *engine) { return Z_coreZ_publicHash(&engine->core); }

int32_t outcry_instrument_index(const outcry_engine *engine, const char *symbol) {
  if (symbol != NULL)
    for (uint32_t i = 0; i < engine->instrument_count; i++)
      if (strcmp(engine->instruments[i].symbol, symbol) == 0) return (int32_t)i;
  return -OUTCRY_UNKNOWN_TICKER;
}

/* ── in one line ────────────────────────────────────────────────────────────────────────────────────────────── */

void outcry_use(outcry_engine *engine) { engine_in_use = engine; }

static int32_t simple_order(int32_t index, int64_t signed_ticks, uint64_t quantity) {
  if (signed_ticks == 0 || signed_ticks > INT32_MAX || signed_ticks < -(int64_t)INT32_MAX) return -OUTCRY_BAD_PRICE;
  if (quantity == 0 || quantity >= UINT32_MAX) return -OUTCRY_BAD_QUANTITY;
  outcry_engine *engine = engine_in_use;
  const outcry_order order = {
      .instrument = (uint16_t)index, .client = SIMPLE_CLIENT, .id = engine->next_id++,
      .side = signed_ticks > 0 ? OUTCRY_BUY : OUTCRY_SELL, .tif = OUTCRY_GTC,
      .price = (int32_t)(signed_ticks > 0 ? signed_ticks : -signed_ticks), .quantity = (uint32_t)quantity};
  return outcry_submit(engine, &order);
}

int32_t process_order_ticks(const char *symbol, int64_t price_ticks, uint64_t quantity) {
  const int32_t index = engine_in_use == NULL ? -OUTCRY_UNKNOWN_TICKER : outcry_instrument_index(engine_in_use, symbol);
  return index < 0 ? index : simple_order(index, price_ticks, quantity);
}

int32_t process_order(const char *symbol, double price, uint64_t quantity) {
  const int32_t index = engine_in_use == NULL ? -OUTCRY_UNKNOWN_TICKER : outcry_instrument_index(engine_in_use, symbol);
  if (index < 0) return index;
  const double ticks = price / engine_in_use->instruments[index].tick_size;
  const double whole = nearbyint(ticks);
  if (!isfinite(ticks) || fabs(whole) > INT32_MAX || fabs(ticks - whole) > TICK_TOLERANCE) return -OUTCRY_BAD_PRICE;
  return simple_order(index, (int64_t)whole, quantity);
}
