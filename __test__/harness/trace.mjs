// @ts-check
import { appendFileSync } from 'node:fs';

/**
 * What the test process reports to the gate as it goes, one JSON object a line, so that the gate
 * can tell a hang, a crash and a case that vanished from a pass. A report of the runner would
 * come only at the end, or never.
 *
 * @typedef {{ type: 'declared', names: string[] }
 *   | { type: 'started', name: string, timeoutMs: number, at: number }
 *   | { type: 'passed' | 'failed', name: string }
 *   | { type: 'problem', message: string }
 *   | { type: 'ended', at: number }} TraceEvent
 */

const file = process.env.SPEC_TRACE;

/** @param {TraceEvent} event */
export function trace(event) {
  if (file) appendFileSync(file, `${JSON.stringify(event)}\n`);
}
