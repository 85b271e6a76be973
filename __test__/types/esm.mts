// The same types through `import` in an ES module.
import * as everything from '13byte-config';
import { ConfigCore13Byte, createProductionConfig, type ProductionConfig } from '13byte-config';
import { expectType } from './expect.js';

const config = createProductionConfig({ features: ['checkout', 'search'] });
expectType<ProductionConfig<'checkout' | 'search'>, typeof config>(true);
// @ts-expect-error
config.enableFeature('debgu');

expectType<ConfigCore13Byte, everything.ConfigCore13Byte>(true);
expectType<typeof createProductionConfig, typeof everything.createProductionConfig>(true);
