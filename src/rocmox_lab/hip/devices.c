/* Devices, their memory, streams and events. */
#define _GNU_SOURCE
#include "stand_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct allocation {
  char *address;
  size_t size;
  int device;
  struct allocation *next;
};
struct ihipStream_t {
  double clock;
};
struct ihipEvent_t {
  double time;
};

static struct allocation *allocations;
static size_t used[MOST_DEVICES];
static bool enabled[MOST_DEVICES][MOST_DEVICES];
static int current;
static struct ihipStream_t null_stream;

bool is_device(int device) { return device >= 0 && device < settings()->device_count && !mode_is("no-device"); }

int allocation_count(void) {
  int count = 0;
  for (struct allocation *one = allocations; one; one = one->next) ++count;
  return count;
}

int current_device(void) { return current; }

int device_of(const void *address, size_t size) {
  const char *place = address;
  for (struct allocation *one = allocations; one; one = one->next)
    if (place >= one->address && size <= one->size && place <= one->address + one->size - size) return one->device;
  return -1;
}

void pass(hipStream_t stream, double seconds) { (stream ? stream : &null_stream)->clock += seconds; }

const char *hipGetErrorName(hipError_t error) {
  switch ((int)error) {
    case hipSuccess: return "hipSuccess";
    case hipErrorInvalidValue: return "hipErrorInvalidValue";
    case hipErrorOutOfMemory: return "hipErrorOutOfMemory";
    case hipErrorNoDevice: return "hipErrorNoDevice";
    case hipErrorInvalidDevice: return "hipErrorInvalidDevice";
    case hipErrorPeerAccessUnsupported: return "hipErrorPeerAccessUnsupported";
    case hipErrorPeerAccessAlreadyEnabled: return "hipErrorPeerAccessAlreadyEnabled";
    default: return "hipErrorUnknown";
  }
}

hipError_t hipRuntimeGetVersion(int *version) {
  *version = 60443484;
  return hipSuccess;
}

hipError_t hipGetDeviceCount(int *count) {
  hipError_t status = enter("hipGetDeviceCount");
  if (status) return status;
  *count = mode_is("no-device") ? 0 : settings()->device_count;
  return *count ? hipSuccess : hipErrorNoDevice;
}

hipError_t hipDeviceGetPCIBusId(char *text, int length, int device) {
  if (!text || length <= 0) return hipErrorInvalidValue;
  if (!is_device(device)) return hipErrorInvalidDevice;
  snprintf(text, (size_t)length, "%s", settings()->address[device]);
  return hipSuccess;
}

hipError_t hipSetDevice(int device) {
  if (!is_device(device)) return hipErrorInvalidDevice;
  current = device;
  return hipSuccess;
}

hipError_t hipDeviceSynchronize(void) { return enter("hipDeviceSynchronize"); }

hipError_t hipMemGetInfo(size_t *free_bytes, size_t *total_bytes) {
  *total_bytes = settings()->memory_bytes;
  *free_bytes = mode_is("out-of-memory") ? 0 : settings()->memory_bytes - used[current];
  return hipSuccess;
}

hipError_t hipMalloc(void **pointer, size_t size) {
  hipError_t status = enter("hipMalloc");
  if (status) return status;
  if (mode_is("out-of-memory") || size > settings()->memory_bytes - used[current]) return hipErrorOutOfMemory;
  struct allocation *one = malloc(sizeof *one);
  void *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!one || room == MAP_FAILED) {
    free(one);
    return hipErrorOutOfMemory;
  }
  *one = (struct allocation){.address = room, .size = size, .device = current, .next = allocations};
  allocations = one;
  used[current] += size;
  *pointer = room;
  return hipSuccess;
}

hipError_t hipFree(void *pointer) {
  for (struct allocation **link = &allocations; *link; link = &(*link)->next) {
    struct allocation *one = *link;
    if (one->address != pointer) continue;
    *link = one->next;
    used[one->device] -= one->size;
    munmap(one->address, one->size);
    free(one);
    return hipSuccess;
  }
  return pointer ? hipErrorInvalidValue : hipSuccess;
}

hipError_t hipDeviceCanAccessPeer(int *can, int device, int peer) {
  hipError_t status = enter("hipDeviceCanAccessPeer");
  if (status) return status;
  if (!is_device(device) || !is_device(peer)) return hipErrorInvalidDevice;
  *can = device != peer && !(mode_is("no-access") && affects(NULL, device, peer));
  return hipSuccess;
}

hipError_t hipDeviceEnablePeerAccess(int peer, unsigned int flags) {
  hipError_t status = enter("hipDeviceEnablePeerAccess");
  int can = 0;
  if (status) return status;
  if (flags) return hipErrorInvalidValue;
  status = hipDeviceCanAccessPeer(&can, current, peer);
  if (status) return status;
  if (!can) return hipErrorPeerAccessUnsupported;
  if (enabled[current][peer]) return hipErrorPeerAccessAlreadyEnabled;
  enabled[current][peer] = true;
  return hipSuccess;
}

hipError_t hipStreamCreateWithFlags(hipStream_t *stream, unsigned int flags) {
  hipError_t status = enter("hipStreamCreateWithFlags");
  if (status) return status;
  if (flags > 1) return hipErrorInvalidValue;
  *stream = calloc(1, sizeof **stream);
  return *stream ? hipSuccess : hipErrorOutOfMemory;
}

hipError_t hipStreamSynchronize(hipStream_t stream) {
  (void)stream;
  return enter("hipStreamSynchronize");
}

hipError_t hipStreamDestroy(hipStream_t stream) {
  hipError_t status = enter("hipStreamDestroy");
  free(stream);
  return status;
}

hipError_t hipEventCreateWithFlags(hipEvent_t *event, unsigned int flags) {
  (void)flags;
  *event = calloc(1, sizeof **event);
  return *event ? hipSuccess : hipErrorOutOfMemory;
}

hipError_t hipEventRecord(hipEvent_t event, hipStream_t stream) {
  if (!event) return hipErrorInvalidValue;
  event->time = (stream ? stream : &null_stream)->clock;
  return enter("hipEventRecord");
}

hipError_t hipEventSynchronize(hipEvent_t event) {
  return event ? enter("hipEventSynchronize") : hipErrorInvalidValue;
}

hipError_t hipEventElapsedTime(float *milliseconds, hipEvent_t start, hipEvent_t stop) {
  if (!milliseconds || !start || !stop) return hipErrorInvalidValue;
  *milliseconds = (float)((stop->time - start->time) * 1000);
  return hipSuccess;
}

hipError_t hipEventDestroy(hipEvent_t event) {
  free(event);
  return hipSuccess;
}
