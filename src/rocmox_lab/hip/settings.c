/* What the stand-in was told to be. Numbers are read by hand: strtol would tie the library to the newest C library. */
#define _GNU_SOURCE
#include "stand_in.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct settings told;

static size_t number(const char **text) {
  size_t value = 0;
  for (; **text >= '0' && **text <= '9'; ++*text) value = value * 10 + (size_t)(**text - '0');
  return value;
}

static void take_word(char *target, const char *value) {
  strncpy(target, value, WORD_SIZE - 1);
}

static void take_pairs(const char *value) {
  while (*value && told.pair_count < MOST_PAIRS) {
    int *pair = told.pair[told.pair_count++];
    pair[0] = (int)number(&value);
    if (*value == '>') ++value;
    pair[1] = (int)number(&value);
    while (*value && (*value < '0' || *value > '9')) ++value;
  }
}

static void take_devices(const char *value) {
  told.device_count = 0;
  while (*value && told.device_count < MOST_DEVICES) {
    size_t length = strcspn(value, "@,"), kept = length < ADDRESS_SIZE ? length : ADDRESS_SIZE - 1;
    memset(told.address[told.device_count], 0, ADDRESS_SIZE);
    memcpy(told.address[told.device_count], value, kept);
    value += length;
    if (*value == '@') {
      ++value;
      told.rate_mb[told.device_count] = (double)number(&value);
    }
    ++told.device_count;
    value += strcspn(value, ",");
    if (*value) ++value;
  }
}

static void take(char *word) {
  char *value = strchr(word, '=');
  if (!value) return;
  *value++ = 0;
  const char *text = value;
  if (!strcmp(word, "mode")) take_word(told.mode, value);
  if (!strcmp(word, "at")) take_word(told.at, value);
  if (!strcmp(word, "only")) take_word(told.only, value);
  if (!strcmp(word, "every")) told.every = number(&text);
  if (!strcmp(word, "memory_mib")) told.memory_bytes = number(&text) << 20;
  if (!strcmp(word, "pairs")) take_pairs(value);
  if (!strcmp(word, "devices")) take_devices(value);
}

static void read_file(char *text, size_t size) {
  Dl_info self;
  char path[4096] = "";
  if (!dladdr((void *)&told, &self) || strlen(self.dli_fname) > sizeof path - 8) return;
  strcat(strcpy(path, self.dli_fname), ".conf");
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  ssize_t length = read(file, text, size - 1);
  text[length > 0 ? length : 0] = 0;
  close(file);
}

__attribute__((constructor)) static void begin(void) {
  static char text[8192];
  strcpy(told.mode, "healthy");
  told.every = 4096;
  told.memory_bytes = (size_t)16 << 30;
  for (int device = 0; device < MOST_DEVICES; ++device) told.rate_mb[device] = 13000;
  char devices[] = "0000:03:00.0,0000:06:00.0";
  take_devices(devices);
  const char *words = getenv("ROCMOX_HIP_STAND_IN");
  if (words)
    strncpy(text, words, sizeof text - 1);
  else
    read_file(text, sizeof text);
  for (char *word = strtok(text, " \t\r\n"); word; word = strtok(NULL, " \t\r\n")) take(word);
  if (!told.every) told.every = 1;
}

const struct settings *settings(void) { return &told; }

bool mode_is(const char *mode) { return !strcmp(told.mode, mode); }

bool affects(const char *call, int from, int to) {
  if (from == to || (call && *told.only && strcmp(told.only, call))) return false;
  for (int pair = 0; pair < told.pair_count; ++pair)
    if (told.pair[pair][0] == from && told.pair[pair][1] == to) return true;
  return !told.pair_count;
}

static hipError_t misbehave(void) {
  if (mode_is("crash")) {
    volatile int *nowhere = NULL;
    *nowhere = 1;
  }
  if (mode_is("abort")) abort();
  while (mode_is("hang")) pause();
  return mode_is("fails") ? hipErrorInvalidValue : hipSuccess;
}

hipError_t enter(const char *call) { return strcmp(told.at, call) ? hipSuccess : misbehave(); }

hipError_t enter_copy(const char *call, int from, int to) {
  if (*told.at) return enter(call);
  return affects(call, from, to) ? misbehave() : hipSuccess;
}
