// Every member and every exported type, used the way a program would.
import {
  type ConfigDiff,
  type ConfigState,
  ConfigCore13Byte,
  ConfigError,
  createProductionConfig,
  type DebugView,
  type DefaultFeature,
  type ErrorCode,
  type FeatureState,
  type HistoryEntry,
  type OperationTiming,
  type ProductionConfig,
  type RecordBytes,
  type RestoreOptions,
  type RevisionOptions,
  type StateChanges,
  type StoreStatus,
  type TerminalModeName,
  type TerminalSettings,
  type Timings,
  type Validation,
} from '13byte-config';
import { expectType } from './expect';

const config = createProductionConfig();

// ---- Fields -----------------------------------------------------------------------------------------------------

config.setTerminalSettings(2, 50, 120);
expectType<TerminalSettings, ReturnType<typeof config.getTerminalSettings>>(true);
config.featureFlags |= 0b1000_0000;
config.rows = config.cols = config.terminalMode = config.reserved = config.version = config.registryHash = 1;
expectType<string, typeof config.environment>(true);
// @ts-expect-error
config.environment = 'staging';
// @ts-expect-error
config.rows = '24';
// @ts-expect-error
config.setTerminalSettings(2, 50);
// @ts-expect-error
config.setTerminalSettings('raw', 50, 120);
// @ts-expect-error
config.getTerminalSettings().rows = 1;

// ---- Bytes ------------------------------------------------------------------------------------------------------

expectType<Uint8Array, ReturnType<typeof config.toBytes>>(true);
expectType<string, ReturnType<typeof config.toHex>>(true);
expectType<SharedArrayBuffer | undefined, typeof config.sharedBuffer>(true);
for (const bytes of [
  new Uint8Array(13),
  Buffer.alloc(13),
  new ArrayBuffer(13),
  new SharedArrayBuffer(13),
  new DataView(new ArrayBuffer(13)),
]) {
  config.updateFromBuffer(bytes satisfies RecordBytes);
  void new ConfigCore13Byte(bytes).toHex();
}
// @ts-expect-error
config.updateFromBuffer([1, 2, 3]);
// @ts-expect-error
config.updateFromBuffer('0x01785634120500000002327800');

const core = config.getCore();
expectType<ConfigCore13Byte, typeof core>(true);
expectType<ArrayBuffer, ReturnType<typeof core.toBuffer>>(true);
expectType<ConfigCore13Byte, ReturnType<typeof ConfigCore13Byte.fromHex>>(true);
core.setVersion(1);
core.setRegistryHash(core.registryHash);
core.setFeatureFlags(core.featureFlags);
core.setTerminalMode(core.terminalMode);
core.setTerminalRows(core.terminalRows);
core.setTerminalCols(core.terminalCols);
core.setReserved(core.reserved);
core.setFeature(31, !core.hasFeature(31));
expectType<boolean, ReturnType<typeof core.toggleFeature>>(true);
// @ts-expect-error
core.featureFlags = 1;
// @ts-expect-error
core.setFeature('debug', true);

// ---- Views ------------------------------------------------------------------------------------------------------

const view: DebugView<DefaultFeature> = config.getDebugView();
expectType<TerminalModeName, typeof view.terminal.modeName>(true);
expectType<`${'disabled' | 'cooked' | 'raw' | 'pipe' | 'unknown'}`, TerminalModeName>(true);
expectType<number | null, typeof view.revision>(true);
expectType<StoreStatus, typeof view.store>(true);
expectType<Timings | undefined, typeof view.timings>(true);
const timing: OperationTiming | undefined = view.timings?.['persist'];
timing?.meanNs.toFixed();
// Frozen in the types, too.
// @ts-expect-error
view.features.enabled.push('debug');
// @ts-expect-error
view.raw.bytes[0] = 1;
// @ts-expect-error
view.terminal.rows = 1;

const { isValid, errors }: Validation = config.validate();
if (!isValid) errors.join('\n');

// ---- History ----------------------------------------------------------------------------------------------------

async function history(): Promise<void> {
  const options: RevisionOptions = { actor: 'alice', ifRevision: 7 };
  const entry: HistoryEntry = await config.persist();
  await config.persist('why');
  await config.persist('why', options);
  expectType<HistoryEntry, ReturnType<typeof config.persistSync>>(true);
  config.persistSync('why', options);
  expectType<Promise<HistoryEntry>, ReturnType<typeof config.rollback>>(true);
  await config.rollback();
  await config.rollback(entry.revision, { ifRevision: 0 });
  expectType<boolean, Awaited<ReturnType<typeof config.load>>>(true);
  for (const { createdAt, changes, restoredFrom } of await config.getHistory(10, { before: entry.revision })) {
    expectType<Date, typeof createdAt>(true);
    expectType<readonly string[], typeof changes>(true);
    expectType<number | null, typeof restoredFrom>(true);
  }
  const diff: ConfigDiff = await config.diff(1, 2);
  const { enabled, terminal }: StateChanges = diff;
  expectType<string[], typeof enabled>(true);
  expectType<TerminalSettings | undefined, NonNullable<typeof terminal>['from'] | undefined>(true);
  await config.promote('staging', { actor: 'alice' });

  // @ts-expect-error
  config.persistSync('why', { ifRevison: 7 });
  // @ts-expect-error
  await config.persist(7);
  // @ts-expect-error
  await config.persist('why', { ifRevison: 7 });
  // @ts-expect-error
  await config.persist('why', { ifRevision: '7' });
  // @ts-expect-error
  await config.rollback('7');
  // @ts-expect-error
  await config.getHistory({ limit: 10 });
  // @ts-expect-error
  await config.getHistory(10, { after: 1 });
  // @ts-expect-error
  await config.diff(1);
  // @ts-expect-error
  await config.promote();
  await config.promote('staging', { ifRevision: 7, reason: 'why' } satisfies RestoreOptions);
  // @ts-expect-error
  await config.promote('staging', { ifrevision: 7 });
  // @ts-expect-error
  entry.changeReason = 'rewritten';
}

// ---- Errors -----------------------------------------------------------------------------------------------------

async function handle(): Promise<void> {
  try {
    await history();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expectType<ErrorCode, typeof error.code>(true);
    if (error.code === 'ERR_REVISION_CONFLICT') return;
    // @ts-expect-error
    if (error.code === 'ERR_REVISION_CONFLIT') return;
    // @ts-expect-error
    error.code = 'ERR_CLOSED';
  }
}
// ---- End --------------------------------------------------------------------------------------------------------

async function end(): Promise<void> {
  expectType<Promise<void>, ReturnType<typeof config.close>>(true);
  expectType<void, ReturnType<typeof config.destroy>>(true);
  using scoped = createProductionConfig();
  await using awaited = createProductionConfig();
  scoped.enableFeature('debug');
  awaited.enableFeature('debug');
}

// ---- Whole states -----------------------------------------------------------------------------------------------

async function takeOver(from: ProductionConfig<'a' | 'b'>, to: ProductionConfig<'a' | 'b'>): Promise<void> {
  const state: ConfigState<'a' | 'b'> = from.getState();
  const entry: HistoryEntry = await to.apply(state, 'from git', { ifRevision: 0 });
  expectType<FeatureState | undefined, typeof state.features.a>(true);
  await to.apply({ terminal: state.terminal, features: { a: { enabled: true, rollout: 12.5 } } });
  // @ts-expect-error
  await to.apply({ terminal: state.terminal, features: { c: { enabled: true, rollout: 1 } } });
  // @ts-expect-error
  await to.apply({ terminal: state.terminal, features: { a: { enabled: true } } });
  // @ts-expect-error
  await to.apply({ features: {} });
  // @ts-expect-error
  state.terminal = { mode: 2, rows: 24, cols: 80 };
}
