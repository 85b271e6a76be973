// The fcntl that SQLite is given. It is C because fcntl is variadic, which a Rust function cannot be.

#define _GNU_SOURCE
// As SQLite has it, so that both mean the same struct flock.
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

// Apple's headers hide these from programs that ask for POSIX alone.
#if defined(__APPLE__) && !defined(F_OFD_SETLK)
#define F_OFD_SETLK 90
#define F_OFD_SETLKW 91
#define F_OFD_GETLK 92
#endif

// What a locking command is with open file descriptions for owners; 0 for all other commands.
static int by_description(int command) {
  switch (command) {
    case F_SETLK: return F_OFD_SETLK;
    case F_SETLKW: return F_OFD_SETLKW;
    case F_GETLK: return F_OFD_GETLK;
    default: return 0;
  }
}

// Some sandboxes know only the locks of processes, or forbid the others. No answer to a valid request for a lock is among
// these. The lock of a live file falls back in the same way (src/page/mapping/unix.rs).
static int is_refusal(int error) {
  return error == EINVAL || error == ENOSYS || error == EPERM || error == EOPNOTSUPP;
}

static int locks_of_process;

// Whether a lock had to be one of the process, so that closing any descriptor of the file drops it.
int config13_has_locks_of_process(void) {
  return __atomic_load_n(&locks_of_process, __ATOMIC_RELAXED);
}

int config13_fcntl(int file, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  // Every argument of fcntl can be fetched as a pointer; the C library does the same.
  void *argument = va_arg(arguments, void *);
  va_end(arguments);

  int better = by_description(command);
  if (better != 0) {
    struct flock *lock = argument;
    // The kernel insists on it.
    lock->l_pid = 0;
    int result = fcntl(file, better, lock);
    if (result == 0 || !is_refusal(errno)) return result;
    __atomic_store_n(&locks_of_process, 1, __ATOMIC_RELAXED);
  }
  return fcntl(file, command, argument);
}
