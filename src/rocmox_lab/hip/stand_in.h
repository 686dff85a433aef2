/* A stand-in for libamdhip64: several devices in host memory, and the ways in which real ones fail.
 *
 * It is told what to be by words, `key=value`, from the environment variable ROCMOX_HIP_STAND_IN, else from the file
 * LIBRARY.conf beside it, else it is two healthy devices:
 *
 *   mode=healthy        everything works
 *   mode=no-access      hipDeviceCanAccessPeer says no
 *   mode=no-copy        a copy between devices returns success and does nothing
 *   mode=one-way        the same, from a device to one of a lower number only
 *   mode=partial        a copy between devices stops half way and returns success
 *   mode=corrupt        one byte in `every` arrives changed
 *   mode=changes-source one byte of the source is changed by the copy
 *   mode=crowd          as no-copy, but only while several pairs have their buffers
 *   mode=crash|abort    the process dies of SIGSEGV or abort()
 *   mode=hang           the call never returns
 *   mode=slow           copies between devices take 20 times as long (by the events' clock)
 *   mode=fails          the call returns an error
 *   mode=out-of-memory  hipMalloc finds no room
 *   mode=no-device      as on a machine without a card
 *
 *   pairs=0>1,2>0       only copies (and questions) from the first to the second device are affected; default: all
 *   at=hipMalloc        crash, abort, hang and fails happen in this call instead of a copy between devices;
 *                       with mode=corrupt at=hipMemsetAsync, work on one device goes wrong
 *   only=hipMemcpy2DAsync   copies between devices by other calls are not affected
 *   every=4096          see corrupt
 *   devices=0000:03:00.0@7000,0000:06:00.0@14000    PCI addresses and the rate in MB/s of each one's link
 *   memory_mib=16384    of each device
 *
 * One thread may use it. Time is simulated: events tell how long real cards with these rates would have taken.
 */
#ifndef ROCMOX_STAND_IN_H
#define ROCMOX_STAND_IN_H

#include <hip/hip_runtime_api.h>
#include <stdbool.h>
#include <stddef.h>

enum { MOST_DEVICES = 16, MOST_PAIRS = 256, ADDRESS_SIZE = 32, WORD_SIZE = 64 };

struct settings {
  char mode[WORD_SIZE];
  char at[WORD_SIZE];
  char only[WORD_SIZE];
  size_t every;
  size_t memory_bytes;
  int device_count;
  char address[MOST_DEVICES][ADDRESS_SIZE];
  double rate_mb[MOST_DEVICES];
  int pair_count;
  int pair[MOST_PAIRS][2];
};

const struct settings *settings(void);
bool mode_is(const char *mode);
/* Whether a copy between two devices (`call` NULL: a question about them) is to go wrong. */
bool affects(const char *call, int from, int to);
/* Each call of the interface begins with this: it crashes, hangs or fails here if it was told to. */
hipError_t enter(const char *call);
/* The same for a copy between two devices. */
hipError_t enter_copy(const char *call, int from, int to);

/* The device whose memory holds all of these bytes, or -1. */
int device_of(const void *address, size_t size);
int current_device(void);
int allocation_count(void);
bool is_device(int device);
/* Simulated seconds pass on a stream. */
void pass(hipStream_t stream, double seconds);

#endif
