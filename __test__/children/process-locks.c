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

#include "preloaded-fcntl.h"

static int refusal(int file, int command, void *argument) {
  (void)file, (void)argument;
  return command == F_OFD_SETLK || command == F_OFD_SETLKW || command == F_OFD_GETLK ? EINVAL : 0;
}

#endif
