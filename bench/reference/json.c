// Market data messages as JSON, read as a C programmer would by hand: one pass, fields in any order, strtol and strtod's
// work done digit by digit. What it does not know (escapes, exponents, other fields) it refuses; nothing of that is in
// what it is given.
#include <stdint.h>
#include <string.h>

struct message {
  const char *symbol;
  uint32_t symbol_length;
  int64_t mantissa;
  int32_t decimals;
  uint64_t volume;
  uint64_t timestamp;
};

static const char *after_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\r')) at++;
  return at;
}

static const char *whole(const char *at, const char *end, uint64_t *value) {
  uint64_t sum = 0;
  const char *first = at;
  while (at < end && *at >= '0' && *at <= '9') sum = sum * 10 + (uint64_t)(*at++ - '0');
  *value = sum;
  return at == first ? 0 : at;
}

static const char *decimal(const char *at, const char *end, struct message *into) {
  int negative = at < end && *at == '-';
  uint64_t sum;
  at = whole(at + negative, end, &sum);
  if (!at) return 0;
  into->decimals = 0;
  if (at < end && *at == '.') {
    const char *point = at++;
    while (at < end && *at >= '0' && *at <= '9') sum = sum * 10 + (uint64_t)(*at++ - '0');
    into->decimals = (int32_t)(at - point - 1);
    if (into->decimals == 0) return 0;
  }
  into->mantissa = negative ? -(int64_t)sum : (int64_t)sum;
  return at;
}

static const char *value(const char *at, const char *end, int field, struct message *into) {
  const char *to;
  switch (field) {
    case 0:
      if (*at != '"') return 0;
      to = memchr(at + 1, '"', (size_t)(end - at - 1));
      if (!to || memchr(at + 1, '\\', (size_t)(to - at - 1))) return 0;
      into->symbol = at + 1;
      into->symbol_length = (uint32_t)(to - at - 1);
      return to + 1;
    case 1:
      if (*at != '"') return decimal(at, end, into);
      to = decimal(at + 1, end, into);
      return to && to < end && *to == '"' ? to + 1 : 0;
    case 2: return whole(at, end, &into->volume);
    default: return whole(at, end, &into->timestamp);
  }
}

static int read_message(const char *at, const char *end, struct message *into) {
  static const char *const names[] = { "symbol\"", "price\"", "volume\"", "timestamp\"" };
  static const uint32_t lengths[] = { 7, 6, 7, 10 };
  int seen = 0;
  at = after_space(at, end);
  if (at == end || *at != '{') return 0;
  do {
    int field = 0;
    at = after_space(at + 1, end);
    if (end - at < 12 || *at++ != '"') return 0;
    while (field < 4 && memcmp(at, names[field], lengths[field]) != 0) field++;
    if (field == 4) return 0;
    seen |= 1 << field;
    at = after_space(at + lengths[field], end);
    if (at == end || *at != ':') return 0;
    at = after_space(at + 1, end);
    if (at == end || !(at = value(at, end, field, into))) return 0;
    at = after_space(at, end);
  } while (at < end && *at == ',');
  return at < end && *at == '}' && seen == 15 && after_space(at + 1, end) == end;
}

// Reads every line of `bytes`; the number of messages, or -1 at the first that is none. `sums` gets what was read, wrapped
// to 64 bits: mantissas, decimals, volumes, timestamps, symbols' bytes.
int64_t json_run(const char *bytes, uint64_t length, uint64_t *sums) {
  const char *at = bytes;
  const char *end = bytes + length;
  int64_t count = 0;
  memset(sums, 0, 5 * sizeof *sums);
  while (at < end) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    struct message message;
    if (!newline || !read_message(at, newline, &message)) return -1;
    sums[0] += (uint64_t)message.mantissa;
    sums[1] += (uint64_t)message.decimals;
    sums[2] += message.volume;
    sums[3] += message.timestamp;
    for (uint32_t i = 0; i < message.symbol_length; i++) sums[4] += (unsigned char)message.symbol[i];
    count++;
    at = newline + 1;
  }
  return count;
}
