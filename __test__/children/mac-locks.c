// Gives Linux the rule by which macOS compares locks, when it is preloaded: the locks of flock and those of fcntl are in one
// list, so that they exclude each other, also within a process and on one descriptor. (On Linux they do not know of each
// other.) With -DCHECK it is a program instead, which prints whether the rule holds.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef CHECK

int main(int count, char **arguments) {
  if (count < 2) return 2;
  int file = open(arguments[1], O_RDWR | O_CREAT, 0600);
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
  if (file < 0 || flock(file, LOCK_SH | LOCK_NB) != 0) return 3;
  puts(fcntl(file, F_OFD_SETLK, &range) != 0 && errno == EAGAIN ? "fcntl after flock: refused" : "fcntl after flock: granted");
  flock(file, LOCK_UN);
  if (fcntl(file, F_OFD_SETLK, &range) != 0) return 4;
  puts(flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK ? "flock after fcntl: refused" : "flock after fcntl: granted");
  return 0;
}

#else

#include "preloaded-fcntl.h"

// Whether any process holds a lock of this kind that a lock of `bytes` from `start` on is in conflict with.
static int conflicts(int file, int of_flock, int exclusive, long long start, long long end) {
  struct stat wanted;
  if (fstat(file, &wanted) != 0) return 0;
  FILE *locks = fopen("/proc/locks", "re");
  if (locks == NULL) return 0;
  char line[256];
  int found = 0;
  while (!found && fgets(line, sizeof line, locks) != NULL) {
    char kind[16], mode[16], last[32];
    unsigned long long inode;
    long long first;
    // A waiting lock has an arrow before its kind, and is skipped.
    if (sscanf(line, "%*d: %15s %*s %15s %*d %*x:%*x:%llu %lld %31s", kind, mode, &inode, &first, last) != 5) continue;
    long long until = strcmp(last, "EOF") == 0 ? __LONG_LONG_MAX__ : 0;
    if (until == 0) sscanf(last, "%lld", &until);
    found = inode == wanted.st_ino && (strcmp(kind, "FLOCK") == 0) == of_flock &&
      (exclusive || strcmp(mode, "WRITE") == 0) && first <= end && start <= until;
  }
  fclose(locks);
  return found;
}

static int refusal(int file, int command, void *argument) {
  struct flock *lock = argument;
  if (command != F_SETLK && command != F_OFD_SETLK) return 0;
  if (lock->l_type == F_UNLCK) return 0;
  long long end = lock->l_len == 0 ? __LONG_LONG_MAX__ : lock->l_start + lock->l_len - 1;
  return conflicts(file, 1, lock->l_type == F_WRLCK, lock->l_start, end) ? EAGAIN : 0;
}

int flock(int file, int operation) {
  static int (*real)(int, int);
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "flock");
  if (!(operation & LOCK_UN) && conflicts(file, 0, operation & LOCK_EX, 0, __LONG_LONG_MAX__)) {
    errno = EWOULDBLOCK;
    return -1;
  }
  return real(file, operation);
}

#endif
