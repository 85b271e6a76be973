// Takes the locks of open file descriptions away from programs when it is preloaded, as some sandboxes do. With -DCHECK it is
// a program instead, which prints whether they are refused.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#ifdef CHECK

int main(int count, char **arguments) {
  if (count < 2) return 2;
  int file = open(arguments[1], O_RDWR | O_CREAT, 0600);
  if (file < 0) return 3;
  int commands[] = {F_OFD_SETLK, F_SETLK};
  for (int which = 0; which < 2; which++) {
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    puts(fcntl(file, commands[which], &range) == 0 ? "granted" : errno == EINVAL ? "refused" : "failed");
  }
  return 0;
}

#else

#include <dlfcn.h>
#include <stdarg.h>

#define CONTROL(name)                                                     \
  int name(int file, int command, ...) {                                  \
    static int (*real)(int, int, ...);                                    \
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, #name);          \
    va_list arguments;                                                    \
    va_start(arguments, command);                                         \
    void *argument = va_arg(arguments, void *);                           \
    va_end(arguments);                                                    \
    if (command == F_OFD_SETLK || command == F_OFD_SETLKW || command == F_OFD_GETLK) { \
      errno = EINVAL;                                                     \
      return -1;                                                          \
    }                                                                     \
    return real(file, command, argument);                                 \
  }
CONTROL(fcntl)
CONTROL(fcntl64)

#endif
