/**
 * What `dist/extras.cjs` uses of the modules in `dist/index.cjs`, of which there must be one copy in a program: the build
 * makes a function of that file, and its imports are these, which it is called with (`scripts/lib/build.mjs`,
 * `lib/load-extras.ts`).
 */
export { checkBoolean, checkInteger, checkKeys, checkObject, checkSignal, checkString, checkText, isThenable } from './checks';
export { makeConfig, ProductionConfig } from './config';
export { assemble, NO_HISTORY, startupOf } from './create';
export { emitterMethods } from './emitter-prototype';
export { escapeUnseen, makeError, messageOf, printable, show, wrongThis } from './errors';
export { namesOf } from './feature-table';
export { DEFAULT_RECORD, FULL_ROLLOUT, MAX_FEATURES, RECORD_VERSION } from './generated/layout';
export { native } from './native';
export { checkActor, checkEnvironment, checkOptions, checkPath } from './options';
export {
  askToBeTold,
  isLive,
  packRecord,
  pageOf,
  readGeneration,
  readPageState,
  readPersistedMark,
  readRegistryHash,
  readRevision,
  readRollout,
  readRollouts,
  readState,
  readVersion,
  splitState,
} from './page';
export { letExit, now, startDeadline, startInterval, startTimeout, stopTimer, throwLater } from './real-timers';
export { toHex } from './record';
export { checkPercent, mixWord, toPercent } from './rollout';
export { Store } from './store';
export { describeTerminal, modeName, packedTerminal, packTerminal, unpackTerminal } from './terminal';
