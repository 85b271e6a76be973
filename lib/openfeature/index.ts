/**
 * `13byte-config/openfeature`: a config as a provider for the OpenFeature server SDK, according to the provider and
 * event sections of the OpenFeature specification.
 */
import {
  ErrorCode,
  type EvaluationContext,
  type FlagMetadata,
  FlagNotFoundError,
  GeneralError,
  InvalidContextError,
  type JsonValue,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  ProviderNotReadyError,
  type ResolutionDetails,
  StandardResolutionReasons,
  TargetingKeyMissingError,
  TypeMismatchError,
} from '@openfeature/server-sdk';
import type { ConfigChange, Health, ProductionConfig } from '13byte-config';
import { messageOf, show } from '../core/errors';
import { letExit, startInterval, startTimeout, stopTimer, type Timer } from '../core/real-timers';

/** The terminal settings as flags. */
const TERMINAL_NUMBERS = {
  'terminal.mode': 'mode',
  'terminal.rows': 'rows',
  'terminal.cols': 'cols',
} as const;
const TERMINAL = 'terminal';

/** Options of {@link ConfigProvider}. */
export interface ConfigProviderOptions {
  /**
   * The interval of the config's health checks in milliseconds; 0 disables them. Default: 30,000. The provider is
   * `STALE` while the health is `degraded`, and in `ERROR` while it is `failed`; features are served in any case.
   */
  readonly healthEveryMs?: number | undefined;
}

const HEALTH_EVERY_MS = 30_000;
/** The maximum delay of a timer, in milliseconds. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

type NumberKey = keyof typeof TERMINAL_NUMBERS;
type FlagType = 'boolean' | 'number' | 'object';

/**
 * Serves the features of a config as boolean flags of the same names, and its terminal settings as the numbers
 * `terminal.mode`, `terminal.rows`, `terminal.cols` and the object `terminal`. A feature of such a name takes
 * precedence.
 *
 * A feature with a rollout below 100 percent is evaluated for the `targetingKey` of the context (reason `SPLIT`);
 * everything else is `STATIC`. Changes by any thread or process are events (`PROVIDER_CONFIGURATION_CHANGED`).
 *
 * The caller owns the config: closing the provider does not close it.
 *
 * @example
 * import { OpenFeature } from '@openfeature/server-sdk';
 * import { createProductionConfig } from '13byte-config';
 * import { ConfigProvider } from '13byte-config/openfeature';
 *
 * await OpenFeature.setProviderAndWait(new ConfigProvider(createProductionConfig()));
 * await OpenFeature.getClient().getBooleanValue('beta_feature', false, { targetingKey: user.id });
 */
export class ConfigProvider implements Provider {
  readonly metadata = { name: '13byte-config' } as const;
  readonly runsOn = 'server';
  readonly events = new OpenFeatureEventEmitter();
  readonly #config: ProductionConfig<string>;
  readonly #healthEveryMs: number;
  #isListening = false;
  #timer: Timer | undefined;
  #health: Health['status'] = 'ok';
  /** What was declared of features. Evaluations never wait for the database, so it is read once. */
  #notes: ReadonlyMap<string, FlagMetadata> = new Map();

  /** @param config - The config to serve. */
  constructor(config: ProductionConfig<any>, options: ConfigProviderOptions = {}) {
    // Of any features: OpenFeature asks for flags by arbitrary text, and an unknown flag is a result, not a mistake.
    this.#config = config;
    const { healthEveryMs = HEALTH_EVERY_MS } = options;
    if (!Number.isInteger(healthEveryMs) || healthEveryMs < 0 || healthEveryMs > LONGEST_DELAY_MS) {
      throw new RangeError(`Invalid healthEveryMs: ${healthEveryMs} (must be 0-${LONGEST_DELAY_MS})`);
    }
    this.#healthEveryMs = healthEveryMs;
  }

  /**
   * Starts listening to the config and checking its health. Rejects if the config is closed, or if its health is
   * `failed`, such as when its database could not be opened: the provider then starts in `ERROR`, serves the features
   * anyway, and becomes ready when the health improves.
   */
  async initialize(): Promise<void> {
    if (this.#isListening) return;
    try {
      this.#config.on('change', this.#tell);
    } catch (error) {
      throw new ProviderNotReadyError(messageOf(error), { cause: error });
    }
    this.#isListening = true;
    this.#health = 'ok';
    this.#notes = notesOf(this.#config);
    if (this.#healthEveryMs === 0) {
      // Without a health check; whether the database could be opened is known.
      const { error } = this.#config.getDebugView().store;
      if (error) throw new GeneralError(error.message);
      return;
    }
    const health = await this.#config.healthCheck();
    if (!this.#isListening) return;
    this.#timer = letExit(startInterval(() => void this.#checkHealth(), this.#healthEveryMs));
    if (health.status === 'failed') {
      this.#health = 'failed';
      throw new GeneralError(whatIsWrong(health));
    }
    // Later: the SDK considers the provider ready when this resolves.
    if (health.status === 'degraded') letExit(startTimeout(() => this.#tellHealth(health), 0));
  }

  /** Ends listening. The provider can be initialized again. */
  onClose(): Promise<void> {
    this.#config.off('change', this.#tell);
    stopTimer(this.#timer);
    this.#isListening = false;
    return Promise.resolve();
  }

  resolveBooleanEvaluation(
    key: string,
    _default: boolean,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<boolean>> {
    return this.#resolve(key, 'boolean', () => this.#resolveFeature(key, context.targetingKey));
  }

  resolveNumberEvaluation(key: string): Promise<ResolutionDetails<number>> {
    return this.#resolve(key, 'number', () => {
      const value = this.#config.getTerminalSettings()[TERMINAL_NUMBERS[key as NumberKey]];
      return this.#resolveStatic(value, `${value}`);
    });
  }

  resolveObjectEvaluation<T extends JsonValue>(key: string): Promise<ResolutionDetails<T>> {
    return this.#resolve(key, 'object', () => {
      const { mode, rows, cols } = this.#config.getTerminalSettings();
      return this.#resolveStatic({ mode, rows, cols } as unknown as T, `${mode}:${rows}x${cols}`);
    });
  }

  /** Always rejects: there are no string flags. */
  async resolveStringEvaluation(key: string): Promise<ResolutionDetails<string>> {
    throw unfit(key, this.#typeOf(key), 'string');
  }

  /** Rejects for a flag that does not exist or has another type. */
  async #resolve<T>(key: string, wanted: FlagType, resolve: () => ResolutionDetails<T>): Promise<ResolutionDetails<T>> {
    const type = this.#typeOf(key);
    if (type !== wanted) throw unfit(key, type, wanted);
    return resolve();
  }

  #typeOf(key: string): FlagType | undefined {
    if (this.#hasFeature(key)) return 'boolean';
    if (Object.hasOwn(TERMINAL_NUMBERS, key)) return 'number';
    return key === TERMINAL ? 'object' : undefined;
  }

  #hasFeature(key: string): boolean {
    try {
      // A value that is not a string names no flag.
      return typeof key === 'string' && this.#config.hasFeature(key);
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_CLOSED') {
        throw new ProviderNotReadyError(messageOf(error), { cause: error });
      }
      throw new GeneralError(messageOf(error), { cause: error });
    }
  }

  #resolveFeature(name: string, targetingKey: unknown): ResolutionDetails<boolean> {
    const rollout = this.#config.getRollout(name);
    const isOn = this.#config.isFeatureEnabled(name);
    const isSplit = isOn && rollout > 0 && rollout < 100;
    const value = isSplit ? this.#isOnFor(name, rollout, targetingKey) : isOn && rollout > 0;
    return {
      value,
      variant: value ? 'on' : 'off',
      reason: isSplit ? StandardResolutionReasons.SPLIT : StandardResolutionReasons.STATIC,
      flagMetadata: { environment: this.#config.environment, rollout, ...this.#notes.get(name) },
    };
  }

  #isOnFor(name: string, rollout: number, targetingKey: unknown): boolean {
    if (targetingKey === undefined || targetingKey === null || targetingKey === '') {
      throw new TargetingKeyMissingError(
        `Feature "${name}" is rolled out to ${rollout} %, so the context needs a targetingKey`,
      );
    }
    try {
      return this.#config.isFeatureEnabledFor(name, targetingKey as string);
    } catch (error) {
      // The flag exists, so the key is invalid: not a string, or not well-formed.
      throw new InvalidContextError(`Invalid targetingKey: ${messageOf(error)}`, { cause: error });
    }
  }

  #resolveStatic<T>(value: T, variant: string): ResolutionDetails<T> {
    return {
      value,
      variant,
      reason: StandardResolutionReasons.STATIC,
      flagMetadata: { environment: this.#config.environment },
    };
  }

  async #checkHealth(): Promise<void> {
    this.#tellHealth(await this.#config.healthCheck());
  }

  /** Emits an event when the health of the config has changed. */
  #tellHealth(health: Health): void {
    const { status } = health;
    if (status === this.#health || !this.#isListening) return;
    this.#health = status;
    const message = whatIsWrong(health);
    if (status === 'ok') this.events.emit(ProviderEvents.Ready, { message: 'The config is well again' });
    else if (status === 'degraded') this.events.emit(ProviderEvents.Stale, { message });
    else this.events.emit(ProviderEvents.Error, { message, errorCode: ErrorCode.GENERAL });
  }

  readonly #tell = (change: ConfigChange<string>): void => {
    this.events.emit(ProviderEvents.ConfigurationChanged, {
      flagsChanged: flagsOf(change),
      metadata: { environment: this.#config.environment, generation: change.generation },
    });
  };
}

/** The specified error for a flag that does not exist or has another type. */
function unfit(key: string, type: FlagType | undefined, wanted: string): Error {
  return type === undefined
    ? new FlagNotFoundError(`There is no flag ${show(key)}`)
    : new TypeMismatchError(`Flag ${show(key)} is of type ${type}, not ${wanted}`);
}

/** The flags whose value a change may have affected. */
function flagsOf({ enabled, disabled, rollouts = {}, terminal }: ConfigChange<string>): string[] {
  const flags = new Set([...enabled, ...disabled, ...Object.keys(rollouts)]);
  if (terminal) {
    flags.add(TERMINAL);
    for (const [key, field] of Object.entries(TERMINAL_NUMBERS)) {
      if (terminal.from[field] !== terminal.to[field]) flags.add(key);
    }
  }
  return [...flags];
}

/** Description, owner and expiry of each feature, as far as they were declared. */
function notesOf(config: ProductionConfig<string>): ReadonlyMap<string, FlagMetadata> {
  try {
    const features = config.getFeatureNames().map((name) => {
      const { description, owner, expires } = config.getFeatureInfo(name);
      const notes = { description, owner, expires: expires?.toISOString() ?? null };
      return [name, Object.fromEntries(Object.entries(notes).filter(([, text]) => text !== null))] as const;
    });
    return new Map(features as [string, FlagMetadata][]);
  } catch {
    // The health check says what is wrong with the database; flags are served all the same.
    return new Map();
  }
}

function whatIsWrong({ checks }: Health): string {
  return checks
    .filter((check) => check.status !== 'ok')
    .map((check) => check.message)
    .join('; ');
}
