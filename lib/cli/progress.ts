import type { WorkOptions, WorkProgress } from '13byte-config';
import { CliError } from './errors';
import type { Output } from './output';

const WIDTH = 30;
/** Between two updates of the bar. */
const PAUSE_MS = 50;

/**
 * Runs long work, with a progress bar on a terminal. Ctrl-C aborts the work, which cleans up; a second Ctrl-C ends the
 * process immediately.
 *
 * @param left - What the message then says about the result.
 */
export async function withProgress<T>(
  { json }: Output,
  label: string,
  left: string,
  work: (options: WorkOptions) => Promise<T>,
): Promise<T> {
  const bar = process.stderr.isTTY && !json ? new ProgressBar(label) : undefined;
  const ending = new AbortController();
  const interrupt = () => ending.abort(new CliError('ERR_INTERRUPTED', `Interrupted: ${left}`));
  const terminate = () => ending.abort(new CliError('ERR_TERMINATED', `Terminated: ${left}`));
  process.once('SIGINT', interrupt).once('SIGTERM', terminate);
  try {
    return await work({ signal: ending.signal, ...(bar && { onProgress: (progress) => bar.show(progress) }) });
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', terminate);
    bar?.clear();
  }
}

class ProgressBar {
  readonly #label: string;
  #drawnAt = -Infinity;

  constructor(label: string) {
    this.#label = label;
  }

  show({ done, total }: WorkProgress): void {
    const now = performance.now();
    if (now - this.#drawnAt < PAUSE_MS) return;
    this.#drawnAt = now;
    const part = total === 0 ? 1 : Math.min(done / total, 1);
    const filled = Math.round(part * WIDTH);
    const percent = `${Math.floor(part * 100)}`.padStart(3);
    process.stderr.write(
      `\r${this.#label} [${'='.repeat(filled)}${' '.repeat(WIDTH - filled)}] ${percent}% ${done}/${total}\u001B[K`,
    );
  }

  clear(): void {
    if (this.#drawnAt !== -Infinity) process.stderr.write('\r\u001B[K');
  }
}
