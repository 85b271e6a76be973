import { createProductionConfig } from '13byte-config';

const config = createProductionConfig();

// Before: Confusing bit manipulation
config.featureFlags |= 0b10000000; // What does this mean?

// After: Clear, self-documenting
config.enableFeature('debug');
config.enableFeature('metrics');
config.setTerminalSettings(2, 50, 120);

// Human-readable debugging
console.log(config.getDebugView());
// {
//   features: { enabled: ['debug', 'metrics'], disabled: ['verbose'] },
//   terminal: { dimensions: '50x120', mode: 2 },
//   raw: { hex: '0x0178563412070000000321800' }
// }
