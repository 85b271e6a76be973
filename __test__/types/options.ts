// Options: misspelt ones and values of another type do not compile.
import {
  type AutoPersistOptions,
  type BackupOptions,
  checkFiles,
  type ConfigHandle,
  type ConfigOptions,
  createDevelopmentConfig,
  createProductionConfig,
  type FeatureDeclaration,
  type FeatureInfo,
  type FeatureList,
  type FeatureNames,
  type FileCheck,
  type FileCheckName,
  type ProductionConfig,
  type PruneOptions,
  type RestoreOptions,
  type RevisionOptions,
  type VerifyOptions,
  type WorkOptions,
} from '13byte-config';
import type { ConfigProviderOptions } from '13byte-config/openfeature';
import type { InstrumentOptions } from '13byte-config/opentelemetry';
import type { OverrideOptions, TestConfigOptions } from '13byte-config/testing';
import { expectType } from './expect';

createProductionConfig();
createProductionConfig({});
createProductionConfig({
  persistPath: './config.db',
  environment: 'production',
  features: ['a'],
  debugMode: true,
  actor: 'alice',
  autoLoad: false,
  onStoreError: 'degrade',
  readOnly: true,
});
createDevelopmentConfig({ enableClusterSync: true, clusterName: 'shop', liveMustExist: true });
createProductionConfig({ persistPath: './config.db', fileMustExist: true });
createProductionConfig({ persistPath: './config.db', enableClusterSync: 'if-live', readOnly: true });

const declared = createProductionConfig({
  features: {
    checkout: { description: 'The new checkout', owner: 'payments', expires: '2027-03-01', enabled: true, rollout: 10 },
    search: { expires: new Date() },
    plain: {},
  },
});
expectType<typeof declared, ProductionConfig<'checkout' | 'search' | 'plain'>>(true);
const info = declared.getFeatureInfo('checkout');
expectType<typeof info, FeatureInfo<'checkout'>>(true);
expectType<typeof info.expires, Date | null>(true);
expectType<FeatureNames<readonly ['a', 'b']>, 'a' | 'b'>(true);
expectType<FeatureNames<{ a: FeatureDeclaration; b: object }>, 'a' | 'b'>(true);
expectType<FeatureNames<FeatureList>, string>(true);
const anyNames: FeatureList = Math.random() < 0.5 ? ['a'] : { a: {} };
expectType<ReturnType<typeof createProductionConfig<typeof anyNames>>, ProductionConfig<string>>(true);
// @ts-expect-error
declared.enableFeature('chekout');
// @ts-expect-error
declared.getFeatureInfo('chekout');
// @ts-expect-error
createProductionConfig({ features: { a: { descripton: 'misspelt' } } });
// @ts-expect-error
createProductionConfig({ features: { a: { rollout: '10' } } });
// @ts-expect-error
createProductionConfig({ features: { a: true } });

// @ts-expect-error
createProductionConfig({ persistpath: './config.db' });
// @ts-expect-error
createDevelopmentConfig({ persistPath: './config.db', debug: true });
// @ts-expect-error
createProductionConfig('./config.db');
// @ts-expect-error
createProductionConfig(null);
// @ts-expect-error
createProductionConfig({ persistPath: 7 });
// @ts-expect-error
createProductionConfig({ persistPath: new URL('file:///config.db') });
// @ts-expect-error
createProductionConfig({ environment: true });
// @ts-expect-error
createProductionConfig({ features: 'debug' });
// @ts-expect-error
createProductionConfig({ features: ['debug', 7] });
// @ts-expect-error
createProductionConfig({ features: new Set(['debug']) });
// @ts-expect-error
createProductionConfig({ debugMode: 'yes' });
// @ts-expect-error
createProductionConfig({ actor: 7 });
// @ts-expect-error
createProductionConfig({ autoLoad: 0 });
// @ts-expect-error
createProductionConfig({ onStoreError: 'ignore' });
// @ts-expect-error
createProductionConfig({ readOnly: 1 });
// @ts-expect-error
createProductionConfig({ enableClusterSync: 'yes' });
// @ts-expect-error
createProductionConfig({ enableClusterSync: true, clusterName: 7 });

const options: ConfigOptions = { persistPath: './config.db', onStoreError: 'throw' };
createProductionConfig(options).enableFeature('debug');
// @ts-expect-error
createProductionConfig(options).enableFeature('checkout');
// @ts-expect-error
const misspelt: ConfigOptions = { readonly: true };

// An option that is `undefined` counts as left out, also with `exactOptionalPropertyTypes`: all that can be left out.
type UndefinedToo<Options> = {
  [name in keyof Options as {} extends Pick<Options, name> ? name : never]-?: undefined extends Options[name]
    ? never
    : name;
};
type Refusing<Options> = UndefinedToo<Options>[keyof UndefinedToo<Options>];
expectType<never, Refusing<ConfigOptions>>(true);
expectType<never, Refusing<AutoPersistOptions>>(true);
expectType<never, Refusing<RevisionOptions>>(true);
expectType<never, Refusing<RestoreOptions>>(true);
expectType<never, Refusing<WorkOptions>>(true);
expectType<never, Refusing<VerifyOptions>>(true);
expectType<never, Refusing<PruneOptions>>(true);
expectType<never, Refusing<BackupOptions>>(true);
expectType<never, Refusing<ConfigHandle>>(true);
expectType<never, Refusing<TestConfigOptions>>(true);
expectType<never, Refusing<OverrideOptions>>(true);
expectType<never, Refusing<ConfigProviderOptions>>(true);
expectType<never, Refusing<InstrumentOptions>>(true);
createProductionConfig({ persistPath: process.env['DB'], environment: process.env['APP_ENV'], features: undefined });
createProductionConfig().changes({ signal: undefined });
void createProductionConfig().getHistory(5, { before: undefined });

expectType<FileCheckName, FileCheck['name']>(true);
expectType<FileCheck[], ReturnType<typeof checkFiles>>(true);
checkFiles('./config.db');
// @ts-expect-error
checkFiles();
// @ts-expect-error
checkFiles('./config.db', 7);
