/*
 * replay COMMANDS EVENTS: runs a file of commands through the embedded core and writes every event, 64 bytes each.
 *
 * The file: instrument count, orders_max, levels_max, stp, ack_replace_last, triggers_max, slots (u32 each); for each
 * instrument its lowest and highest ticks (i32); the slots, 32 bytes each. Prints what was left of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "outcry.h"

enum { INSTRUMENTS, ORDERS_MAX, LEVELS_MAX, STP, ACK_REPLACE_LAST, TRIGGERS_MAX, SLOTS, HEADER_WORDS };

static uint64_t events;

static void write_event(void *file, const outcry_event *event) {
  events++;
  if (fwrite(event, sizeof *event, 1, file) != 1) exit(3);
}

static void *read_exactly(FILE *file, size_t bytes) {
  void *memory = malloc(bytes ? bytes : 1);
  if (memory == NULL || fread(memory, 1, bytes, file) != bytes) exit(4);
  return memory;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  FILE *in = fopen(argv[1], "rb");
  FILE *out = fopen(argv[2], "wb");
  if (in == NULL || out == NULL) return 2;
  const uint32_t *header = read_exactly(in, HEADER_WORDS * sizeof *header);
  const uint32_t count = header[INSTRUMENTS];
  const int32_t *ranges = read_exactly(in, count * 2 * sizeof *ranges);
  outcry_instrument *instruments = calloc(count, sizeof *instruments);
  char symbols[16][OUTCRY_SYMBOL_MAX + 1];
  if (instruments == NULL || count > 16) return 2;
  for (uint32_t i = 0; i < count; i++) {
    snprintf(symbols[i], sizeof symbols[i], "S%u", i);
    instruments[i] = (outcry_instrument){
        .symbol = symbols[i], .tick_size = 1, .min_ticks = ranges[2 * i], .max_ticks = ranges[2 * i + 1]};
  }
  const outcry_config config = {
      .instruments = instruments, .instrument_count = count, .orders_max = header[ORDERS_MAX],
      .levels_max = header[LEVELS_MAX], .stp = (outcry_stp)header[STP],
      .ack_replace_last = (int)header[ACK_REPLACE_LAST], .triggers_max = header[TRIGGERS_MAX],
      .on_event = write_event, .context = out};
  outcry_engine *engine = outcry_create(&config);
  if (engine == NULL) {
    fprintf(stderr, "%s\n", outcry_error());
    return 1;
  }
  const void *commands = read_exactly(in, (size_t)header[SLOTS] * sizeof(outcry_command));
  const int32_t result = outcry_process(engine, commands, header[SLOTS]);
  if (fclose(out) != 0) return 3;
  printf("result %d events %" PRIu64 " live %u state %016" PRIx64 " public %016" PRIx64 "\n", result, events,
         outcry_orders_live(engine), outcry_state_hash(engine), outcry_public_hash(engine));
  outcry_destroy(engine);
  return 0;
}
