// The fcntl of a library that is preloaded: the system's, unless `refusal` gives an error for a call.
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>

static int refusal(int file, int command, void *argument);

#define CONTROL(name)                                                     \
  int name(int file, int command, ...) {                                  \
    static int (*real)(int, int, ...);                                    \
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, #name);          \
    va_list arguments;                                                    \
    va_start(arguments, command);                                         \
    void *argument = va_arg(arguments, void *);                           \
    va_end(arguments);                                                    \
    int error = refusal(file, command, argument);                         \
    if (error != 0) {                                                     \
      errno = error;                                                      \
      return -1;                                                          \
    }                                                                     \
    return real(file, command, argument);                                 \
  }
CONTROL(fcntl)
CONTROL(fcntl64)
