// AF_XDP in C, for the benchmark `kernel-bypass`: sends a frame of UDP's size there and back, by the rings, busy-polling.
// Nothing is checked but length and number, and no check sum is computed: a floor for what a program over the same rings can reach.
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>
#include <xdp/xsk.h>

enum { FRAMES = 256, FRAME_BYTES = 2048, RING = 128, HEADER_BYTES = 42 };
static const uint64_t SILENT_NS = 20000000000ull;

static struct {
  uint8_t *area;
  struct xsk_umem *umem;
  struct xsk_socket *socket;
  struct xsk_ring_prod fill, send;
  struct xsk_ring_cons completed, received;
  uint32_t free[FRAMES], free_count;
  int fd;
} xdp;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* 0, or what libxdp returned. */
int xdp_open(const char *interface) {
  libxdp_set_print(NULL);
  libbpf_set_print(NULL);
  const size_t bytes = (size_t)FRAMES * FRAME_BYTES;
  xdp.area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (xdp.area == MAP_FAILED) return -1;
  const struct xsk_umem_config umem = { RING, RING, FRAME_BYTES, 0, 0 };
  int result = xsk_umem__create(&xdp.umem, xdp.area, bytes, &xdp.fill, &xdp.completed, &umem);
  if (result != 0) return result;
  const struct xsk_socket_config socket = { .rx_size = RING, .tx_size = RING, .bind_flags = XDP_USE_NEED_WAKEUP };
  result = xsk_socket__create(&xdp.socket, interface, 0, xdp.umem, &xdp.received, &xdp.send, &socket);
  if (result != 0) return result;
  xdp.fd = xsk_socket__fd(xdp.socket);
  uint32_t at;
  xsk_ring_prod__reserve(&xdp.fill, RING, &at);
  for (uint32_t i = 0; i < RING; i++) *xsk_ring_prod__fill_addr(&xdp.fill, at + i) = (uint64_t)i * FRAME_BYTES;
  xsk_ring_prod__submit(&xdp.fill, RING);
  for (uint32_t i = RING; i < FRAMES; i++) xdp.free[xdp.free_count++] = i * FRAME_BYTES;
  return 0;
}

void xdp_close(void) {
  xsk_socket__delete(xdp.socket);
  xsk_umem__delete(xdp.umem);
}

static int send_frame(const uint8_t *frame, uint32_t bytes) {
  uint32_t at, count = xsk_ring_cons__peek(&xdp.completed, RING, &at);
  for (uint32_t i = 0; i < count; i++) xdp.free[xdp.free_count++] = (uint32_t)*xsk_ring_cons__comp_addr(&xdp.completed, at + i);
  if (count > 0) xsk_ring_cons__release(&xdp.completed, count);
  if (xdp.free_count == 0 || xsk_ring_prod__reserve(&xdp.send, 1, &at) != 1) return -1;
  const uint32_t address = xdp.free[--xdp.free_count];
  memcpy(xdp.area + address, frame, bytes);
  struct xdp_desc *descriptor = xsk_ring_prod__tx_desc(&xdp.send, at);
  descriptor->addr = address;
  descriptor->len = bytes;
  descriptor->options = 0;
  xsk_ring_prod__submit(&xdp.send, 1);
  if (xsk_ring_prod__needs_wakeup(&xdp.send)) sendto(xdp.fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
  return 0;
}

/* The next frame put into `frame`; its length, 0 when none came for a long time. */
static uint32_t receive_frame(uint8_t *frame) {
  const uint64_t begin = now_ns();
  uint32_t at, turns = 0;
  while (xsk_ring_cons__peek(&xdp.received, 1, &at) == 0)
    if ((++turns & 1023) == 0 && now_ns() - begin > SILENT_NS) return 0;
  const struct xdp_desc *descriptor = xsk_ring_cons__rx_desc(&xdp.received, at);
  const uint64_t address = descriptor->addr;
  const uint32_t bytes = descriptor->len;
  memcpy(frame, xdp.area + address, bytes);
  xsk_ring_cons__release(&xdp.received, 1);
  if (xsk_ring_prod__reserve(&xdp.fill, 1, &at) == 1) {
    *xsk_ring_prod__fill_addr(&xdp.fill, at) = address - address % FRAME_BYTES;
    xsk_ring_prod__submit(&xdp.fill, 1);
  }
  return bytes;
}

/* Sends so many frames back, addresses and ports exchanged; how many it did. */
uint32_t xdp_echo(uint32_t trips) {
  uint8_t frame[FRAME_BYTES], mac[6];
  uint32_t echoed = 0;
  while (echoed < trips) {
    const uint32_t bytes = receive_frame(frame);
    if (bytes == 0) break;
    if (bytes < HEADER_BYTES || frame[12] != 8 || frame[13] != 0) continue;
    memcpy(mac, frame, 6);
    memcpy(frame, frame + 6, 6);
    memcpy(frame + 6, mac, 6);
    for (int i = 0; i < 4; i++) {
      const uint8_t octet = frame[26 + i];
      frame[26 + i] = frame[30 + i];
      frame[30 + i] = octet;
    }
    for (int i = 0; i < 2; i++) {
      const uint8_t octet = frame[34 + i];
      frame[34 + i] = frame[36 + i];
      frame[36 + i] = octet;
    }
    if (send_frame(frame, bytes) != 0) break;
    echoed++;
  }
  return echoed;
}

/* Nanoseconds of each round trip of a datagram of `payload` bytes; how many came back. */
uint32_t xdp_ping(uint32_t trips, uint32_t payload, uint32_t *ns) {
  uint8_t frame[FRAME_BYTES] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45 };
  uint8_t back[FRAME_BYTES];
  for (uint32_t trip = 0; trip < trips; trip++) {
    memcpy(frame + HEADER_BYTES, &trip, sizeof trip);
    const uint64_t begin = now_ns();
    if (send_frame(frame, HEADER_BYTES + payload) != 0) return trip;
    uint32_t bytes, number;
    do {
      bytes = receive_frame(back);
      if (bytes == 0) return trip;
      memcpy(&number, back + HEADER_BYTES, sizeof number);
    } while (bytes != HEADER_BYTES + payload || number != trip);
    ns[trip] = (uint32_t)(now_ns() - begin);
  }
  return trips;
}
