/**
 * What `dist/on-demand.cjs` uses of the modules in `dist/index.cjs`, of which there must be one copy in a program: the build
 * makes a function of that file, and its imports are these, which it is called with (`scripts/lib/build.mjs`,
 * `lib/load-on-demand.ts`).
 */
export {
  checkBoolean,
  checkInteger,
  checkKeys,
  checkObject,
  checkReason,
  checkSignal,
  checkString,
  checkText,
  isThenable,
} from './core/checks';
export { makeConfig, ProductionConfig } from './config';
export { assemble, NO_HISTORY, startupOf } from './create';
export { collectEdits, forEachRollout, isEmpty } from './core/draft';
export { emitterMethods } from './core/event-emitter';
export { escapeUnseen, makeError, messageOf, printable, show, wrongThis } from './core/errors';
export { namesOf, noBitFor, withoutRetired } from './core/feature-table';
export { BANK_SIZE, DEFAULT_RECORD, FULL_ROLLOUT, MAX_BANKS, MAX_FEATURES, RECORD_SIZE } from './core/layout';
export { defaultActor } from './native/actor';
export { native } from './native/binding';
export { checkActor, checkEnvironment, checkOptions, checkPath } from './options';
export {
  askToBeTold,
  banksFor,
  firstRollout,
  isLive,
  packRecord,
  pageOf,
  readBankFlags,
  readGeneration,
  readNamesWord,
  readPersistedMark,
  readRecord,
  readRegistryHash,
  readRevision,
  readRollout,
  readRolloutAt,
  readSequence,
  readState,
  readVersion,
  splitState,
} from './core/page';
export { letExit, now, startDeadline, startInterval, startTimeout, stopTimer, throwLater } from './core/real-timers';
export { copyBytes, toHex } from './core/record';
export { checkPercent, mixWord, toPercent } from './core/rollout';
export { Store } from './native/store';
export {
  describeTerminal,
  hasSameSettings,
  modeName,
  packedTerminal,
  packTerminal,
  unpackTerminal,
} from './core/terminal';
