// @ts-check

/**
 * What is tested where there are modes and owners of files, symbolic links for everybody, signals that a program handles,
 * `sh` and its like, limits of a process, and open files that can be deleted: nothing of it on Windows.
 *
 * @template {object} Cases
 * @param {Cases} cases of a suite, or a list of what one goes through
 * @returns {Cases}
 */
export function onPosix(cases) {
  const none = Array.isArray(cases) ? [] : {};
  return process.platform === 'win32' ? /** @type {Cases} */ (none) : cases;
}

/**
 * What is tested where a process can read in `/proc` what it has, and libraries can be preloaded.
 *
 * @template {object} Cases
 * @param {Cases} cases of a suite
 * @returns {Cases}
 */
export function onLinux(cases) {
  return process.platform === 'linux' ? cases : /** @type {Cases} */ ({});
}

/**
 * The code and signal of a child that handles this signal and ends well. On Windows the signal of another process is no
 * event: the system ends the program.
 *
 * @param {'SIGINT' | 'SIGTERM'} signal
 * @returns {[number | null, string | null]}
 */
export function endedWellBy(signal) {
  return process.platform === 'win32' ? [null, signal] : [0, null];
}
