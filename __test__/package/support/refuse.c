// Stands before the system's functions in a process that is started with LD_PRELOAD, and answers as a system does that
// refuses them, while their names are in the environment variable REFUSE. What it stands for cannot be had on a sound
// machine: a network file system, a kernel without random numbers, without
// threads, or without locks of open file descriptions.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/vfs.h>

static int refuses(const char *name) {
  const char *refused = getenv("REFUSE");
  return refused != NULL && strcmp(refused, name) == 0;
}

ssize_t getrandom(void *bytes, size_t length, unsigned flags) {
  static ssize_t (*system_getrandom)(void *, size_t, unsigned);
  if (refuses("getrandom")) {
    errno = EIO;
    return -1;
  }
  if (!system_getrandom) system_getrandom = dlsym(RTLD_NEXT, "getrandom");
  return system_getrandom(bytes, length, flags);
}

int fstatfs(int file, struct statfs *system) {
  static int (*system_fstatfs)(int, struct statfs *);
  if (!system_fstatfs) system_fstatfs = dlsym(RTLD_NEXT, "fstatfs");
  int status = system_fstatfs(file, system);
  if (refuses("fstatfs")) system->f_type = 0x6969; // NFS_SUPER_MAGIC
  return status;
}

int pthread_create(void *thread, const void *attributes, void *(*run)(void *), void *argument) {
  static int (*system_create)(void *, const void *, void *(*)(void *), void *);
  if (refuses("pthread_create")) return EAGAIN;
  if (!system_create) system_create = dlsym(RTLD_NEXT, "pthread_create");
  return system_create(thread, attributes, run, argument);
}

static int control(const char *name, int file, int command, void *argument) {
  int (*system_control)(int, int, ...) = dlsym(RTLD_NEXT, name);
  int is_description_lock = command == F_OFD_SETLK || command == F_OFD_SETLKW || command == F_OFD_GETLK;
  if (is_description_lock && (refuses("fcntl:EINVAL") || refuses("fcntl:EPERM"))) {
    errno = refuses("fcntl:EPERM") ? EPERM : EINVAL;
    return -1;
  }
  return system_control(file, command, argument);
}

int fcntl(int file, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  return control("fcntl", file, command, argument);
}

int fcntl64(int file, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  return control("fcntl64", file, command, argument);
}
