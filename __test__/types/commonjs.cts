// The same types through `require` in a CommonJS module.
import package13 = require('13byte-config');

const config = package13.createProductionConfig({ features: ['checkout', 'search'] });
config.enableFeature('checkout');
// @ts-expect-error
config.enableFeature('debgu');
const core: package13.ConfigCore13Byte = config.getCore();
core.toHex();
