import { createProductionConfig } from '13byte-config';

const config = createProductionConfig();

// Comprehensive validation with helpful errors
try {
  // @ts-expect-error TypeScript knows the names as well, and does not compile this one.
  config.enableFeature('unknown_feature');
} catch (error) {
  // "Unknown feature: unknown_feature. Available: debug, verbose, metrics..."
}

// Runtime validation
const validation = config.validate();
if (!validation.isValid) {
  // "Invalid rows: 0 (must be 1-255)"
}
