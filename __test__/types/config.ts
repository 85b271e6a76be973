// What compiles, and with which types: the names of features are literals, by default and from a list.
import {
  attachConfig,
  type ConfigHandle,
  type ConfigOptions,
  createDevelopmentConfig,
  createProductionConfig,
  DEFAULT_FEATURES,
  type DefaultFeature,
  type Feature,
  type ProductionConfig,
  type ConfigDraft,
} from '13byte-config';
import { expectType } from './expect';

// ---- The default features ---------------------------------------------------------------------------------------

const config = createProductionConfig();
expectType<ProductionConfig<DefaultFeature>, typeof config>(true);
expectType<
  | 'debug'
  | 'verbose'
  | 'metrics'
  | 'logging'
  | 'caching'
  | 'compression'
  | 'encryption'
  | 'validation'
  | 'beta_feature'
  | 'new_feature'
  | 'maintenance_mode',
  DefaultFeature
>(true);
expectType<'debug', (typeof DEFAULT_FEATURES)[0]>(true);

expectType<boolean, ReturnType<typeof config.enableFeature>>(true);
config.enableFeature('debug');
config.disableFeature('beta_feature');
config.setFeature('new_feature', true);
config.toggleFeature('maintenance_mode');
expectType<boolean, ReturnType<typeof config.isFeatureEnabledFor>>(true);
expectType<number, ReturnType<typeof config.getRollout>>(true);
config.setRollout('beta_feature', 12.5);
expectType<DefaultFeature[], ReturnType<typeof config.getEnabledFeatures>>(true);
expectType<string[], ReturnType<typeof config.getFeatureNames>>(true);
const anyName: string = 'registered-by-another-program';
const isOn: boolean = config.hasFeature(anyName) && config.isFeatureEnabled(anyName, false);
// @ts-expect-error
config.isFeatureEnabled(anyName);
// @ts-expect-error
config.isFeatureEnabled(anyName, 'no');

// A misspelt name does not compile, wherever it stands.
// @ts-expect-error
config.enableFeature('debgu');
// @ts-expect-error
config.isFeatureEnabled('debgu');
// @ts-expect-error
config.disableFeature('debgu');
// @ts-expect-error
config.toggleFeature('debgu');
// @ts-expect-error
config.setFeature('debgu', true);
// @ts-expect-error
config.isFeatureEnabledFor('debgu', 'user');
// @ts-expect-error
config.setRollout('debgu', 10);
// @ts-expect-error
config.feature('debgu');
// @ts-expect-error
config.update((draft) => draft.enable('debug', 'debgu'));
// @ts-expect-error
config.update((draft) => draft.disable('debgu'));
// @ts-expect-error
config.update((draft) => draft.set('debgu', true));
// @ts-expect-error
config.getDebugView().features.enabled.includes('debgu');
// Nor does a name that is only known to be some text, or that every object inherits.
// @ts-expect-error
config.enableFeature('debug' as string);
// @ts-expect-error
config.enableFeature('toString');

// Neither do values of another type.
// @ts-expect-error
config.enableFeature();
// @ts-expect-error
config.enableFeature(0);
// @ts-expect-error
config.setFeature('debug', 'on');
// @ts-expect-error
config.setFeature('debug');

// ---- A list of one's own ----------------------------------------------------------------------------------------

// Without `as const`.
const shop = createProductionConfig({ features: ['checkout', 'search'] });
expectType<ProductionConfig<'checkout' | 'search'>, typeof shop>(true);
shop.enableFeature('checkout');
// @ts-expect-error
shop.enableFeature('debug');
// @ts-expect-error
shop.enableFeature('chekout');

// Whatever else is in the options, and however the list came to be.
const names = ['push', 'reviews'] as const;
const mobile = createProductionConfig({ persistPath: './config.db', features: names, debugMode: true });
expectType<ProductionConfig<'push' | 'reviews'>, typeof mobile>(true);
const both = createProductionConfig({ features: [...names, 'checkout'] });
expectType<ProductionConfig<'push' | 'reviews' | 'checkout'>, typeof both>(true);
const extended = createProductionConfig({ features: [...DEFAULT_FEATURES, 'checkout'] });
expectType<ProductionConfig<DefaultFeature | 'checkout'>, typeof extended>(true);
const development = createDevelopmentConfig({ features: ['debug', 'search'] });
expectType<ProductionConfig<'debug' | 'search'>, typeof development>(true);

// A list that is only known when the program runs makes every name possible.
declare const loaded: string[];
const dynamic = createProductionConfig({ features: loaded });
expectType<ProductionConfig<string>, typeof dynamic>(true);
dynamic.enableFeature('anything');

// ---- Everything named carries its names along -------------------------------------------------------------------

const feature = shop.feature('search');
expectType<Feature<'search'>, typeof feature>(true);
expectType<boolean, typeof feature.enabled>(true);
// @ts-expect-error
feature.enabled = true;

expectType<readonly ('checkout' | 'search')[], ReturnType<typeof shop.getDebugView>['features']['enabled']>(true);
shop.update((draft) => {
  expectType<ConfigDraft<'checkout' | 'search'>, typeof draft>(true);
  draft.enable('checkout', 'search');
  draft.enable();
  draft.terminal(2, 50, 120);
});
// What `update` is given must be done when it returns; a promise is refused at run time.
shop.update((draft) => draft.disable('search'));

// A function for any config, and one for configs that have certain features, whatever else they have.
function countEnabled(any: ProductionConfig<never>): number {
  return any.getEnabledFeatures().length;
}
countEnabled(dynamic);
countEnabled(shop);
countEnabled(config);
function check<Name extends string>(any: ProductionConfig<Name>, name: Name): boolean {
  return any.isFeatureEnabled(name);
}
check(shop, 'search');
// @ts-expect-error
check(shop, 'serach');
function sell(needed: ProductionConfig<'checkout'>): boolean {
  needed.update((draft) => draft.enable('checkout'));
  needed.on('change', ({ enabled }) => enabled.includes('checkout'));
  return needed.feature('checkout').enabled;
}
sell(shop);
sell(both);
sell(extended);
sell(dynamic);
// @ts-expect-error: it has no such feature.
sell(mobile);
// @ts-expect-error
sell(config);
// @ts-expect-error: of the two that are needed it has one.
expectConfig<'checkout' | 'reviews'>(shop);
function expectConfig<Name extends string>(_needed: ProductionConfig<Name>): void {}

// Without names it is a config with the default ones, so that a misspelt name does not compile there either.
const named: ProductionConfig = createProductionConfig();
// @ts-expect-error
named.enableFeature('debgu');
// @ts-expect-error
const other: ProductionConfig = shop;
// @ts-expect-error: nor one that takes any name.
const unchecked: ProductionConfig<string> = shop;

// A handle carries the names to another thread; one that came as a message has the default names unless they are given.
expectType<ProductionConfig<'checkout' | 'search'>, ReturnType<typeof attachShop>>(true);
function attachShop() {
  return attachConfig(shop.share());
}
declare const message: ConfigHandle;
attachConfig<'checkout'>(message).isFeatureEnabled('checkout');

function open(options: ConfigOptions<readonly ['a', 'b']>) {
  return createProductionConfig(options);
}
expectType<ProductionConfig<'a' | 'b'>, ReturnType<typeof open>>(true);
