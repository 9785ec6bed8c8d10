// What a busy-polling C program pays for the same sockets: TCP round trips between two processes, and datagrams over
// loopback one by one, in batches (sendmmsg, recvmmsg) and as segments of one large send (UDP_SEGMENT).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { MESSAGE_BYTES = 30, BATCH = 32, CONNECT_MS = 30000, DATAGRAM_MAX = 1472 };

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct sockaddr_in loopback(uint16_t port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

// A listener on a free port, or -1; its port in *port.
int tcp_listen(uint16_t *port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in a = loopback(0);
  socklen_t length = sizeof a;
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 8) < 0) return -1;
  getsockname(fd, (struct sockaddr *)&a, &length);
  *port = ntohs(a.sin_port);
  return fd;
}

static int no_delay(int fd) {
  int one = 1;
  return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

// Takes one connection and sends back what comes until the peer closes. Bytes echoed.
uint64_t tcp_echo(int listener) {
  struct pollfd waiting = {.fd = listener, .events = POLLIN};
  if (poll(&waiting, 1, CONNECT_MS) != 1) return 0;
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  close(listener);
  if (fd < 0) return 0;
  no_delay(fd);
  char buffer[4096];
  uint64_t total = 0;
  for (;;) {
    ssize_t count = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (count == 0) break;
    if (count < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      break;
    }
    for (ssize_t sent = 0; sent < count;) {
      ssize_t n = send(fd, buffer + sent, (size_t)(count - sent), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) sent += n;
      else if (n < 0 && errno != EAGAIN && errno != EINTR) break;
    }
    total += (uint64_t)count;
  }
  close(fd);
  return total;
}

// `trips` round trips of one message; each one's nanoseconds in ns[]. 0, or -1.
int tcp_ping(uint16_t port, uint32_t trips, uint32_t *ns) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in a = loopback(port);
  if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0 || no_delay(fd) < 0) return -1;
  char out[MESSAGE_BYTES] = {0}, in[MESSAGE_BYTES];
  for (uint32_t trip = 0; trip < trips; trip++) {
    out[0] = (char)trip;
    uint64_t start = now_ns();
    if (send(fd, out, MESSAGE_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL) != MESSAGE_BYTES) return -1;
    for (int got = 0; got < MESSAGE_BYTES;) {
      ssize_t n = recv(fd, in + got, (size_t)(MESSAGE_BYTES - got), MSG_DONTWAIT);
      if (n > 0) got += (int)n;
      else if (n == 0 || (errno != EAGAIN && errno != EINTR)) return -1;
    }
    ns[trip] = (uint32_t)(now_ns() - start);
    if (in[0] != out[0]) return -1;
  }
  close(fd);
  return 0;
}

// Two sockets on loopback, the first sends to the second. 0, or -1.
static int datagram_pair(int fds[2], struct sockaddr_in *to) {
  int room = 8 << 20;
  for (int i = 0; i < 2; i++) {
    fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = loopback(0);
    socklen_t length = sizeof a;
    if (fds[i] < 0 || bind(fds[i], (struct sockaddr *)&a, sizeof a) < 0) return -1;
    getsockname(fds[i], (struct sockaddr *)&a, &length);
    if (i == 1) *to = a;
  }
  if (setsockopt(fds[1], SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
    setsockopt(fds[1], SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  return connect(fds[0], (struct sockaddr *)to, sizeof *to);
}

// `batches` of 32 datagrams, sent and then received by this thread. how: 0 one by one, 1 sendmmsg and recvmmsg, 2 one send
// that the system cuts, and recvmmsg. Nanoseconds, or 0 when one was lost or differed.
uint64_t udp_batches(int how, uint32_t batches, uint32_t bytes) {
  int fds[2];
  struct sockaddr_in to;
  if (bytes > DATAGRAM_MAX || datagram_pair(fds, &to) < 0) return 0;
  static char out[BATCH][DATAGRAM_MAX], in[BATCH][DATAGRAM_MAX], whole[BATCH * DATAGRAM_MAX];
  struct mmsghdr sending[BATCH], receiving[BATCH];
  struct iovec from[BATCH], into[BATCH];
  memset(sending, 0, sizeof sending);
  memset(receiving, 0, sizeof receiving);
  for (int i = 0; i < BATCH; i++) {
    from[i] = (struct iovec){out[i], bytes};
    into[i] = (struct iovec){in[i], DATAGRAM_MAX};
    sending[i].msg_hdr.msg_iov = &from[i];
    receiving[i].msg_hdr.msg_iov = &into[i];
    sending[i].msg_hdr.msg_iovlen = receiving[i].msg_hdr.msg_iovlen = 1;
  }
  int segment = (int)bytes;
  if (how == 2 && setsockopt(fds[0], IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) < 0) return 0;
  uint64_t bad = 0, start = now_ns();
  for (uint32_t batch = 0; batch < batches; batch++) {
    for (int i = 0; i < BATCH; i++) {
      uint32_t number = batch * BATCH + (uint32_t)i;
      memcpy(how == 2 ? whole + (size_t)i * bytes : out[i], &number, 4);
    }
    int received = 0;
    if (how == 0) {
      for (int i = 0; i < BATCH; i++) bad += send(fds[0], out[i], bytes, 0) != (ssize_t)bytes;
      for (int i = 0; i < BATCH; i++) received += recv(fds[1], in[i], DATAGRAM_MAX, 0) == (ssize_t)bytes;
    } else {
      if (how == 1) bad += sendmmsg(fds[0], sending, BATCH, 0) != BATCH;
      else bad += send(fds[0], whole, (size_t)bytes * BATCH, 0) != (ssize_t)bytes * BATCH;
      received = recvmmsg(fds[1], receiving, BATCH, 0, NULL);
    }
    bad += received != BATCH;
    for (int i = 0; i < BATCH; i++) {
      uint32_t number;
      memcpy(&number, in[i], 4);
      bad += number != batch * BATCH + (uint32_t)i;
    }
  }
  uint64_t ns = now_ns() - start;
  close(fds[0]);
  close(fds[1]);
  return bad == 0 ? ns : 0;
}
