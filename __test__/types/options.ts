// Options: misspelt ones and values of another type do not compile.
import { type ConfigOptions, createDevelopmentConfig, createProductionConfig } from '13byte-config';

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
