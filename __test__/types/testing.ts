import { createProductionConfig, type DefaultFeature, type ProductionConfig } from '13byte-config';
import {
  createTestConfig,
  override,
  type OverrideOptions,
  type OverrideScope,
  type Overrides,
  type TestConfigOptions,
  withOverrides,
} from '13byte-config/testing';
import { expectType } from './expect';

// ---- Test configs -----------------------------------------------------------------------------------------------

const config = createTestConfig({ debug: true, beta_feature: 12.5, terminal: { rows: 50 } });
expectType<ProductionConfig<DefaultFeature>, typeof config>(true);
const shop = createTestConfig(
  { checkout: true },
  { features: ['checkout', 'search'], database: true, environment: 'ci' },
);
expectType<ProductionConfig<'checkout' | 'search'>, typeof shop>(true);
expectType<ProductionConfig<DefaultFeature>, ReturnType<typeof createTestConfig>>(false);
createTestConfig();
createTestConfig({});
createTestConfig({}, { database: true } satisfies TestConfigOptions);

// @ts-expect-error
createTestConfig({ debgu: true });
// @ts-expect-error
createTestConfig({ debug: 'yes' });
// @ts-expect-error
createTestConfig({ debug: { rows: 50 } });
// @ts-expect-error
createTestConfig({ terminal: true });
// @ts-expect-error
createTestConfig({ terminal: { row: 50 } });
// @ts-expect-error
createTestConfig({ debug: true }, { features: ['checkout', 'search'] });
// @ts-expect-error
createTestConfig({}, { persistPath: './config.db' });

// ---- Overrides --------------------------------------------------------------------------------------------------

const scope = override(shop, { checkout: false, search: 50, terminal: { mode: 1 } });
expectType<OverrideScope, typeof scope>(true);
expectType<void, ReturnType<typeof scope.restore>>(true);
{
  using block = override(config, { debug: true }, { onConflict: 'restore' });
  block satisfies Disposable;
}
expectType<number, ReturnType<typeof withNumber>>(true);
const withNumber = () => withOverrides(config, { debug: true }, () => 13);
expectType<Promise<string>, ReturnType<typeof withPromise>>(true);
const withPromise = () => withOverrides(config, { debug: true }, async () => 'done', { onConflict: 'throw' });

// @ts-expect-error
override(shop, { debug: true });
// @ts-expect-error
override(shop, { checkout: true, serach: true });
// @ts-expect-error
override({}, { checkout: true });
// @ts-expect-error
override(config, { debug: true }, { onConflict: 'ignore' });
// @ts-expect-error
withOverrides(config, { debug: true }, 13);
// @ts-expect-error
withOverrides(config, { debgu: true }, () => 13);
// @ts-expect-error
const wrong: OverrideOptions = { onconflict: 'throw' };

// A config whose features are known at run time alone takes any names.
const names: string[] = ['a', 'b'];
const dynamic = createProductionConfig({ features: names });
override(dynamic, { a: true, b: 50, terminal: { rows: 50 } });
override(dynamic, Object.fromEntries(names.map((name) => [name, true])));
// @ts-expect-error
override(dynamic, { a: 'yes' });

// A feature called `terminal` is overridden by what overrides features.
const odd = createProductionConfig({ features: ['terminal', 'other'] });
override(odd, { terminal: true, other: false });
override(odd, { terminal: { rows: 50 }, other: 1 });
// @ts-expect-error
override(odd, { terminal: 'raw' });

const overrides: Overrides<'checkout' | 'search'> = { checkout: true, terminal: { cols: 80 } };
override(shop, overrides);
// @ts-expect-error
const misspelt: Overrides<'checkout'> = { chekout: true };
