/* Copies, and how they go wrong between devices. */
#define _GNU_SOURCE
#include "stand_in.h"

#include <string.h>
#include <time.h>

static const double launch_seconds = 8e-6;
static const double slow_factor = 20;

/* Linear congruential (Knuth's MMIX): where a byte goes wrong, and how. */
static size_t random_below(size_t limit) {
  static unsigned long long state = 0;
  if (!state) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    state = (unsigned long long)now.tv_nsec * 2654435761u + 1;
  }
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return (size_t)((state >> 24) % limit);
}

static double copy_seconds(int from, int to, size_t size, bool affected) {
  double one = settings()->rate_mb[from], other = settings()->rate_mb[to], rate = one < other ? one : other;
  double seconds = (double)size / (rate * 1e6);
  return launch_seconds + (affected && mode_is("slow") ? seconds * slow_factor : seconds);
}

static void spoil(char *to, size_t pitch, size_t width, size_t height) {
  size_t every = settings()->every, size = width * height;
  for (size_t block = 0; block < size; block += every) {
    size_t place = block + random_below(every);
    if (place < size) to[place / width * pitch + place % width] ^= (char)(1 + random_below(255));
  }
}

struct area {
  char *to;
  size_t to_pitch;
  const char *from;
  size_t from_pitch, width, height;
};

static void copy_rows(const struct area *it, bool affected, bool downwards) {
  if (affected && (mode_is("no-copy") || (mode_is("one-way") && downwards))) return;
  if (affected && mode_is("crowd") && allocation_count() > 2) return;
  bool partial = affected && mode_is("partial");
  size_t rows = partial && it->height > 1 ? it->height / 2 : it->height;
  size_t bytes = partial && it->height == 1 ? it->width / 2 : it->width;
  for (size_t row = 0; row < rows; ++row)
    memmove(it->to + row * it->to_pitch, it->from + row * it->from_pitch, bytes);
  if (affected && mode_is("corrupt") && !*settings()->at) spoil(it->to, it->to_pitch, it->width, it->height);
  if (affected && mode_is("changes-source")) ((char *)it->from)[random_below(it->width)] ^= 1;
}

static hipError_t copy(const char *call, void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                       size_t height, hipMemcpyKind kind, hipStream_t stream) {
  if (!width || !height) return hipSuccess;
  if (width > to_pitch || width > from_pitch) return hipErrorInvalidValue;
  int source = device_of(from, (height - 1) * from_pitch + width);
  int destination = device_of(to, (height - 1) * to_pitch + width);
  bool wrong = (kind == hipMemcpyHostToDevice && destination < 0) || (kind == hipMemcpyDeviceToHost && source < 0) ||
               (kind == hipMemcpyDeviceToDevice && (source < 0 || destination < 0));
  if (wrong) return hipErrorInvalidValue;
  source = source < 0 ? destination : source;
  destination = destination < 0 ? source : destination;
  hipError_t status = enter_copy(call, source, destination);
  if (status) return status;
  struct area area = {to, to_pitch, from, from_pitch, width, height};
  bool affected = affects(call, source, destination);
  copy_rows(&area, affected, source > destination);
  pass(stream, source < 0 ? 0 : copy_seconds(source, destination, width * height, affected));
  return hipSuccess;
}

hipError_t hipMemcpy(void *to, const void *from, size_t size, hipMemcpyKind kind) {
  return copy("hipMemcpy", to, size, from, size, size, 1, kind, NULL);
}

hipError_t hipMemcpyAsync(void *to, const void *from, size_t size, hipMemcpyKind kind, hipStream_t stream) {
  return copy("hipMemcpyAsync", to, size, from, size, size, 1, kind, stream);
}

hipError_t hipMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                            size_t height, hipMemcpyKind kind, hipStream_t stream) {
  return copy("hipMemcpy2DAsync", to, to_pitch, from, from_pitch, width, height, kind, stream);
}

static hipError_t peer_copy(const char *call, void *to, int to_device, const void *from, int from_device, size_t size,
                            hipStream_t stream) {
  if (!is_device(to_device) || !is_device(from_device)) return hipErrorInvalidDevice;
  if (device_of(to, size) != to_device || device_of(from, size) != from_device) return hipErrorInvalidValue;
  return copy(call, to, size, from, size, size, 1, hipMemcpyDeviceToDevice, stream);
}

hipError_t hipMemcpyPeerAsync(void *to, int to_device, const void *from, int from_device, size_t size,
                              hipStream_t stream) {
  return peer_copy("hipMemcpyPeerAsync", to, to_device, from, from_device, size, stream);
}

hipError_t hipMemcpyPeer(void *to, int to_device, const void *from, int from_device, size_t size) {
  return peer_copy("hipMemcpyPeer", to, to_device, from, from_device, size, NULL);
}

hipError_t hipMemsetAsync(void *to, int value, size_t size, hipStream_t stream) {
  hipError_t status = enter("hipMemsetAsync");
  if (status) return status;
  if (device_of(to, size) < 0) return hipErrorInvalidValue;
  memset(to, value, size);
  if (mode_is("corrupt") && !strcmp(settings()->at, "hipMemsetAsync")) spoil(to, size, size, 1);
  pass(stream, launch_seconds);
  return hipSuccess;
}
