/**
 * `13byte-config/openfeature`: a config as a provider for the OpenFeature server SDK, after the provider and event sections
 * of the OpenFeature specification.
 */
import {
  ErrorCode,
  type EvaluationContext,
  FlagNotFoundError,
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

/** What the terminal settings are as flags. */
const TERMINAL_NUMBERS = {
  'terminal.mode': 'mode',
  'terminal.rows': 'rows',
  'terminal.cols': 'cols',
} as const;
const TERMINAL = 'terminal';

/** What {@link ConfigProvider} takes besides the config. */
export interface ConfigProviderOptions {
  /**
   * Milliseconds between two looks at the config's health, 0 for never. Default 30,000. When it has become `degraded`
   * the provider is `STALE`, when it has `failed` it has an `ERROR`; features are served all the same.
   */
  readonly healthEveryMs?: number;
}

const HEALTH_EVERY_MS = 30_000;
/** The most that timers take. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

type NumberKey = keyof typeof TERMINAL_NUMBERS;
type FlagType = 'boolean' | 'number' | 'object';

/**
 * Serves the features of a config as boolean flags of the same names, and its terminal settings as the numbers
 * `terminal.mode`, `terminal.rows`, `terminal.cols` and the object `terminal`. A feature of such a name takes precedence.
 *
 * A feature that is rolled out to a part of all keys is decided by the `targetingKey` of the context (reason `SPLIT`);
 * everything else is `STATIC`. Changes by any thread or process are events (`PROVIDER_CONFIGURATION_CHANGED`).
 *
 * The config stays its maker's: closing the provider does not close it.
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
  #timer: NodeJS.Timeout | undefined;
  #health: Health['status'] = 'ok';

  /** @param config - Whose features are served. */
  constructor(config: ProductionConfig<any>, options: ConfigProviderOptions = {}) {
    // Whatever its features are: flags are asked for by any text, and an unknown one is an answer here, no mistake.
    this.#config = config;
    const { healthEveryMs = HEALTH_EVERY_MS } = options;
    if (!Number.isInteger(healthEveryMs) || healthEveryMs < 0 || healthEveryMs > LONGEST_DELAY_MS) {
      throw new RangeError(`Invalid healthEveryMs: ${healthEveryMs} (must be 0-${LONGEST_DELAY_MS})`);
    }
    this.#healthEveryMs = healthEveryMs;
  }

  /** Listens to the config from now on. Rejects when it is closed. */
  initialize(): Promise<void> {
    if (this.#isListening) return Promise.resolve();
    try {
      this.#config.on('change', this.#tell);
    } catch (error) {
      return Promise.reject(new ProviderNotReadyError(messageOf(error), { cause: error }));
    }
    this.#isListening = true;
    this.#health = 'ok';
    if (this.#healthEveryMs > 0) {
      this.#timer = setInterval(() => void this.#checkHealth(), this.#healthEveryMs).unref();
    }
    return Promise.resolve();
  }

  /** Ends listening. The provider can be initialized again. */
  onClose(): Promise<void> {
    this.#config.off('change', this.#tell);
    clearInterval(this.#timer);
    this.#isListening = false;
    return Promise.resolve();
  }

  resolveBooleanEvaluation(key: string, _default: boolean, context: EvaluationContext): Promise<ResolutionDetails<boolean>> {
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

  /** Always rejects: there are no flags of type string. */
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
      this.#config.isFeatureEnabled(key);
      return true;
    } catch (error) {
      switch ((error as { code?: string }).code) {
        case 'ERR_UNKNOWN_FEATURE':
          return false;
        case 'ERR_CLOSED':
          throw new ProviderNotReadyError(messageOf(error), { cause: error });
        default:
          throw error;
      }
    }
  }

  #resolveFeature(name: string, targetingKey: string | undefined): ResolutionDetails<boolean> {
    const rollout = this.#config.getRollout(name);
    const isOn = this.#config.isFeatureEnabled(name);
    const isSplit = isOn && rollout > 0 && rollout < 100;
    if (isSplit && !targetingKey) {
      throw new TargetingKeyMissingError(`Feature "${name}" is rolled out to ${rollout} %, so the context needs a targetingKey`);
    }
    const value = isSplit ? this.#config.isFeatureEnabledFor(name, targetingKey!) : isOn && rollout > 0;
    return {
      value,
      variant: value ? 'on' : 'off',
      reason: isSplit ? StandardResolutionReasons.SPLIT : StandardResolutionReasons.STATIC,
      flagMetadata: { environment: this.#config.environment, rollout },
    };
  }

  #resolveStatic<T>(value: T, variant: string): ResolutionDetails<T> {
    return {
      value,
      variant,
      reason: StandardResolutionReasons.STATIC,
      flagMetadata: { environment: this.#config.environment },
    };
  }

  /** Tells when the health of the config has become another one. */
  async #checkHealth(): Promise<void> {
    const { status, checks } = await this.#config.healthCheck();
    if (status === this.#health || !this.#isListening) return;
    this.#health = status;
    const message = checks
      .filter((check) => check.status !== 'ok')
      .map((check) => check.message)
      .join('; ');
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

/** The error of the specification for a flag that does not exist, or is not of the wanted type. */
function unfit(key: string, type: FlagType | undefined, wanted: string): Error {
  return type === undefined
    ? new FlagNotFoundError(`There is no flag "${key}"`)
    : new TypeMismatchError(`Flag "${key}" is of type ${type}, not ${wanted}`);
}

/** The flags that a change may have given another value. */
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
