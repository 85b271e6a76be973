import { OpenFeature, type Provider } from '@openfeature/server-sdk';
import { createProductionConfig } from '13byte-config';
import { ConfigProvider } from '13byte-config/openfeature';

// Whatever the features of a config are, it can be provided.
const provider: Provider = new ConfigProvider(createProductionConfig({ features: ['checkout', 'search'] }));
OpenFeature.setProvider(provider);
OpenFeature.setProvider('shop', new ConfigProvider(createProductionConfig()));

// @ts-expect-error
OpenFeature.setProvider(new ConfigProvider({}));
// @ts-expect-error
OpenFeature.setProvider(new ConfigProvider());
