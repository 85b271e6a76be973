import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { check, say, showError } from './terminal.mjs';

/** @typedef {[code: string, call: string, run: () => unknown]} Mistake */

/**
 * Mistakes, each with what it is answered with.
 *
 * @param {string} directory
 */
export async function helpfulErrors(directory) {
  const config = createProductionConfig({ persistPath: join(directory, 'errors.db'), environment: 'production' });
  config.enableFeature('metrics');
  const { revision } = await config.persist('all well');
  await config.persist('somebody else was faster');
  const before = config.toHex();

  const notes = join(directory, 'notes.txt');
  writeFileSync(notes, 'Remember to buy milk. '.repeat(100));

  // The types refuse most of these; this is what JavaScript, and names from elsewhere, get to see.
  const untyped = /** @type {any} */ (config);
  /** @type {Mistake[]} */
  const mistakes = [
    ['ERR_UNKNOWN_FEATURE', "config.enableFeature('debgu')", () => untyped.enableFeature('debgu')],
    ['ERR_OUT_OF_RANGE', 'config.setTerminalSettings(2, 0, 120)', () => config.setTerminalSettings(2, 0, 120)],
    [
      'ERR_BUFFER_LENGTH',
      'config.updateFromBuffer(new Uint8Array(12))',
      () => config.updateFromBuffer(new Uint8Array(12)),
    ],
    [
      'ERR_UNKNOWN_OPTION',
      "createProductionConfig({ presistPath: './config.db' })",
      () => createProductionConfig(/** @type {any} */ ({ presistPath: './config.db' })),
    ],
    [
      'ERR_NOT_A_DATABASE',
      "createProductionConfig({ persistPath: 'notes.txt' })",
      () => createProductionConfig({ persistPath: notes }),
    ],
    [
      'ERR_REVISION_CONFLICT',
      `config.persist('release', { ifRevision: ${revision} })`,
      () => config.persist('release', { ifRevision: revision }),
    ],
  ];

  say('Every error says what is wrong with which value, what to do, and has a code that programs can rely on.');
  const codes = [];
  for (const [, call, run] of mistakes) {
    const error = await failureOf(run);
    codes.push(error?.code);
    showError(call, error);
  }
  check(
    codes.join() === mistakes.map(([code]) => code).join(),
    `all ${mistakes.length} were refused, each with its own code`,
  );
  check(config.toHex() === before && config.validate().isValid, 'nothing has changed, and the config goes on working');
  await config.close();
}

/**
 * @param {() => unknown} run
 * @returns {Promise<Error & { code?: string } | undefined>}
 */
async function failureOf(run) {
  try {
    await run();
    return undefined;
  } catch (error) {
    return /** @type {Error & { code?: string }} */ (error);
  }
}
